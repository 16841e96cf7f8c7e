"""Stock: pieces come and go by conditional updates, and every change is a movement in the same transaction."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection, models

from members import transactions, validation
from rewards.errors import OfferShort, OutOfStock
from rewards.models import Offer, Redemption, Reward, StockMovement, Variant

Shelf = TypeVar("Shelf", Reward, Variant, Offer)
AnyShelf = Reward | Variant | Offer

_Cause = StockMovement.Cause
_MOVEMENTS = StockMovement._meta.db_table

# The row itself decides, whoever else takes pieces at the same time; an unlimited stock moves nothing.
TAKE = """
WITH taken AS (
    UPDATE {table} SET stock = stock - %(pieces)s
    WHERE id = %(row)s AND (stock IS NULL OR stock >= %(pieces)s) RETURNING stock
), noted AS (
    INSERT INTO {movements} (reward_id, variant_id, offer_id, pieces, cause, redemption_id, "by", note, at)
    SELECT %(reward)s, %(variant)s, %(offer)s, -%(pieces)s, 'redeemed', %(redemption)s, '', '', %(at)s
    FROM taken WHERE stock IS NOT NULL
)
SELECT count(*) FROM taken"""

# The rewards are locked, and every redemption was found to fit.
TAKE_ALL = f"""
WITH pieces AS (
    SELECT r.reward_id, r.redemption_id, r.pieces FROM unnest(%(rewards)s::bigint[], %(redemptions)s::bigint[],
        %(pieces)s::bigint[]) r (reward_id, redemption_id, pieces)
), taken AS (
    UPDATE {Reward._meta.db_table} w SET stock = w.stock - p.pieces
    FROM (SELECT reward_id, sum(pieces) AS pieces FROM pieces GROUP BY reward_id) p
    WHERE w.id = p.reward_id AND w.stock IS NOT NULL RETURNING w.id
)
INSERT INTO {_MOVEMENTS} (reward_id, pieces, cause, redemption_id, "by", note, at)
SELECT p.reward_id, -p.pieces, 'redeemed', p.redemption_id, '', '', %(at)s
FROM pieces p JOIN taken ON taken.id = p.reward_id ORDER BY p.redemption_id"""

PUT_BACK = """
WITH returned AS (
    UPDATE {table} SET stock = stock + %(pieces)s WHERE id = %(row)s AND stock IS NOT NULL RETURNING id
)
INSERT INTO {movements} (reward_id, variant_id, offer_id, pieces, cause, redemption_id, "by", note, at)
SELECT %(reward)s, %(variant)s, %(offer)s, %(pieces)s, 'returned', %(redemption)s, '', '', %(at)s
FROM returned"""


def take(
    *,
    redemption: Redemption,
    reward: Reward,
    variant: Variant | None,
    offer: Offer | None,
    at: datetime,
) -> None:
    """Take a redemption's pieces from the reward, its variant and its offer, in this order; unlimited ones are left alone.

    Raises OutOfStock (OfferShort, where the offer alone is short); then the caller's transaction has to be undone.
    """
    for shelf in (reward, variant, offer):
        if shelf is None or shelf.stock is None:
            continue  # nothing runs out: no row that everybody would wait for
        if not _move(TAKE, shelf, redemption, at):
            if isinstance(shelf, Offer):
                # By itself: the others have given their pieces already.
                raise OfferShort(left=_now(shelf) or 0, offer=shelf.code)
            raise OutOfStock(left=left(reward=reward, variant=variant, offer=offer))


def take_all(*, redemptions: Sequence[Redemption], at: datetime) -> None:
    """Take the pieces of redemptions without variant or offer, whose rewards the caller has locked and counted."""
    values: dict[str, Any] = {
        "rewards": [each.reward_id for each in redemptions],
        "redemptions": [each.pk for each in redemptions],
        "pieces": [each.quantity for each in redemptions],
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKE_ALL, values)


def put_back(*, redemption: Redemption, at: datetime) -> None:
    """Give a redemption's pieces back to where they came from; a partner's codes that were handed out never come back."""
    for shelf in (redemption.reward, redemption.variant, redemption.offer):
        if shelf is not None and not (_is_pool(shelf) and redemption.vouchers.exists()):
            _move(PUT_BACK, shelf, redemption, at)


def lock_shelves(*, rewards: Collection[int]) -> None:
    """Lock these rewards (ids), then their variants, then their offers, each in id order.

    For whoever moves pieces of several redemptions in one transaction.
    """
    if rewards:
        for rows in (
            Reward.objects.filter(pk__in=rewards),
            Variant.objects.filter(reward__in=rewards),
            Offer.objects.filter(reward__in=rewards),
        ):
            list(rows.order_by("pk").select_for_update(no_key=True).values_list("pk"))


def set_to(*, row: Shelf, stock: int | None, by: str, note: str, at: datetime) -> Shelf:
    """Make the stock of a reward, variant or offer what somebody says; None: unlimited.

    The difference is noted as received or corrected. Returns the row as it is now.
    """

    def change(fresh: Shelf) -> str:
        cause = _Cause.RECEIVED if (stock or 0) > (fresh.stock or 0) else _Cause.CORRECTED
        fresh.stock = stock
        return cause

    return _changed(row, change, _Noted(by, note, at))


def receive(*, row: Shelf, pieces: int, by: str, note: str, at: datetime) -> Shelf:
    """Add pieces that came in; a stock that was unlimited is these pieces from now on.

    Returns the row as it is now. Raises InvalidInput.
    """
    validation.whole_number(least=1)(pieces, "/pieces")

    def change(fresh: Shelf) -> str:
        fresh.stock = (fresh.stock or 0) + pieces
        validation.whole_number(least=1)(fresh.stock, "/pieces")
        return _Cause.RECEIVED

    return _changed(row, change, _Noted(by, note, at))


def correct(*, row: Shelf, stock: int, by: str, note: str, at: datetime) -> Shelf:
    """Put a miscount right: the stock is what was counted, more or less than it was said to be.

    Returns the row as it is now. Raises InvalidInput.
    """
    validation.whole_number(least=0)(stock, "/stock")

    def change(fresh: Shelf) -> str:
        fresh.stock = stock
        return _Cause.CORRECTED

    return _changed(row, change, _Noted(by, note, at))


def lose(*, row: Shelf, pieces: int, note: str, at: datetime) -> Shelf:
    """Take out pieces that are worth nothing any more. Returns the row as it is now."""

    def change(fresh: Shelf) -> str:
        fresh.stock = (fresh.stock or 0) - pieces
        return _Cause.CORRECTED

    return _changed(row, change, _Noted("", note, at))


def left(*, reward: Reward, variant: Variant | None, offer: Offer | None) -> int:
    """How many pieces are left for somebody who wants this reward, variant and offer; 0 where all are unlimited."""
    shelves: list[AnyShelf | None] = [reward, variant, offer]
    found = [_now(shelf) for shelf in shelves if shelf is not None]
    return min((stock for stock in found if stock is not None), default=0)


def _now(shelf: AnyShelf) -> int | None:
    stock: int | None = (
        type(shelf)._default_manager.values_list("stock", flat=True).get(pk=shelf.pk)
    )
    return stock


@dataclass(frozen=True, slots=True)
class _Noted:
    """What is noted of a change of stock by hand."""

    by: str
    note: str
    at: datetime


def _changed(row: Shelf, change: Callable[[Shelf], str], noted: _Noted) -> Shelf:
    """Change the locked row's stock; `change` tells the cause of the movement."""

    def work() -> Shelf:
        rows: models.Manager[Shelf] = type(row)._default_manager
        fresh: Shelf = rows.select_for_update(no_key=True).get(pk=row.pk)
        before: int | None = fresh.stock
        cause: str = change(fresh)
        fields = ["stock", *_started(fresh, is_filled=before is None or cause == _Cause.RECEIVED)]
        fresh.save(update_fields=fields)
        if difference := (fresh.stock or 0) - (before or 0):
            _note(fresh, difference, cause, noted)
        return fresh

    return transactions.in_transaction(work)


