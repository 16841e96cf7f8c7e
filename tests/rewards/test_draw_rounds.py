from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from members.models import Member
from rewards import draw_queries, draw_recipe, draw_rounds, tasks
from rewards.draw_errors import DrawOver, DrawWithoutPrizes, PrizeNotCovered
from rewards.errors import NotOnSale
from rewards.models import Draw, DrawPlay, DrawPrize, DrawRound, Reward, StockMovement
from tests.conftest import NOON
from tests.rewards.conftest import new_reward
from tests.rewards.draws import NOTHING, go, new_draw, points, reward

MICROSECOND = timedelta(microseconds=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")
MIDNIGHT = datetime(2026, 11, 21, 16, tzinfo=UTC)  # Sunday 2026-11-22 00:00 in Shanghai
MONDAY = MIDNIGHT + timedelta(days=1)
DECEMBER = datetime(2026, 11, 30, 16, tzinfo=UTC)


def moved() -> list[int]:
    """Pieces that went and came back for draws."""
    of_draws = StockMovement.objects.filter(cause="set_aside").order_by("id")
    return list(of_draws.values_list("pieces", flat=True))


class TestOpen:
    def test_publishes_hash_and_prizes_and_keeps_the_seed(self, db: None):
        new_reward("mug", stock=9)
        prizes = [reward("mug", weight=2, stock=4), points("P", 5, weight=3), NOTHING]
        draw = new_draw(prizes=prizes)

        round_ = DrawRound.objects.get()
        assert (round_.code, round_.number, round_.tickets) == ("autumn-1", 1, 0)
        assert (round_.opened_at, round_.closes_at, round_.closed_at) == (NOON, None, None)
        seed = bytes.fromhex(round_.seed)
        assert len(seed) == 32
        assert round_.seed_hash == draw_recipe.seed_hash(seed)
        mug, sum_, nothing = draw_queries.prizes_of(draw)
        assert round_.prizes == [
            {
                "id": mug.pk,
                "name": "mug",
                "kind": "reward",
                "reward": "mug",
                "points": None,
                "weight": 2,
                "stock": 4,
            },
            {
                "id": sum_.pk,
                "name": "P",
                "kind": "points",
                "reward": None,
                "points": 5,
                "weight": 3,
                "stock": None,
            },
            {
                "id": nothing.pk,
                "name": "Nothing",
                "kind": "nothing",
                "reward": None,
                "points": None,
                "weight": 1,
                "stock": None,
            },
        ]

    def test_sets_aside_what_rewards_have_to_cover(self, db: None):
        new_reward("mug", stock=5)
        new_reward("endless")
        draw = new_draw(prizes=[reward("mug", stock=3), reward("mug", stock=2), reward("endless")])
        assert Reward.objects.get(code="mug").stock == 0
        assert [each.set_aside for each in draw_queries.prizes_of(draw)] == [3, 2, 0]
        assert moved() == [-3, -2]

    def test_refuses_what_rewards_do_not_cover_and_stores_nothing(self, db: None):
        new_reward("mug", stock=4)
        with pytest.raises(PrizeNotCovered) as caught:
            new_draw(prizes=[reward("mug", stock=3), reward("mug", stock=2)])
        assert caught.value.data == {"prize": "mug", "reward": "MUG", "left": 1}
        assert not Draw.objects.exists()
        assert not DrawPrize.objects.exists()
        assert Reward.objects.get().stock == 4
        assert moved() == []

    def test_by_hand_switches_on_and_again_changes_nothing(self, db: None):
        draw = new_draw(active=False)
        first = draw_rounds.open_by_hand(draw=draw, at=NOON)
        assert draw_rounds.open_by_hand(draw=draw, at=MIDNIGHT) == first
        assert Draw.objects.get().active
        assert DrawRound.objects.count() == 1

    @pytest.mark.parametrize(
        ("said", "refusal"),
        [
            ({"prizes": []}, DrawWithoutPrizes),
            ({"prizes": [points("A", 1, stock=0)]}, DrawOver),
            ({"starts_at": NOON + MICROSECOND}, NotOnSale),
            ({"ends_at": NOON}, NotOnSale),
        ],
    )
    def test_by_hand_refuses(self, db: None, said: dict[str, Any], refusal: type[Exception]):
        draw = new_draw(active=False, **said)
        with pytest.raises(refusal):
            draw_rounds.open_by_hand(draw=draw, at=NOON)
        assert not Draw.objects.get().active
        assert not DrawRound.objects.exists()


class TestClose:
    def test_by_hand_publishes_the_seed_and_opens_the_next(self, ada: Member):
        new_reward("mug", stock=5)
        draw = new_draw(prizes=[reward("mug", stock=3), NOTHING])
        go(ada, draw, "r1")
        left = 3 - DrawPlay.objects.filter(redemption__isnull=False).count()

        closed = draw_rounds.close_by_hand(draw=draw, at=MIDNIGHT)

        assert closed is not None
        assert (closed.closed_at, closed.tickets) == (MIDNIGHT, 1)
        following = draw_queries.open_round(draw)
        assert following is not None
        assert (following.code, following.tickets, following.opened_at) == (
            "autumn-2",
            0,
            MIDNIGHT,
        )
        assert following.seed != closed.seed
        assert following.prizes[0]["stock"] == left
        assert Reward.objects.get().stock == 2

    def test_gives_back_what_was_set_aside(self, db: None):
        new_reward("mug", stock=5)
        draw = new_draw(prizes=[reward("mug", stock=3)])
        stopped = draw_rounds.stop(draw=draw, at=MIDNIGHT)
        assert stopped is not None
        assert stopped.closed_at == MIDNIGHT
        assert Reward.objects.get().stock == 5
        assert moved() == [-3, 3]
        prize = DrawPrize.objects.get()
        assert (prize.stock, prize.set_aside) == (3, 0)
        assert draw_rounds.stop(draw=draw, at=MIDNIGHT) is None
        assert draw_rounds.close_by_hand(draw=draw, at=MIDNIGHT) is None


class TestClosesAt:
    @pytest.mark.parametrize(
        ("period", "moment", "expected"),
        [
            ("", NOON, None),
            ("day", NOON, MIDNIGHT),
            ("day", MIDNIGHT - MICROSECOND, MIDNIGHT),
            ("day", MIDNIGHT, MONDAY),
            ("week", NOON, MONDAY),
            ("week", MONDAY - MICROSECOND, MONDAY),
            ("week", MONDAY, MONDAY + timedelta(days=7)),
            ("month", NOON, DECEMBER),
            ("month", DECEMBER - MICROSECOND, DECEMBER),
            ("month", DECEMBER, datetime(2026, 12, 31, 16, tzinfo=UTC)),
            # The day that other years do not have, in the program's zone.
            ("day", datetime(2028, 2, 28, 16, tzinfo=UTC), datetime(2028, 2, 29, 16, tzinfo=UTC)),
            ("month", datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 2, 29, 16, tzinfo=UTC)),
            ("month", datetime(2026, 12, 31, tzinfo=UTC), datetime(2026, 12, 31, 16, tzinfo=UTC)),
        ],
    )
    def test_is_the_end_of_the_period(
        self, period: str, moment: datetime, expected: datetime | None
    ):
        draw = Draw(round_period=period)
        assert draw_rounds.closes_at(draw, moment, SHANGHAI) == expected

    def test_is_not_after_the_end_of_the_draw(self):
        draw = Draw(round_period="month", ends_at=MIDNIGHT)
        assert draw_rounds.closes_at(draw, NOON, SHANGHAI) == MIDNIGHT
        assert draw_rounds.closes_at(Draw(ends_at=MIDNIGHT), NOON, SHANGHAI) == MIDNIGHT


