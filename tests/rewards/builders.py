"""What the tests of redemption build on: shelves with movements, addresses, sums."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import Sum

from members.models import Member
from rewards import stock
from rewards.models import Offer, Redemption, Reward, StockMovement, Variant
from rewards.redemption import RedemptionRequest
from rewards.stock import AnyShelf
from tests.conftest import NOON
from tests.interleaving import PATIENCE, be_patient

SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
# 2026-11-22 00:00 in Shanghai, and the first moment of December there.
MIDNIGHT = datetime(2026, 11, 21, 16, tzinfo=UTC)
DECEMBER = datetime(2026, 11, 30, 16, tzinfo=UTC)

Redeem = Callable[..., Redemption]
Everything = Callable[[], list[Any]]
Active = Callable[[Member], int]

ADDRESS = {"name": "艾达", "phone": "138 0000 0001", "address": "南京西路 1 号", "region": "上海"}
SENT_TO = {**ADDRESS, "phone": "+8613800000001"}


def variant(of: Reward, code: str, pieces: int | None = None, **more: Any) -> Variant:
    made = Variant.objects.create(reward=of, code=code, name=code.title(), **more)
    return stock.set_to(row=made, stock=pieces, by="", note="", at=NOON)


def offer(of: Reward, code: str, pieces: int | None = None, **more: Any) -> Offer:
    said = {"points": 50, "starts_at": NOON, "ends_at": NOON.replace(day=28), **more}
    made = Offer.objects.create(reward=of, code=code, name=code.title(), **said)
    return stock.set_to(row=made, stock=pieces, by="", note="", at=NOON)


def asked(member: Member, wanted: Reward, reference: str = "r1", **said: Any) -> RedemptionRequest:
    return RedemptionRequest(member=member.number, reward=wanted.code, reference=reference, **said)


def left(*rows: AnyShelf) -> list[int | None]:
    """The stock of each row as it is now."""
    for row in rows:
        row.refresh_from_db()
    return [row.stock for row in rows]


def moved(row: AnyShelf) -> int:
    """What the movements of one stock add up to."""
    if isinstance(row, Reward):
        found = StockMovement.objects.filter(reward=row, variant=None, offer=None)
    elif isinstance(row, Variant):
        found = StockMovement.objects.filter(variant=row)
    else:
        found = StockMovement.objects.filter(offer=row)
    return found.aggregate(sum=Sum("pieces"))["sum"] or 0


def assert_sums() -> None:
    """Every stock is what its movements add up to; an unlimited one counts as 0."""
    rows: list[AnyShelf] = [*Reward.objects.all(), *Variant.objects.all(), *Offer.objects.all()]
    assert {str(row): moved(row) for row in rows} == {str(row): row.stock or 0 for row in rows}


def later(**spans: Any) -> datetime:
    """So long after noon (minutes=30, days=1 and so on)."""
    return NOON + timedelta(**spans)


def wait_after(
    monkeypatch: pytest.MonkeyPatch, target: object, name: str, barrier: threading.Barrier
) -> None:
    """Whoever has called this for the first time waits there for the others: all have read before anybody writes."""
    as_it_is: Callable[..., Any] = getattr(target, name)
    waited = threading.local()

    def together(*args: Any, **said: Any) -> Any:
        found = as_it_is(*args, **said)
        if not getattr(waited, "yes", False):
            waited.yes = True
            be_patient()
            barrier.wait(timeout=PATIENCE)
        return found

    monkeypatch.setattr(target, name, together)