def _started(shelf: AnyShelf, *, is_filled: bool) -> list[str]:
    """Note what a reward's stock begins with when it is filled: floating prices compare with it, not with a recount."""
    if not isinstance(shelf, Reward) or not (is_filled or shelf.stock is None):
        return []
    shelf.stock_start = shelf.stock
    return ["stock_start"]


def _is_pool(shelf: AnyShelf) -> bool:
    return isinstance(shelf, Reward) and shelf.kind == Reward.Kind.PARTNER_CODE


def _move(statement: str, shelf: AnyShelf, redemption: Redemption, at: datetime) -> bool:
    """Whether the row had so many pieces."""
    values = {
        "row": shelf.pk,
        "pieces": redemption.quantity,
        "redemption": redemption.pk,
        "at": at,
        **_place(shelf),
    }
    text = statement.format(table=shelf._meta.db_table, movements=_MOVEMENTS)
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        return bool(cursor.description is None or cursor.fetchone() == (1,))


def _place(shelf: AnyShelf) -> dict[str, int | None]:
    """Which stock a movement belongs to, as columns."""
    if isinstance(shelf, Reward):
        return {"reward": shelf.pk, "variant": None, "offer": None}
    if isinstance(shelf, Variant):
        return {"reward": shelf.reward_id, "variant": shelf.pk, "offer": None}
    return {"reward": shelf.reward_id, "variant": None, "offer": shelf.pk}


def _note(shelf: AnyShelf, difference: int, cause: str, noted: _Noted) -> None:
    place = {f"{name}_id": pk for name, pk in _place(shelf).items()}
    StockMovement.objects.create(
        **place,
        pieces=difference,
        cause=cause,
        by=noted.by[:150],
        note=noted.note[:200],
        at=noted.at,
    )
