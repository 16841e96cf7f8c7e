from decimal import Decimal
from typing import Any

import pytest

from members import queries, tiering
from members.errors import InvalidInput
from members.models import Tier

BLACK: dict[str, Any] = {"code": "black", "name": "黑卡", "rank": 4, "threshold": 100_000}

BAD = [
    ({"code": "two words"}, "/code", "invalid"),
    ({"name": ""}, "/name", "blank"),
    ({"name": "n" * 51}, "/name", "max_length"),
    ({"rank": -1}, "/rank", "min_value"),
    ({"rank": 32_768}, "/rank", "max_value"),
    ({"rank": "4"}, "/rank", "invalid"),
    ({"rank": 2}, "/rank", "taken"),
    ({"threshold": -1}, "/threshold", "min_value"),
    ({"threshold": 2**63}, "/threshold", "max_value"),
    ({"threshold": 1.5}, "/threshold", "invalid"),
    ({"threshold": True}, "/threshold", "invalid"),
    ({"threshold": 20_000}, "/threshold", "not_rising"),
    ({"retain_threshold": -1}, "/retain_threshold", "min_value"),
    ({"retain_threshold": 100_001}, "/retain_threshold", "above_threshold"),
    ({"multiplier": 1.2}, "/multiplier", "invalid"),
    ({"multiplier": 2}, "/multiplier", "invalid"),
    ({"multiplier": "1,2"}, "/multiplier", "invalid"),
    ({"multiplier": "-1"}, "/multiplier", "min_value"),
    ({"multiplier": "10000"}, "/multiplier", "max_value"),
    ({"multiplier": "1.00001"}, "/multiplier", "max_decimal_places"),
    ({"downgrade": "two_down"}, "/downgrade", "invalid_choice"),
    ({"grace_days": -1}, "/grace_days", "min_value"),
    ({"benefits": {}}, "/benefits", "invalid"),
    ({"benefits": ["free delivery"]}, "/benefits/0", "invalid"),
    ({"benefits": [{"code": "a", "kind": "b"}]}, "/benefits/0/name", "required"),
    (
        {"benefits": [{"code": "a", "kind": "b", "name": "c"}] * 2},
        "/benefits/1/code",
        "taken",
    ),
    (
        {"benefits": [{"code": "a", "kind": "b", "name": "c", "period": "day"}]},
        "/benefits/0/period",
        "invalid_choice",
    ),
    (
        {"benefits": [{"code": "a", "kind": "b", "name": "c", "points": 5, "reward": "r"}]},
        "/benefits/0/points",
        "exclusive",
    ),
    (
        {"benefits": [{"code": "a", "kind": "b", "name": "c", "points": 0}]},
        "/benefits/0/points",
        "min_value",
    ),
    (
        {"benefits": [{"code": "a", "kind": "b", "name": "c", "colour": "red"}]},
        "/benefits/0/colour",
        "unknown_field",
    ),
    ({"colour": "red"}, "/colour", "unknown_field"),
]


def snapshot() -> list[Any]:
    return list(Tier.objects.order_by("id").values())


