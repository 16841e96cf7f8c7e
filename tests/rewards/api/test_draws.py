import hashlib
import hmac
from typing import Any

import pytest

from members.models import Member
from rewards.models import DrawPlay, DrawRound, Reward
from tests.rewards.conftest import new_reward
from tests.rewards.draws import NOTHING, new_draw, points, reward
from tests.tills import Till, pointers

PRIZES = [
    {"name": "Mug", "kind": "reward", "reward": "mug", "weight": 1, "stock": 2},
    {"name": "Five", "kind": "points", "points": 5, "weight": 3},
    {"name": "Nothing", "kind": "nothing", "weight": 4},
]


@pytest.fixture
def autumn(till: Till) -> dict[str, Any]:
    """A draw made over the API."""
    new_reward("mug", stock=9)
    answer = till.post(
        "draws", {"code": "autumn", "name": "秋日抽奖", "points": 10, "prizes": PRIZES}
    )
    assert answer.status_code == 201
    return dict(answer.json())


class TestCreate:
    def test_opens_a_round_and_says_odds(self, autumn: dict[str, Any]):
        prizes = autumn.pop("prizes")
        assert autumn == {
            "code": "autumn",
            "name": "秋日抽奖",
            "terms": "",
            "points": 10,
            "per_member": None,
            "per_member_period": "day",
            "tiers": [],
            "round_period": "",
            "starts_at": None,
            "ends_at": None,
            "active": True,
            "round": "autumn-1",
        }
        assert [each["odds"] for each in prizes] == ["0.125000", "0.375000", "0.500000"]
        assert [each["stock"] for each in prizes] == [2, None, None]
        assert prizes[0]["reward"] == "mug"
        assert Reward.objects.get().stock == 7

    def test_names_what_is_wrong(self, till: Till):
        answer = till.post("draws", {"code": "x", "name": "X", "points": 9, "prizes": [NOTHING]})
        assert (answer.status_code, pointers(answer)) == (400, {"/points": "too_small"})
        answer = till.post(
            "draws", {"code": "x", "name": "X", "prizes": [{**NOTHING, "weight": 0}]}
        )
        assert (answer.status_code, pointers(answer)) == (400, {"/prizes/0/weight": "too_small"})
        answer = till.post(
            "draws", {"code": "x", "name": "X", "prizes": [{**NOTHING, "kind": "points"}]}
        )
        assert (answer.status_code, pointers(answer)) == (400, {"/prizes/0/points": "required"})
        answer = till.post("draws", {"code": "x", "name": "X", "prizes": [reward("gone")]})
        assert answer.status_code == 404

    def test_refuses_prizes_that_no_stock_covers(self, till: Till):
        new_reward("mug", stock=1)
        answer = till.post("draws", {"code": "x", "name": "X", "prizes": [reward("mug", stock=2)]})
        assert (answer.status_code, answer.json()["code"]) == (422, "prize_not_covered")
        assert (answer.json()["reward"], answer.json()["left"]) == ("MUG", 1)


class TestChange:
    def test_of_prizes_opens_the_next_round(self, till: Till, autumn: dict[str, Any]):
        answer = till.patch("draws/autumn", {"name": "Autumn", "prizes": PRIZES[1:]})
        assert answer.status_code == 200
        assert (answer.json()["name"], answer.json()["round"]) == ("Autumn", "autumn-2")
        assert till.patch("draws/autumn", {"weight": 1}).status_code == 400
        assert pointers(till.patch("draws/autumn", {"code": "b"})) == {"/code": "read_only"}


class TestRead:
    def test_lists_what_runs_with_what_is_true_of_the_member(
        self, till: Till, autumn: dict[str, Any], ada: Member, bob: Member
    ):
        new_draw("off", active=False)
        assert [each["code"] for each in till.get("draws").json()["results"]] == ["autumn"]
        said = [till.get("draws", member=each.number).json()["results"][0] for each in (ada, bob)]
        names = ("tickets", "goes_left", "eligible", "affordable")
        assert [[each[name] for name in names] for each in said] == [
            [0, None, True, True],
            [0, None, True, False],
        ]
        assert till.get("draws/autumn", member=ada.number).json()["affordable"] is True
        assert "tickets" not in till.get("draws/autumn").json()
        assert till.get("draws/gone").status_code == 404
        assert till.get("draws/autumn", member="1").status_code == 404


