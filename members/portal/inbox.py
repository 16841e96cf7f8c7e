"""The member's inbox: what the program has told them."""

from dataclasses import dataclass

from django import forms
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.views.decorators.http import require_POST

from members import message_templates, messages, queries
from members.errors import NotFound
from members.message_templates import Template
from members.models import Message
from members.portal import access

PAGE = 20
FIRST_LANGUAGE = "zh-hans"


class InboxForm(forms.Form):
    """Which page of the inbox; all of it optional and in the address."""

    page = forms.IntegerField(required=False, min_value=1, max_value=10_000)


@dataclass(frozen=True, slots=True)
class Told:
    """A message in the reader's language."""

    message: Message
    title: str
    body: str
    drawing: str

    @property
    def is_unread(self) -> bool:
        """Whether it is new to the member."""
        return self.message.read_at is None


@access.member_required
def inbox(request: access.MemberRequest) -> HttpResponse:
    """What the member was told, unread first, the newest of each on top."""
    asked = InboxForm(request.GET)
    number = asked.cleaned_data["page"] if asked.is_valid() else None
    page = Paginator(queries.messages_of(request.member), PAGE).get_page(number or 1)
    templates = message_templates.all_templates()
    told = [_told(message, templates.get(message.template)) for message in page]
    context = {
        "page": page,
        "unread": [each for each in told if each.is_unread],
        "earlier": [each for each in told if not each.is_unread],
    }
    return render(request, "portal/inbox.html", context)


@require_POST
@access.member_required
def open_message(request: access.MemberRequest, message_id: int) -> HttpResponse:
    """Mark a message as read and go on to what it is about."""
    try:
        own = queries.message(member=request.member, pk=message_id)
    except NotFound:
        raise Http404 from None
    messages.read(member=request.member, message=own.pk, at=timezone.now())
    is_ours = url_has_allowed_host_and_scheme(own.link, allowed_hosts=None)
    return redirect(own.link if own.link and is_ours else "members:inbox")


@require_POST
@access.member_required
def read_all(request: access.MemberRequest) -> HttpResponse:
    """Mark everything as read."""
    messages.read_all(member=request.member, at=timezone.now())
    return redirect("members:inbox")


def _told(message: Message, template: Template | None) -> Told:
    words = message.texts.get(get_language()) or message.texts[FIRST_LANGUAGE]
    drawing = template.drawing if template else "bell"
    return Told(message, words["title"], words["body"], drawing)
