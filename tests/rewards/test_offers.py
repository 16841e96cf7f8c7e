from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from members.errors import InvalidInput
from rewards import catalogue, offers
from rewards.models import Offer, Reward, StockMovement
from tests.conftest import NOON
from tests.rewards.conftest import new_reward

HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)
SAID: dict[str, Any] = {
    "code": "flash",
    "name": "积分秒杀",
    "reward": "cake",
    "points": 100,
    "starts_at": NOON,
    "ends_at": NOON + HOUR,
}

BAD = [
    ({"code": "a b"}, "/code", "invalid"),
    ({"name": " "}, "/name", "blank"),
    ({"kind": "sale"}, "/kind", "invalid_choice"),
    ({"points": 0}, "/points", "min_value"),
    ({"points": "5"}, "/points", "invalid"),
    ({"points": 301}, "/points", "max_value"),
    ({"cash": "0.01"}, "/cash", "max_value"),
    ({"cash": "-1"}, "/cash", "min_value"),
    ({"stock": -1}, "/stock", "min_value"),
    ({"per_member": 0}, "/per_member", "min_value"),
    ({"starts_at": datetime(2026, 11, 21)}, "/starts_at", "invalid"),
    ({"starts_at": None}, "/starts_at", "invalid"),
    ({"ends_at": None}, "/ends_at", "invalid"),
    ({"ends_at": NOON}, "/ends_at", "invalid"),
    ({"ends_at": NOON - MICROSECOND}, "/ends_at", "invalid"),
    ({"active": 1}, "/active", "invalid"),
    ({"colour": "red"}, "/colour", "unknown_field"),
]


def make(**said: Any) -> Offer:
    return offers.create(changes=SAID | said, at=NOON, by="owner")


class TestCreate:
    def test_needs_little(self, cake: Reward) -> None:
        made = make()
        made.refresh_from_db()
        assert (made.reward, made.points, made.cash, made.kind) == (cake, 100, None, "flash")
        assert (made.stock, made.per_member, made.active) == (None, None, True)
        assert (made.starts_at, made.ends_at) == (NOON, NOON + HOUR)

    def test_notes_its_pieces_as_received(self, cake: Reward) -> None:
        made = make(stock=100, per_member=1, kind="clearance", cash="0")
        assert (made.stock, made.per_member, made.cash) == (100, 1, Decimal(0))
        movement = StockMovement.objects.get()
        assert (movement.offer, movement.variant, movement.reward) == (made, None, cake)
        assert (movement.pieces, movement.cause, movement.by) == (100, "received", "owner")

    @pytest.mark.parametrize("missing", ["code", "name", "reward", "points", "starts_at"])
    def test_says_what_is_missing(self, cake: Reward, missing: str) -> None:
        said = {name: value for name, value in SAID.items() if name != missing}
        with pytest.raises(InvalidInput) as problem:
            offers.create(changes=said, at=NOON)
        assert (problem.value.pointer, problem.value.code) == (f"/{missing}", "required")
        assert not Offer.objects.exists()

    @pytest.mark.parametrize(
        ("said", "pointer", "code"), [*BAD, ({"reward": "pie"}, "/reward", "unknown")]
    )
    def test_points_at_bad_input(
        self, cake: Reward, said: dict[str, Any], pointer: str, code: str
    ) -> None:
        with pytest.raises(InvalidInput) as problem:
            make(**({"stock": 5} | said))
        assert (problem.value.pointer, problem.value.code) == (pointer, code)
        assert not Offer.objects.exists()
        assert not StockMovement.objects.exists()

    def test_a_code_is_given_once(self, cake: Reward) -> None:
        make()
        new_reward("mug", points=300)
        with pytest.raises(InvalidInput) as problem:
            make(reward="mug")
        assert (problem.value.pointer, problem.value.code) == ("/code", "taken")
        assert Offer.objects.count() == 1