class TestCreate:
    def test_makes_a_tier_on_top(self, db: None) -> None:
        benefit = {"code": "birthday", "kind": "points", "name": "生日礼", "points": 500}
        tier = tiering.create(
            changes=BLACK
            | {
                "multiplier": "2.5",
                "retain_threshold": 80_000,
                "downgrade": "one_down",
                "grace_days": 30,
                "benefits": [benefit],
            }
        )
        tier.refresh_from_db()
        assert (tier.code, tier.name, tier.rank, tier.threshold) == ("black", "黑卡", 4, 100_000)
        assert (tier.multiplier, tier.retain_threshold) == (Decimal("2.5"), 80_000)
        assert (tier.downgrade, tier.grace_days, tier.benefits) == ("one_down", 30, [benefit])

    def test_has_defaults(self, db: None) -> None:
        tier = tiering.create(changes=BLACK)
        tier.refresh_from_db()
        assert (tier.multiplier, tier.retain_threshold, tier.downgrade) == (
            Decimal(1),
            None,
            "none",
        )
        assert (tier.grace_days, tier.benefits) == (0, [])

    def test_may_come_between_two_others(self, db: None) -> None:
        Tier.objects.filter(code="diamond").update(rank=10)
        tiering.create(changes=BLACK | {"rank": 5, "threshold": 20_001})
        assert [tier.code for tier in queries.tiers()] == [
            *("base", "silver", "gold", "black", "diamond")
        ]

    def test_the_console_gives_decimals(self, db: None) -> None:
        tier = tiering.create(changes=BLACK | {"multiplier": Decimal("0.0000")})
        assert tier.multiplier == 0

    @pytest.mark.parametrize("missing", sorted(BLACK))
    def test_says_what_is_missing(self, db: None, missing: str) -> None:
        before = snapshot()
        said = {name: value for name, value in BLACK.items() if name != missing}
        with pytest.raises(InvalidInput) as problem:
            tiering.create(changes=said)
        assert (problem.value.pointer, problem.value.code) == (f"/{missing}", "required")
        assert snapshot() == before

    @pytest.mark.parametrize(("said", "pointer", "code"), BAD)
    def test_points_at_bad_input(
        self, db: None, said: dict[str, Any], pointer: str, code: str
    ) -> None:
        before = snapshot()
        with pytest.raises(InvalidInput) as problem:
            tiering.create(changes=BLACK | said)
        assert (problem.value.pointer, problem.value.code) == (pointer, code)
        assert snapshot() == before

    def test_refuses_a_code_that_is_taken(self, db: None) -> None:
        with pytest.raises(InvalidInput) as problem:
            tiering.create(changes=BLACK | {"code": "gold"})
        assert (problem.value.pointer, problem.value.code) == ("/code", "taken")

    def test_says_clearly_which_thresholds_do_not_rise(self, db: None) -> None:
        with pytest.raises(InvalidInput) as problem:
            tiering.create(changes=BLACK | {"threshold": 50_000})
        assert problem.value.code == "not_rising"
        for word in ("黑卡", "钻石", "50000"):
            assert word in problem.value.detail

    def test_two_at_once_cannot_cross(self, committed_db: Any) -> None:
        # Each alone would be in order; together 5/300,000 would stand below 6/200,000.
        wishes = [
            BLACK | {"code": "five", "rank": 5, "threshold": 300_000},
            BLACK | {"code": "six", "rank": 6, "threshold": 200_000},
        ]
        results = committed_db.run_parallel(
            lambda number: tiering.create(changes=wishes[number % 2]), 20, connections_at_once=20
        )
        assert sum(isinstance(result, Tier) for result in results) == 1
        codes = {getattr(result, "code", "") for result in results}
        assert codes & {"five", "six"}
        assert codes - {"five", "six"} == {"taken", "not_rising"}


class TestChange:
    @pytest.fixture
    def gold(self, db: None) -> Tier:
        return Tier.objects.get(code="gold")

    def test_changes_what_is_given(self, gold: Tier) -> None:
        others = Tier.objects.exclude(pk=gold.pk).order_by("id")
        before = list(others.values())
        changed = tiering.change(
            tier=gold, changes={"code": "gold", "threshold": 49_999, "multiplier": "1.6"}
        )
        changed.refresh_from_db()
        assert (changed.threshold, changed.multiplier) == (49_999, Decimal("1.6"))
        assert (changed.name, changed.rank) == ("金卡", 2)
        assert list(others.values()) == before

    def test_nothing_to_change_is_nothing_changed(self, gold: Tier) -> None:
        before = snapshot()
        assert tiering.change(tier=gold, changes={}) == gold
        assert snapshot() == before

    @pytest.mark.parametrize(
        ("said", "pointer", "code"),
        [
            *(one for one in BAD if one[0] not in ({"rank": 2}, {"threshold": 20_000})),
            ({"code": "silver"}, "/code", "read_only"),
            ({"rank": 3}, "/rank", "taken"),
            ({"threshold": 5_000}, "/threshold", "not_rising"),
            ({"threshold": 50_000}, "/threshold", "not_rising"),
            ({"rank": 4}, "/rank", "not_rising"),
            ({"threshold": None}, "/threshold", "invalid"),
        ],
    )
    def test_points_at_bad_input(
        self, gold: Tier, said: dict[str, Any], pointer: str, code: str
    ) -> None:
        before = snapshot()
        with pytest.raises(InvalidInput) as problem:
            tiering.change(tier=gold, changes={"name": "Gold", **said})
        assert (problem.value.pointer, problem.value.code) == (pointer, code)
        assert snapshot() == before

    def test_everybody_begins_at_zero(self, db: None) -> None:
        before = snapshot()
        with pytest.raises(InvalidInput) as problem:
            tiering.change(tier=queries.lowest_tier(), changes={"threshold": 1})
        assert (problem.value.pointer, problem.value.code) == ("/threshold", "not_zero")
        assert snapshot() == before
