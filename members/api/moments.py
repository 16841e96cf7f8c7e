"""Strict fields for moments and days."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

CLOCK_TOLERANCE = timedelta(minutes=5)
MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"
    r"(?P<offset>[Zz]|[+-][0-9]{2}:[0-9]{2})?"
)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@extend_schema_field({"type": "string", "format": "date-time"})
class MomentField(serializers.Field[Any, Any, Any, Any]):
    """A moment: RFC 3339 with its offset."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": _("Not a time such as 2026-05-01T10:30:00+08:00 (RFC 3339)."),
        "naive": _("The offset is missing: write 2026-05-01T10:30:00+08:00."),
        "future": _("This is in the future: check the clock and the offset."),
    }

    def to_internal_value(self, data: Any) -> datetime:
        match = MOMENT.fullmatch(data) if isinstance(data, str) else None
        if match is None:
            self.fail("invalid")
        if match["offset"] is None:
            self.fail("naive")
        try:
            return datetime.fromisoformat(data.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail("invalid")

    def to_representation(self, value: datetime) -> str:
        return shown(value)


class PastMomentField(MomentField):
    """A moment that has happened: at most five minutes ahead of the clock; any past is accepted."""

    def to_internal_value(self, data: Any) -> datetime:
        moment = super().to_internal_value(data)
        if moment > timezone.now() + CLOCK_TOLERANCE:
            self.fail("future")
        return moment


class FutureMomentField(MomentField):
    """A moment that is still to come."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "past": _("This is already in the past."),
    }

    def to_internal_value(self, data: Any) -> datetime:
        moment = super().to_internal_value(data)
        if moment <= timezone.now():
            self.fail("past")
        return moment


def shown(moment: datetime) -> str:
    """RFC 3339 in the current time zone; in UTC where the zone's offset has odd seconds (before 1901)."""
    try:
        local = timezone.localtime(moment)
    except OverflowError:
        return moment.astimezone(UTC).isoformat()
    offset = local.utcoffset() or timedelta(0)
    return (local if offset.seconds % 60 == 0 else moment.astimezone(UTC)).isoformat()


@extend_schema_field({"type": "string", "format": "date"})
class PastDayField(serializers.Field[Any, Any, Any, Any]):
    """A day that has been, such as a birthday: YYYY-MM-DD."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": _("Not a day such as 1990-05-01."),
        "future": _("This day is in the future."),
    }

    def to_internal_value(self, data: Any) -> date:
        if not isinstance(data, str) or not DAY.fullmatch(data):
            self.fail("invalid")
        try:
            day = date.fromisoformat(data)
        except ValueError:
            self.fail("invalid")
        if day > timezone.localdate():
            self.fail("future")
        return day

    def to_representation(self, value: date) -> str:
        return value.isoformat()