class TestOverlap:
    @pytest.mark.parametrize(
        ("starts", "ends", "is_free"),
        [
            (-HOUR, timedelta(0), True),
            (-HOUR, MICROSECOND, False),
            (MICROSECOND, 2 * MICROSECOND, False),
            (HOUR - MICROSECOND, 2 * HOUR, False),
            (HOUR, 2 * HOUR, True),
            (-HOUR, 2 * HOUR, False),
        ],
    )
    def test_a_reward_has_one_offer_at_a_time(
        self, cake: Reward, starts: timedelta, ends: timedelta, is_free: bool
    ) -> None:
        make()
        said = {"code": "other", "starts_at": NOON + starts, "ends_at": NOON + ends}
        if is_free:
            assert make(**said).pk
            return
        with pytest.raises(InvalidInput) as problem:
            make(**said)
        assert (problem.value.pointer, problem.value.code) == ("/starts_at", "overlaps")
        assert "flash" in str(problem.value)
        assert Offer.objects.count() == 1

    def test_another_reward_and_a_switched_off_offer_are_free(self, cake: Reward) -> None:
        make()
        new_reward("mug", points=300)
        make(code="mug", reward="mug")
        off = make(code="off", active=False)
        with pytest.raises(InvalidInput) as problem:
            offers.change(offer=off, changes={"active": True}, at=NOON)
        assert problem.value.code == "overlaps"
        off.refresh_from_db()
        assert not off.active

    def test_the_database_refuses_it_too(self, cake: Reward) -> None:
        made = make()
        with pytest.raises(IntegrityError), transaction.atomic():
            Offer.objects.create(
                code="x",
                name="x",
                reward=cake,
                points=1,
                starts_at=made.starts_at,
                ends_at=made.ends_at,
            )

    def test_twenty_at_once_are_one(self, committed_db: Any) -> None:
        new_reward("cake", points=300)
        results = committed_db.run_parallel(lambda number: make(code=f"offer-{number}"), 20)
        assert sum(isinstance(result, Offer) for result in results) == 1
        assert sum(getattr(result, "code", "") == "overlaps" for result in results) == 19


class TestChange:
    def test_changes_what_is_given(self, cake: Reward) -> None:
        made = make(stock=5)
        Offer.objects.update(stock=3)
        changed = offers.change(offer=made, changes={"points": 90, "code": "flash"}, at=NOON)
        changed.refresh_from_db()
        assert (changed.points, changed.stock, changed.name) == (90, 3, "积分秒杀")
        changed = offers.change(offer=made, changes={"stock": 8}, at=NOON, by="owner")
        assert changed.stock == 8
        assert list(StockMovement.objects.order_by("id").values_list("pieces", flat=True)) == [
            5,
            5,
        ]

    @pytest.mark.parametrize(
        ("said", "pointer", "code"),
        [
            *BAD[1:],
            ({"code": "other"}, "/code", "read_only"),
            ({"reward": "mug"}, "/reward", "read_only"),
        ],
    )
    def test_points_at_bad_input(
        self, cake: Reward, said: dict[str, Any], pointer: str, code: str
    ) -> None:
        new_reward("mug", points=300)
        made = make()
        before = Offer.objects.values().get()
        with pytest.raises(InvalidInput) as problem:
            offers.change(offer=made, changes={"per_member": 5, **said}, at=NOON)
        assert (problem.value.pointer, problem.value.code) == (pointer, code)
        assert Offer.objects.values().get() == before

    def test_the_price_is_looked_at_when_it_is_typed(self, cake: Reward) -> None:
        made = make(points=300)
        catalogue.change(reward=cake, changes={"points": 250}, at=NOON)
        assert offers.change(offer=made, changes={"name": "Later"}, at=NOON).name == "Later"
        with pytest.raises(InvalidInput):
            offers.change(offer=made, changes={"points": 251}, at=NOON)

    def test_a_leap_day_is_a_day(self, cake: Reward) -> None:
        leap = datetime(2028, 2, 28, 16, tzinfo=UTC)
        made = make(starts_at=leap, ends_at=leap + timedelta(days=1))
        assert made.ends_at == datetime(2028, 2, 29, 16, tzinfo=UTC)