class TestSchedule:
    @pytest.mark.parametrize(
        ("moment", "number"),
        [(MIDNIGHT - MICROSECOND, 1), (MIDNIGHT, 2), (MIDNIGHT + MICROSECOND, 2)],
    )
    def test_a_go_falls_into_the_round_of_its_moment(
        self, ada: Member, moment: datetime, number: int
    ):
        draw = new_draw(round_period="day")
        go(ada, draw, "r1")
        played = go(ada, draw, "r2", at=moment)
        assert (played.round.number, played.number) == (number, 3 - number)

    def test_keeps_all_rounds_and_twice_changes_nothing(self, ada: Member):
        new_draw("daily", round_period="day")
        new_draw("later", starts_at=MIDNIGHT)
        new_draw("short", ends_at=MIDNIGHT)
        new_draw("off", active=False)
        for moment in (MIDNIGHT - MICROSECOND, MIDNIGHT, MIDNIGHT):
            draw_rounds.keep_all(at=moment)
            found = list(DrawRound.objects.order_by("code").values_list("code", "closed_at"))
            expected = (
                [("daily-1", None), ("short-1", None)]
                if moment < MIDNIGHT
                else [
                    ("daily-1", MIDNIGHT),
                    ("daily-2", None),
                    ("later-1", None),
                    ("short-1", MIDNIGHT),
                ]
            )
            assert found == expected

    def test_the_task_keeps_them(self, db: None):
        new_draw()
        DrawRound.objects.update(closes_at=NOON)
        assert tasks.keep_draw_rounds() == 1
        assert DrawRound.objects.filter(closed_at=None).get().number == 2

    def test_a_round_that_rewards_do_not_cover_waits(self, ada: Member):
        new_reward("mug", stock=3)
        draw = new_draw(prizes=[reward("mug", stock=3), NOTHING], round_period="day")
        DrawRound.objects.update(closed_at=NOON)
        draw_rounds._put_back(draw.pk, NOON)
        Reward.objects.update(stock=2)
        draw_rounds.keep_all(at=MIDNIGHT)
        assert DrawRound.objects.count() == 1
        Reward.objects.update(stock=3)
        draw_rounds.keep_all(at=MIDNIGHT)
        assert DrawRound.objects.count() == 2
