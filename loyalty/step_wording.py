"""How a movement came to its points, one step after the other, in plain words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from loyalty import wording

Part = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step: what it is, how it was reckoned ("100 → 200"), its points, the sum after it; `is_cut`: a limit took it."""

    title: str
    detail: str
    points: int
    after: int
    is_cut: bool


def steps(explanation: Iterable[Part]) -> list[Step]:
    """The steps of an explanation in their order."""
    found: list[Step] = []
    reached = 0
    for part in explanation:
        before, reached = reached, reached + part["points"]
        found.append(
            Step(
                title=_title(part),
                detail=_detail(part, before, reached),
                points=part["points"],
                after=reached,
                is_cut=part["kind"] == "cap",
            )
        )
    return found


def _title(part: Part) -> str:
    name = wording.part_title(part)
    if "factor" in part:
        return f"{name} ×{part['factor']}"
    if part["kind"] == "cap":
        return _("%(title)s: cut by %(limit)s") % {
            "title": name,
            "limit": wording.limit_words(str(part.get("cap"))),
        }
    return name


def _detail(part: Part, before: int, after: int) -> str:
    """How the step was reckoned; empty where its points say it all."""
    if "amount" in part and "rate" in part:
        return _("¥%(amount)s × %(rate)s") % {
            "amount": f"{Decimal(part['amount']):,}",
            "rate": part["rate"],
        }
    if "reward" in part:
        return _("a gift: see your vouchers")
    if "tickets" in part:
        return ngettext("%(count)d draw ticket", "%(count)d draw tickets", part["tickets"]) % {
            "count": part["tickets"]
        }
    if "status_points" in part:
        return _("+%(points)s status points") % {"points": f"{part['status_points']:,}"}
    # The first step of all has nothing before it.
    return f"{before:,} → {after:,}" if before else ""
