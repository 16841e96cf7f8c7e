"""Messages in members' inboxes: sent once per template and reference, in the words of that moment; read by them.

Nothing of a message is written to logs.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Exists, F, OuterRef, QuerySet, Value
from django.db.models.functions import Greatest

from members import lifecycle, message_templates
from members.models import Member, Message

BATCH = 1_000

# A member who is being closed or merged away is waited for. Parameters: ids, template, sent_at, ids, references,
# texts, links.
_INSERT = f"""
WITH open AS (
    SELECT id FROM {Member._meta.db_table}
    WHERE id = ANY(%s) AND status <> 'closed' ORDER BY id FOR SHARE
)
INSERT INTO {Message._meta.db_table} (member_id, template, reference, texts, link, sent_at)
SELECT open.id, %s, told.reference, told.texts::jsonb, told.link, %s
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[])
    WITH ORDINALITY AS told (member, reference, texts, link, place)
JOIN open ON open.id = told.member
ORDER BY told.place
ON CONFLICT DO NOTHING"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message to send: to which member (id), about what (told once), with what data and a path to go on to."""

    member: int
    reference: str
    data: Mapping[str, object] = field(default_factory=dict)
    link: str = ""


def quoted(said: str) -> str:
    """What somebody wrote, as it stands in a message beside our own words; nothing of nothing."""
    return f"“{said}”" if said else ""


def send(
    *,
    template: str,
    member: Member,
    reference: str,
    data: Mapping[str, object],
    link: str,
    at: datetime,
) -> int:
    """Put a message into a member's inbox; how many it were: 0 where the same was told before, or nothing is sent."""
    notice = Notice(member=member.pk, reference=reference, data=data, link=link)
    return send_all(template=template, notices=[notice], at=at)


def send_all(*, template: str, notices: Iterable[Notice], at: datetime) -> int:
    """Send many messages of one template, in one statement for each thousand; how many were new.

    What a member was told before under the same reference is left out; so are closed members. A template that the
    merchant switched off sends nothing. `data` has a value for each placeholder: texts, whole numbers, days, moments.
    """
    wording = message_templates.wording(template)
    if not wording.active:
        return 0
    return sum(_insert(template, wording, part, at) for part in _parts(notices))


def _parts(notices: Iterable[Notice]) -> Iterable[Sequence[Notice]]:
    ordered = sorted(notices, key=lambda notice: notice.member)
    return (ordered[begin : begin + BATCH] for begin in range(0, len(ordered), BATCH))


def _insert(
    template: str, wording: message_templates.Wording, notices: Sequence[Notice], at: datetime
) -> int:
    members = [notice.member for notice in notices]
    values: list[Any] = [
        members,
        template,
        at,
        members,
        [notice.reference for notice in notices],
        [json.dumps(wording.rendered(notice.data)) for notice in notices],
        [notice.link for notice in notices],
    ]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        return int(cursor.rowcount)


def read(*, member: Member, message: int, at: datetime) -> bool:
    """Mark a message (id) of the member as read; whether it is the member's."""
    own = Message.objects.filter(member=member, pk=message)
    _mark(own.filter(read_at__isnull=True), at)
    return own.exists()


def read_all(*, member: Member, at: datetime) -> int:
    """Mark all that was sent until now as read; how many it were."""
    return _mark(Message.objects.filter(member=member, read_at__isnull=True, sent_at__lte=at), at)


def follow(event: str, members: Sequence[Member], at: datetime) -> None:
    """Handler of MEMBER_EVENTS: a closed member's messages go, those of a merged one are the target's."""
    if event == lifecycle.CLOSED:
        Message.objects.filter(member__in=members).delete()
    elif event == lifecycle.MERGED:
        for member in members:
            _hand_over(member)


def _hand_over(source: Member) -> None:
    told = Message.objects.filter(
        member=source.merged_into,
        template=OuterRef("template"),
        reference=OuterRef("reference"),
    )
    own = Message.objects.filter(member=source)
    own.exclude(Exists(told)).update(member=source.merged_into)
    # The target was told the same.
    own.delete()


def _mark(messages: QuerySet[Message], at: datetime) -> int:
    return messages.update(read_at=Greatest(F("sent_at"), Value(at)))
