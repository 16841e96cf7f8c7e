"""To whom a member gives something: the form's key, how often others may be looked up, and who is meant."""

import uuid

from allauth.core import ratelimit
from django import forms
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from members import queries
from members.errors import NotFound
from members.models import Member


def with_key(said: QueryDict) -> QueryDict:
    """What was sent, under a new key when its own is none."""
    try:
        uuid.UUID(said.get("key", ""))
    except ValueError:
        said = said.copy()
        said["key"] = str(uuid.uuid4())
        said.pop("confirmed", None)
    return said


def may_look(request: HttpRequest, form: forms.Form) -> bool:
    """Whether the member may look others up once more: nobody shall try out phone numbers here."""
    if ratelimit.consume(request, action="find_member", user=request.user):
        return True
    form.add_error("receiver", _("You have looked up too many members. Please try again later."))
    return False


def named(text: str) -> Member:
    """The member that a phone number or member number names; raises NotFound and InvalidInput."""
    try:
        return queries.by_number(text, "/to")
    except NotFound:
        return queries.by_phone(text, "/to")
