"""Questions about orders, refunds and adjustments."""

from collections.abc import Collection

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from loyalty.models import Adjustment, Entry, Order
from members.errors import NotFound
from members.models import Member


def order(*, source: str, number: str) -> Order:
    """One order with member and store. Raises NotFound."""
    try:
        return Order.objects.select_related("member", "store").get(source=source, number=number)
    except Order.DoesNotExist:
        raise NotFound(_("Order %(number)s") % {"number": f"{source}/{number}"}) from None


def orders_by_key(*, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Order]:
    """The stored ones among orders named by (source, number), in one query."""
    wanted = set(keys)
    numbers = {number for _source, number in wanted}
    found = Order.objects.select_related("member", "store").filter(
        source__in={source for source, _number in wanted}, number__in=numbers
    )
    return {
        (order.source, order.number): order
        for order in found
        if (order.source, order.number) in wanted
    }


def orders_of(*, member: Member) -> QuerySet[Order]:
    """A member's orders, newest first."""
    return (
        Order.objects.filter(member=member).select_related("store").order_by("-placed_at", "-id")
    )


def award_entry(*, wallets: Collection[int], reference: str) -> Entry:
    """The entry that gave an order its points, in its member's wallet (id) or one that was merged into it."""
    return Entry.objects.get(wallet__in=wallets, kind=Entry.Kind.EARN, reference=reference)


def awaiting_award(*, member: Member) -> QuerySet[Order]:
    """The member's orders that will earn their points when they have come further, newest first."""
    waiting = orders_of(member=member).filter(awarded_at=None)
    return waiting.exclude(status__in=Order.CLOSED)


def adjustment(*, pk: int) -> Adjustment:
    """One adjustment. Raises NotFound."""
    try:
        return Adjustment.objects.select_related("member").get(pk=pk)
    except Adjustment.DoesNotExist:
        raise NotFound(_("Adjustment %(id)s") % {"id": pk}) from None
