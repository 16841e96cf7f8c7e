from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from members.errors import InvalidInput
from rewards import catalogue
from rewards.models import Reward
from tests.rewards.conftest import new_reward

NOON = datetime(2026, 11, 21, 4, tzinfo=UTC)

BAD = [
    ({"code": "two words"}, "/code", "invalid"),
    ({"name": " "}, "/name", "blank"),
    ({"name": "n" * 101}, "/name", "max_length"),
    ({"kind": "hat"}, "/kind", "invalid_choice"),
    ({"points": 0}, "/points", "min_value"),
    ({"points": -5}, "/points", "min_value"),
    ({"points": 2**63}, "/points", "max_value"),
    ({"points": 1.5}, "/points", "invalid"),
    ({"points": "100"}, "/points", "invalid"),
    ({"points": True}, "/points", "invalid"),
    ({"points": None}, "/points", "invalid"),
    ({"cash": "-0.01"}, "/cash", "min_value"),
    ({"cash": "9.999"}, "/cash", "max_decimal_places"),
    ({"cash": 9.99}, "/cash", "invalid"),
    ({"cash": None}, "/cash", "invalid"),
    ({"cost": "1" + "0" * 18}, "/cost", "max_value"),
    ({"stock": -1}, "/stock", "min_value"),
    ({"stock": 2**63}, "/stock", "max_value"),
    ({"per_member": 0}, "/per_member", "min_value"),
    ({"per_member": 2**31}, "/per_member", "max_value"),
    ({"per_member_period": "week"}, "/per_member_period", "invalid_choice"),
    ({"tiers": "gold"}, "/tiers", "invalid"),
    ({"tiers": ["gold", "platinum"]}, "/tiers/1", "unknown"),
    ({"tiers": [["gold"]]}, "/tiers/0", "unknown"),
    ({"starts_at": datetime(2026, 1, 1)}, "/starts_at", "invalid"),
    ({"starts_at": NOON, "ends_at": NOON}, "/ends_at", "invalid"),
    ({"starts_at": NOON, "ends_at": NOON - timedelta(1)}, "/ends_at", "invalid"),
    ({"valid_days": -1}, "/valid_days", "min_value"),
    ({"valid_days": 10**9}, "/valid_days", "max_value"),
    ({"active": "yes"}, "/active", "invalid"),
    ({"art": "dragon"}, "/art", "invalid_choice"),
    ({"terms": "t\x00"}, "/terms", "invalid"),
    ({"colour": "red"}, "/colour", "unknown_field"),
]


class TestCreate:
    def test_needs_little(self, db: None) -> None:
        said = {"code": "cake", "name": "奶油小蛋糕", "kind": "coupon", "points": 1800}
        reward = catalogue.create(changes=said, at=NOON)
        reward.refresh_from_db()
        assert (reward.code, reward.name, reward.kind, reward.points) == tuple(said.values())
        assert (reward.stock, reward.per_member, reward.per_member_period) == (None, None, "ever")
        assert (reward.tiers, reward.cash, reward.cost) == ([], Decimal(0), None)
        assert (reward.starts_at, reward.ends_at) == (None, None)
        assert (reward.valid_days, reward.active) == (30, True)

    @pytest.mark.parametrize(
        ("kind", "art"), [("coupon", "cup"), ("gift", "tote"), ("donation", "tree")]
    )
    def test_is_drawn_as_its_kind_unless_told(self, db: None, kind: str, art: str) -> None:
        assert new_reward("plain", kind=kind).art == art
        assert new_reward("told", kind=kind, art="cake").art == "cake"

    def test_takes_everything(self, db: None) -> None:
        said: dict[str, Any] = {
            "code": "tote",
            "name": "帆布袋",
            "kind": "gift",
            "summary": "结实耐用",
            "terms": "每人一个",
            "category": "周边",
            "art": "tote",
            "points": 2**63 - 1,
            "cash": "9.90",
            "cost": Decimal("3.10"),
            "stock": 0,
            "per_member": 1,
            "per_member_period": "month",
            "tiers": ["gold", "diamond", "gold"],
            "starts_at": NOON,
            "ends_at": NOON + timedelta(microseconds=1),
            "valid_days": None,
            "active": False,
        }
        reward = catalogue.create(changes=said, at=NOON)
        reward.refresh_from_db()
        expected = said | {"cash": Decimal("9.90"), "tiers": ["gold", "diamond"]}
        assert {name: getattr(reward, name) for name in expected} == expected

    @pytest.mark.parametrize("missing", ["code", "name", "kind", "points"])
    def test_says_what_is_missing(self, db: None, missing: str) -> None:
        said = {"code": "cake", "name": "Cake", "kind": "coupon", "points": 1}
        del said[missing]
        with pytest.raises(InvalidInput) as problem:
            catalogue.create(changes=said, at=NOON)
        assert (problem.value.pointer, problem.value.code) == (f"/{missing}", "required")
        assert not Reward.objects.exists()

    @pytest.mark.parametrize(("said", "pointer", "code"), BAD)
    def test_points_at_bad_input(
        self, db: None, said: dict[str, Any], pointer: str, code: str
    ) -> None:
        with pytest.raises(InvalidInput) as problem:
            new_reward(**({"code": "cake"} | said))
        assert (problem.value.pointer, problem.value.code) == (pointer, code)
        assert not Reward.objects.exists()

    def test_refuses_a_code_that_is_taken(self, cake: Reward) -> None:
        with pytest.raises(InvalidInput) as problem:
            new_reward("cake", name="Another")
        assert (problem.value.pointer, problem.value.code) == ("/code", "taken")
        assert Reward.objects.get().name == "CAKE"

    def test_one_code_is_given_once(self, committed_db: Any) -> None:
        results = committed_db.run_parallel(
            lambda number: new_reward("cake", points=number + 1), 20, connections_at_once=20
        )
        assert sum(isinstance(result, Reward) for result in results) == 1
        assert sum(getattr(result, "code", "") == "taken" for result in results) == 19


