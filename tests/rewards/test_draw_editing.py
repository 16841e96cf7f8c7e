from typing import Any

import pytest

from members.errors import InvalidInput, NotFound
from members.models import Member
from rewards import draw_checking, draw_editing, draw_queries
from rewards.models import Draw, DrawPrize, DrawRound, Reward
from tests.conftest import NOON
from tests.rewards.conftest import new_reward
from tests.rewards.draws import NOTHING, go, new_draw, points, reward


class TestCreate:
    @pytest.mark.parametrize(
        ("said", "pointer", "code"),
        [
            ({"code": "a b"}, "/code", "invalid"),
            ({"name": " "}, "/name", "blank"),
            ({"points": 9}, "/points", "min_value"),
            ({"points": True}, "/points", "invalid"),
            ({"points": "10"}, "/points", "invalid"),
            ({"per_member": 0}, "/per_member", "min_value"),
            ({"per_member_period": "week"}, "/per_member_period", "invalid_choice"),
            ({"round_period": "year"}, "/round_period", "invalid_choice"),
            ({"tiers": ["nobody"]}, "/tiers/0", "unknown"),
            ({"tiers": "gold"}, "/tiers", "invalid"),
            ({"starts_at": NOON, "ends_at": NOON}, "/ends_at", "invalid"),
            ({"seed": "0"}, "/seed", "unknown_field"),
            ({"prizes": "x"}, "/prizes", "invalid"),
            ({"prizes": ["x"]}, "/prizes/0", "invalid"),
            ({"prizes": [NOTHING] * 51}, "/prizes", "max_length"),
            ({"prizes": [{"name": "A", "kind": "nothing"}]}, "/prizes/0/weight", "required"),
            ({"prizes": [{**NOTHING, "weight": 0}]}, "/prizes/0/weight", "min_value"),
            ({"prizes": [{**NOTHING, "weight": -1}]}, "/prizes/0/weight", "min_value"),
            ({"prizes": [{**NOTHING, "weight": 1.5}]}, "/prizes/0/weight", "invalid"),
            ({"prizes": [{**NOTHING, "weight": 10**9 + 1}]}, "/prizes/0/weight", "max_value"),
            ({"prizes": [{**NOTHING, "stock": -1}]}, "/prizes/0/stock", "min_value"),
            ({"prizes": [NOTHING, {**NOTHING, "points": 5}]}, "/prizes/1/points", "invalid"),
            ({"prizes": [points("P", 0)]}, "/prizes/0/points", "min_value"),
            ({"prizes": [{**NOTHING, "kind": "points"}]}, "/prizes/0/points", "required"),
            ({"prizes": [{**NOTHING, "kind": "reward"}]}, "/prizes/0/reward", "required"),
            ({"prizes": [reward("mug")]}, "/prizes/0/stock", "required"),
            ({"prizes": [reward("forest")]}, "/prizes/0/reward", "invalid"),
            ({"prizes": [{**NOTHING, "odds": 1}]}, "/prizes/0/odds", "unknown_field"),
        ],
    )
    def test_refuses_bad_input_naming_the_place(
        self, db: None, said: dict[str, Any], pointer: str, code: str
    ):
        new_reward("mug", stock=3)
        new_reward("forest", kind="donation")
        with pytest.raises(InvalidInput) as caught:
            new_draw(**said)
        assert (caught.value.pointer, caught.value.code) == (pointer, code)
        assert not Draw.objects.exists()

    def test_refuses_a_reward_that_is_not_there(self, db: None):
        with pytest.raises(NotFound) as caught:
            new_draw(prizes=[NOTHING, reward("gone")])
        assert caught.value.pointer == "/prizes/1/reward"
        assert not Draw.objects.exists()

    def test_refuses_a_code_that_is_taken(self, db: None):
        new_draw()
        with pytest.raises(InvalidInput) as caught:
            new_draw()
        assert caught.value.code == "taken"
        assert DrawRound.objects.count() == 1

    def test_of_one_that_does_not_run_opens_nothing(self, db: None):
        new_draw(active=False)
        assert not DrawRound.objects.exists()


class TestChange:
    def change(self, draw: Draw, **changes: Any) -> Draw:
        return draw_editing.change(draw=draw, changes=changes, at=NOON)

    def test_of_other_things_leaves_the_round_open(self, ada: Member):
        draw = new_draw(prizes=[points("A", 5, stock=9), NOTHING])
        go(ada, draw, "r1")
        told = [
            {"name": each.name, "kind": each.kind, "weight": each.weight, "stock": each.stock}
            | ({"points": each.points} if each.points else {})
            for each in draw_queries.prizes_of(draw)
        ]
        changed = self.change(draw, name="New", points=20, per_member=5, prizes=told)
        assert (changed.name, changed.points, changed.per_member) == ("New", 20, 5)
        assert DrawRound.objects.get().closed_at is None
        assert go(ada, changed, "r2").number == 2

    def test_of_prizes_closes_the_round_and_opens_the_next(self, ada: Member):
        new_reward("mug", stock=5)
        draw = new_draw(prizes=[reward("mug", stock=3), NOTHING])
        old = go(ada, draw, "r1")
        won = 1 if old.redemption else 0

        self.change(draw, prizes=[points("P", 7, weight=2), reward("mug", stock=1)])

        first, second = DrawRound.objects.order_by("number")
        assert first.closed_at == NOON
        assert draw_checking.verify_round(first).is_right
        assert [each["name"] for each in second.prizes] == ["P", "mug"]
        assert Reward.objects.get().stock == 5 - won - 1
        assert old.prize in DrawPrize.objects.filter(active=False)
        assert DrawPrize.objects.filter(active=True).count() == 2
        assert go(ada, draw, "r2").round == second

    def test_that_cannot_open_the_next_round_changes_nothing(self, ada: Member):
        from rewards.draw_errors import PrizeNotCovered

        new_reward("mug", stock=5)
        draw = new_draw(prizes=[reward("mug", stock=3), NOTHING])
        with pytest.raises(PrizeNotCovered):
            self.change(draw, name="New", prizes=[reward("mug", stock=6)])
        assert Draw.objects.get().name == "AUTUMN"
        assert DrawRound.objects.get().closed_at is None
        assert Reward.objects.get().stock == 2

    def test_switches_off_and_on(self, db: None):
        draw = new_draw()
        self.change(draw, active=False)
        assert DrawRound.objects.get().closed_at == NOON
        self.change(draw, active=True)
        assert DrawRound.objects.filter(closed_at=None).get().number == 2

    def test_of_the_end_moves_the_end_of_the_round(self, db: None):
        draw = new_draw()
        later = NOON.replace(day=30)
        self.change(draw, ends_at=later)
        assert DrawRound.objects.get().closes_at == later
        self.change(draw, ends_at=NOON)
        assert DrawRound.objects.get().closed_at == NOON

    def test_refills_prizes_that_are_gone(self, ada: Member):
        draw = new_draw(prizes=[points("A", 5, stock=1)])
        go(ada, draw, "r1")
        self.change(draw, name="Still over")
        assert DrawRound.objects.filter(closed_at=None).count() == 0
        self.change(draw, prizes=[points("A", 5, stock=1)])
        assert go(ada, draw, "r2").round.number == 2

    def test_refuses_another_code(self, db: None):
        draw = new_draw()
        with pytest.raises(InvalidInput) as caught:
            self.change(draw, code="other")
        assert (caught.value.pointer, caught.value.code) == ("/code", "read_only")
