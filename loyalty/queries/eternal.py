"""Questions about lots that never expire."""

from django.db import connection
from django.db.models import Exists, OuterRef

from loyalty.models import Lot, Wallet


def eternal_lots(*, type_code: str, most: int) -> int:
    """How many open lots of a point type never expire; counted up to `most`."""
    found = Lot.objects.filter(
        remaining__gt=0, expires_at__isnull=True, wallet__point_type__code=type_code
    )
    return found.order_by()[:most].count()


def wallets_with_eternal_lots(
    *, type_code: str, last_lot: int, after: int, limit: int
) -> list[int]:
    """The next wallets (ids above `after`, in order) with an open lot up to `last_lot` that never expires."""
    lots = Lot.objects.filter(
        wallet=OuterRef("pk"), remaining__gt=0, expires_at__isnull=True, pk__lte=last_lot
    )
    found = Wallet.objects.filter(Exists(lots), pk__gt=after, point_type__code=type_code)
    return list(found.order_by("pk").values_list("pk", flat=True)[:limit])


def last_lot_id() -> int:
    """The highest id that any lot has or is about to have."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM loyalty_lot_id_seq")
        return int(cursor.fetchone()[0])