class TestChange:
    def test_changes_what_is_given(self, cake: Reward) -> None:
        changed = catalogue.change(
            reward=cake,
            changes={"code": "cake", "points": 250, "stock": 7, "tiers": ["gold"]},
            at=NOON,
        )
        changed.refresh_from_db()
        assert (changed.points, changed.stock, changed.tiers) == (250, 7, ["gold"])
        assert (changed.name, changed.valid_days) == ("CAKE", 30)

    def test_null_takes_a_limit_away(self, db: None) -> None:
        reward = new_reward("few", stock=5, per_member=1, ends_at=NOON)
        unlimited = {"stock": None, "per_member": None, "ends_at": None, "valid_days": None}
        changed = catalogue.change(reward=reward, changes=unlimited, at=NOON)
        assert {name: getattr(changed, name) for name in unlimited} == unlimited

    @pytest.mark.parametrize(("said", "pointer", "code"), BAD[1:])
    def test_points_at_bad_input(
        self, cake: Reward, said: dict[str, Any], pointer: str, code: str
    ) -> None:
        before = Reward.objects.values().get()
        with pytest.raises(InvalidInput) as problem:
            catalogue.change(reward=cake, changes={"points": 5, **said}, at=NOON)
        assert (problem.value.pointer, problem.value.code) == (pointer, code)
        assert Reward.objects.values().get() == before

    def test_the_window_is_checked_against_what_is_stored(self, db: None) -> None:
        reward = new_reward("sale", starts_at=NOON)
        with pytest.raises(InvalidInput) as problem:
            catalogue.change(reward=reward, changes={"ends_at": NOON}, at=NOON)
        assert problem.value.pointer == "/ends_at"

    def test_the_code_stays(self, cake: Reward) -> None:
        with pytest.raises(InvalidInput) as problem:
            catalogue.change(reward=cake, changes={"code": "pie", "points": 5}, at=NOON)
        assert (problem.value.pointer, problem.value.code) == ("/code", "read_only")
        assert Reward.objects.get().points == 300

    def test_leaves_a_stock_alone_that_moved_meanwhile(self, db: None) -> None:
        reward = new_reward("few", stock=5)
        Reward.objects.update(stock=3)
        assert catalogue.change(reward=reward, changes={"name": "Few"}, at=NOON).stock == 3
        assert Reward.objects.get().stock == 3


class TestPool:
    def test_the_stock_of_codes_is_not_typed(self, db: None) -> None:
        with pytest.raises(InvalidInput) as problem:
            new_reward("codes", kind="partner_code", stock=5)
        assert (problem.value.pointer, problem.value.code) == ("/stock", "not_for_kind")
        assert not Reward.objects.exists()
        pool = new_reward("codes", kind="partner_code")
        Reward.objects.update(stock=7)
        for stock in (5, None):
            with pytest.raises(InvalidInput) as problem:
                catalogue.change(reward=pool, changes={"stock": stock}, at=NOON)
            assert (problem.value.pointer, problem.value.code) == ("/stock", "not_for_kind")
        with pytest.raises(InvalidInput):
            catalogue.change(
                reward=new_reward("mug", stock=5), changes={"kind": "partner_code"}, at=NOON
            )
        same = catalogue.change(reward=pool, changes={"stock": 7, "name": "Codes"}, at=NOON)
        assert (same.stock, same.name) == (7, "Codes")
