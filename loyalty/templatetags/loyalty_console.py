"""The cards that the points contribute to the console's pages."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from django import template
from django.utils import timezone

from loyalty import programs, queries, tiers, wording
from loyalty.models import Allocation, Entry, Order, OrderLine, OrderStep, Program, Refund
from members.models import Member

register = template.Library()

SHOWN = 10


@register.simple_tag
def current_program() -> Program:
    """The program, read once by a page and handed on."""
    return programs.current()


@register.simple_tag
def member_figures(member: Member, program: Program) -> queries.Figures:
    """The wallet as it is now."""
    return queries.figures(member=member, at=timezone.now(), program=program)


@register.simple_tag
def member_standing(member: Member) -> tiers.Standing:
    """The tier, and what the next one needs."""
    return tiers.standing(member=member, at=timezone.now())


@register.simple_tag
def member_lots(member: Member) -> dict[str, Any]:
    """The lots to be spent first, and how many more there are."""
    lots = queries.lots_of(member=member, at=timezone.now())
    return {"shown": lots[:SHOWN], "more": max(0, len(lots) - SHOWN)}


@register.simple_tag
def member_entries(member: Member) -> Iterable[Entry]:
    """The latest movements of points."""
    return queries.entries_of(member=member)[:SHOWN]


@register.simple_tag
def member_orders(member: Member) -> Iterable[Order]:
    """The latest orders."""
    return queries.orders_of(member=member)[:SHOWN]


@register.simple_tag
def order_lines(order: Order) -> Iterable[OrderLine]:
    """What was bought."""
    return order.lines.order_by("position")


@register.simple_tag
def order_steps(order: Order) -> Iterable[OrderStep]:
    """How far it has come, and when."""
    return order.steps.order_by("at", "id")


@register.simple_tag
def order_refunds(order: Order) -> Iterable[Refund]:
    """What was given back."""
    return order.refunds.order_by("at", "id")


@register.simple_tag
def explained(explanation: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each rule with its words, its factor and what it added."""
    return wording.parts(explanation)


@register.simple_tag
def entry_allocations(entry: Entry) -> list[Allocation]:
    """Which lots paid, or were given back to."""
    return list(
        islice(Allocation.objects.filter(entry=entry).select_related("lot").order_by("id"), 50)
    )


@register.simple_tag
def chosen_member(key: str | None) -> Member | None:
    """The member a page was opened for, by its key in the address."""
    if not key or not key.isascii() or not key.isdigit():
        return None
    return Member.objects.with_names().filter(pk=int(key)).first()
