"""Rewards, redeeming members and what must not have changed after a refusal."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from loyalty import queries as loyalty_queries
from loyalty.models import Allocation, Entry, Hold, Lot, Wallet
from members.models import Member, Store
from rewards import catalogue, redemption, stock
from rewards.models import (
    Offer,
    PartnerCode,
    Redemption,
    Reward,
    StockMovement,
    Variant,
    Voucher,
)
from tests.conftest import NOON


@pytest.fixture
def store(db: None) -> Store:
    return Store.objects.create(code="SH-1", name="静安寺店")


@pytest.fixture
def cake(db: None) -> Reward:
    """A coupon of 300 points, 30 days good, without limits."""
    return new_reward("cake", points=300)


def new_reward(code: str, **changes: Any) -> Reward:
    """A reward made by the verb; the name is its code in capitals."""
    said = {"code": code, "name": code.upper(), "kind": "coupon", "points": 100, **changes}
    return catalogue.create(changes=said, at=NOON)


@pytest.fixture
def redeem(noon: datetime) -> Callable[..., Redemption]:
    """Redeem a reward for a member under a reference, at noon unless told."""

    def redeem(
        member: Member, reward: Reward, reference: str, *, at: datetime = noon, **said: Any
    ) -> Redemption:
        request = redemption.RedemptionRequest(
            member=member.number, reward=reward.code, reference=reference, **said
        )
        return redemption.redeem(request=request, at=at).redemption

    return redeem


@pytest.fixture
def everything() -> Callable[[], list[Any]]:
    """All that a refusal must leave as it was."""

    def everything() -> list[Any]:
        mine = [Reward, Variant, Offer, StockMovement, Redemption, Voucher, PartnerCode]
        models = [*mine, Wallet, Entry, Lot, Allocation, Hold]
        return [list(model._default_manager.order_by("pk").values()) for model in models]

    return everything


@pytest.fixture
def active(noon: datetime) -> Callable[[Member], int]:
    """The active points of a member."""
    return lambda member: loyalty_queries.figures(member=member, at=noon).active


@pytest.fixture
def uncounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces are read, looked at and written back, instead of being taken by a condition."""

    def read_check_write(statement: str, shelf: Any, made: Redemption, _at: Any) -> bool:
        rows = type(shelf)._default_manager.filter(pk=shelf.pk)
        pieces = rows.values_list("stock", flat=True).get()
        time.sleep(0.02)
        if pieces is not None and statement == stock.TAKE:
            rows.update(stock=max(0, pieces - made.quantity))
            return bool(pieces >= made.quantity)
        if pieces is not None:
            rows.update(stock=pieces + made.quantity)
        return True

    monkeypatch.setattr(stock, "_move", read_check_write)