class TestPlays:
    def play(self, till: Till, member: Member, reference: str = "r1") -> Any:
        return till.post("draws/autumn/plays", {"member": member.number, "reference": reference})

    def test_answers_what_was_won_and_the_wallet(
        self, till: Till, autumn: dict[str, Any], ada: Member
    ):
        answer = self.play(till, ada)
        assert answer.status_code == 201
        said = answer.json()
        prize = said["prize"]
        assert (said["number"], said["round"], said["draw"]) == (1, "autumn-1", "autumn")
        assert (said["points"], said["ticket"], said["member"]) == (10, None, ada.number)
        won = 5 if prize["kind"] == "points" else 0
        assert said["wallet"]["active"] == 990 + won
        assert (said["redemption"] is not None) is (prize["kind"] == "reward")
        seed = DrawRound.objects.get().seed
        assert seed not in answer.content.decode()

        again = self.play(till, ada)
        assert again.status_code == 200
        assert again.json() == said
        assert DrawPlay.objects.count() == 1

    def test_refuses_with_code_and_data(self, till: Till, autumn: dict[str, Any], bob: Member):
        answer = self.play(till, bob)
        assert (answer.status_code, answer.json()["code"]) == (422, "insufficient_points")
        assert till.patch("draws/autumn", {"active": False}).status_code == 200
        answer = self.play(till, bob)
        assert (answer.status_code, answer.json()["code"]) == (422, "not_on_sale")
        assert self.play(till, bob, "").status_code == 400


class TestRounds:
    def test_are_published_so_that_anyone_can_draw_them_again(
        self, till: Till, autumn: dict[str, Any], ada: Member
    ):
        for number in range(5):
            till.post("draws/autumn/plays", {"member": ada.number, "reference": f"r{number}"})
        open_ = till.get("draw-rounds/autumn-1").json()
        assert (open_["seed"], open_["plays"], open_["tickets"]) == (None, [], 5)

        closed = till.post("draws/autumn/close-round")
        assert closed.status_code == 200
        assert closed.json()["round"] == "autumn-1"
        told = till.get("draw-rounds/autumn-1").json()
        assert told["seed_sha256"] == open_["seed_sha256"]
        assert hashlib.sha256(bytes.fromhex(told["seed"])).hexdigest() == told["seed_sha256"]

        # Nothing but what is published, and the recipe as it stands in the contract.
        left = {each["id"]: each["stock"] for each in told["prizes"]}
        for number, each in enumerate(told["plays"], 1):
            text = f"{told['round']}:{each['member']}:{number}".encode()
            digest = hmac.new(bytes.fromhex(told["seed"]), text, "sha256").digest()
            prizes = [one for one in told["prizes"] if left[one["id"]] != 0]
            rest = int.from_bytes(digest, "big") % sum(one["weight"] for one in prizes)
            while rest >= prizes[0]["weight"]:
                rest -= prizes.pop(0)["weight"]
            assert (each["ticket"], each["digest"], each["prize"]) == (
                number,
                digest.hex(),
                prizes[0]["id"],
            )
            if left[each["prize"]] is not None:
                left[each["prize"]] -= 1
        assert len(told["plays"]) == 5

    def test_are_listed_the_newest_first(self, till: Till, autumn: dict[str, Any]):
        till.post("draws/autumn/close-round")
        found = till.get("draws/autumn/rounds").json()["results"]
        assert [each["round"] for each in found] == ["autumn-2", "autumn-1"]
        assert [bool(each["seed"]) for each in found] == [False, True]
        assert till.get("draws/gone/rounds").status_code == 404
        assert till.get("draw-rounds/gone-1").status_code == 404

    def test_cannot_be_closed_where_none_is_open(self, till: Till, autumn: dict[str, Any]):
        till.patch("draws/autumn", {"active": False})
        answer = till.post("draws/autumn/close-round")
        assert (answer.status_code, answer.json()["code"]) == (422, "not_on_sale")

    def test_tell_no_names(self, till: Till, autumn: dict[str, Any], ada: Member):
        till.post("draws/autumn/plays", {"member": ada.number, "reference": "r"})
        till.post("draws/autumn/close-round")
        text = till.get("draw-rounds/autumn-1").content.decode()
        assert "Ada" not in text
        assert "1380000" not in text


def test_points_prizes_need_points(till: Till):
    answer = till.post(
        "draws", {"code": "x", "name": "X", "prizes": [{**points("P", 1), "points": 0}]}
    )
    assert (answer.status_code, pointers(answer)) == (400, {"/prizes/0/points": "too_small"})


def test_a_list_takes_as_many_queries_for_many_draws_as_for_one(
    till: Till, ada: Member, django_assert_max_num_queries: Any
):
    for number in range(5):
        new_draw(f"draw-{number}", prizes=[points("P", 5), NOTHING])
    with django_assert_max_num_queries(16):
        found = till.get("draws", member=ada.number).json()["results"]
    assert [len(each["prizes"]) for each in found] == [2] * 5
