"""Questions about segments and what is given to them."""

from collections.abc import Collection

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from campaigns.models import Handout, Segment
from members import validation
from members.errors import NotFound


def segments() -> QuerySet[Segment]:
    """All segments in the order they were made."""
    return Segment.objects.order_by("id")


def names() -> dict[str, str]:
    """The names of all segments by code."""
    return dict(segments().values_list("code", "name"))


def segment(code: str, pointer: str = "") -> Segment:
    """The segment with this code. Raises NotFound."""
    found = segments_by_code([code])
    if not found:
        raise NotFound(_("Segment"), pointer)
    return found[0]


def segments_by_code(codes: Collection[str]) -> list[Segment]:
    """The segments that exist among these codes."""
    asked = [code for code in codes if validation.is_storable(code)]
    return list(segments().filter(code__in=asked)) if asked else []


def segments_of_groups(groups: Collection[str]) -> list[Segment]:
    """The segments of these groups, in the order in which a member belongs to one of them."""
    return list(Segment.objects.filter(group__in=groups).order_by("group", "position", "id"))


def handout(code: str, pointer: str = "") -> Handout:
    """The grant with this code. Raises NotFound."""
    known = Handout.objects.select_related("segment")
    found = known.filter(code=code).first() if validation.is_storable(code) else None
    if found is None:
        raise NotFound(_("Grant"), pointer)
    return found
