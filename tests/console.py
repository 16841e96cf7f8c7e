"""Staff at the console: signed in by role, filling in its forms."""

from typing import Any

from django.contrib.auth.models import Group
from django.forms import MultiWidget
from django.test import Client

from config import roles
from members.models import User

PASSWORDS = "django.contrib.auth.backends.ModelBackend"
ROLES = ("owner", "manager", "clerk")
NAMES = {"manager": roles.MANAGER, "clerk": roles.CLERK}


def staff(role: str) -> User:
    """A member of staff; the password is the role's name."""
    if role == "owner":
        return User.objects.create_superuser(username=role, password=role)
    roles.ensure_roles()
    user = User.objects.create_user(username=role, password=role, is_staff=True)
    user.groups.add(Group.objects.get(name=NAMES[role]))
    return user


def desk(role: str) -> Client:
    """The browser of somebody of this role, signed in."""
    client = Client()
    client.force_login(staff(role), backend=PASSWORDS)
    return client


def filled(page: Any, **changes: Any) -> dict[str, Any]:
    """What a browser sends for the form of a page, with some fields filled in differently."""
    form = page.context["adminform"].form
    data: dict[str, Any] = {}
    for field in form:
        value = field.value()
        if isinstance(field.field.widget, MultiWidget):
            parts = field.field.widget.decompress(value) or []
            data |= {f"{field.html_name}_{n}": part or "" for n, part in enumerate(parts)}
        elif getattr(field.field.widget, "allow_multiple_selected", False):
            data |= {field.html_name: value} if value else {}
        elif value is not False:
            data[field.html_name] = "" if value is None else value
        if field.field.show_hidden_initial:
            data[field.html_initial_name] = "" if value is None else value
    return data | changes


def errors_of(page: Any) -> dict[str, list[str]]:
    """What a page says is wrong, by field; "__all__" stands above the form."""
    return {name: list(said) for name, said in page.context["adminform"].form.errors.items()}
