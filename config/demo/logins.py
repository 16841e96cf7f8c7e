"""The logins of the demo: made with a known password, and told as long as they still work."""

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import Group
from django.utils import translation
from django.utils.translation import gettext, gettext_noop

from config import roles
from config.demo.people import LIN_ID, LIN_PHONE
from members.models import Member, User

PASSWORD = "hejian-demo"  # noqa: S105 - the demo's, made only with DEBUG on
TITLES = {
    "owner": gettext_noop("Owner"),
    "manager": gettext_noop("Manager"),
    "clerk": gettext_noop("Clerk"),
}
STAFF = (
    ("owner", "沈听澜", None),
    ("manager", "顾怀瑾", roles.MANAGER),
    ("clerk", "陆青禾", roles.CLERK),
)


def make_staff() -> None:
    """The owner, a store manager and a clerk."""
    roles.ensure_roles()
    password = make_password(PASSWORD)
    for username, name, role in STAFF:
        user = User.objects.create(
            username=username,
            name=name,
            password=password,
            is_staff=True,
            is_superuser=role is None,
        )
        if role is not None:
            user.groups.add(Group.objects.get(name=role))


def told() -> list[str]:
    """The demo's logins that work, one a line; nothing when this is no demo shop."""
    rows = [
        (in_both(TITLES[user.username]), user.username, PASSWORD, "/console/")
        for user in _working()
    ]
    if Member.objects.filter(phone=LIN_PHONE, external_id=LIN_ID).exists():
        phone = LIN_PHONE.removeprefix("+86")
        code = in_both(gettext_noop("the code appears in this log"))
        rows.append((in_both(gettext_noop("Member")), phone, code, "/"))
    return [
        "  " + _padded(title, 15) + _padded(name, 14) + _padded(secret, 46) + path
        for title, name, secret, path in rows
    ]


def in_both(message: str) -> str:
    """The text in Chinese and English: whoever tries the demo reads one of them."""
    texts = []
    for language in ("zh-hans", "en"):
        with translation.override(language):
            texts.append(gettext(message))
    return " ".join(dict.fromkeys(texts))


def _working() -> list[User]:
    found = {
        user.username: user
        for user in User.objects.filter(
            username__in=[username for username, _name, _role in STAFF], is_active=True
        )
    }
    # They were given one password in one form: who still has the very same needs no second look.
    is_known: dict[str, bool] = {}
    for user in found.values():
        if user.password not in is_known:
            is_known[user.password] = check_password(PASSWORD, user.password)
    return [
        found[username]
        for username, _name, _role in STAFF
        if username in found and is_known[found[username].password]
    ]


def _padded(text: str, width: int) -> str:
    """Text filled up to a width in columns; a Chinese character takes two."""
    columns = sum(1 if letter.isascii() else 2 for letter in text)
    return text + " " * max(1, width - columns)
