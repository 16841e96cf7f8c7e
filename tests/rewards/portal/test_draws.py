import re
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client

from members import lifecycle
from members.models import Member
from rewards import draw_rounds
from rewards.models import DrawPlay, DrawRound
from rewards.portal.draws import percent
from tests.conftest import NOON
from tests.portal import page, sign_in
from tests.rewards.conftest import new_reward
from tests.rewards.draws import NOTHING, go, new_draw, points, reward
from tests.rewards.test_draws import give_ticket


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        yield


@pytest.fixture
def phone(client: Client, ada: Member) -> Client:
    """Ada's phone."""
    return sign_in(client, ada)


class TestDraws:
    def test_shows_odds_price_tickets_and_goes_left(self, phone: Client, ada: Member):
        new_draw(prizes=[points("五积分", 5, weight=1), {**NOTHING, "weight": 7}], per_member=3)
        give_ticket(ada)
        text = page(phone, "/draws")
        for words in ("12.5%", "87.5%", "1 张抽奖券", "还可抽 3 次", "每次 10 积分或 1 张抽奖券"):
            assert words in text

    def test_says_when_there_is_none(self, phone: Client):
        assert "暂时没有抽奖" in page(phone, "/draws")
        assert "No draw at the moment" in page(phone, "/draws", language="en")


class TestDraw:
    def test_shows_what_is_left_and_what_is_gone(self, phone: Client, ada: Member):
        new_reward("mug", stock=2)
        draw = new_draw(
            prizes=[reward("mug", stock=2, weight=3), points("P", 5, stock=1), NOTHING]
        )
        while DrawPlay.objects.filter(prize__name="P").count() == 0:
            go(ada, draw, uuid4().hex)
        text = page(phone, "/draws/autumn")
        assert "已抽完" in text
        assert "0%" in text
        assert "不会公布姓名和手机号" in text

    @pytest.mark.parametrize(
        ("period", "words"),
        [("day", "今天还可抽 3 次"), ("month", "本月还可抽 3 次"), ("ever", "还可抽 3 次")],
    )
    def test_says_for_how_long_the_goes_are(self, phone: Client, period: str, words: str):
        new_draw(per_member=3, per_member_period=period)
        assert f"· {words}</p>" in page(phone, "/draws/autumn")

    @pytest.mark.parametrize(
        ("period", "words"),
        [
            ("day", "今天的次数已用完，明天再来吧。"),
            ("month", "本月的次数已用完。"),
            ("ever", "这个抽奖的次数已用完。"),
        ],
    )
    def test_says_when_the_goes_are_used_up(
        self, phone: Client, ada: Member, period: str, words: str
    ):
        draw = new_draw(per_member=1, per_member_period=period)
        go(ada, draw, "g1")
        text = page(phone, "/draws/autumn")
        assert words in text
        assert "还可抽" not in text

    def test_is_not_there_under_another_code(self, phone: Client):
        assert phone.get("/draws/gone").status_code == 404

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            ({"active": False}, "抽奖现在未开放"),
            ({"points": 5_000}, "4,000"),
            ({"points": None}, "您还没有适用的抽奖券"),
            ({"tiers": ["diamond"]}, "钻石"),
        ],
    )
    def test_says_why_there_is_no_button(self, phone: Client, said: dict[str, Any], words: str):
        new_draw(**said)
        text = page(phone, "/draws/autumn")
        assert 'name="key"' not in text
        assert words in text

    def test_a_frozen_member_may_look(self, phone: Client, ada: Member):
        new_draw()
        lifecycle.freeze(member=ada, reason="?", by="clerk", at=NOON)
        assert 'name="key"' not in page(phone, "/draws/autumn")


class TestGo:
    def key(self, phone: Client) -> str:
        found = re.search(r'name="key" value="([^"]+)"', page(phone, "/draws/autumn"))
        assert found is not None
        return found[1]

    def test_leads_to_its_result_and_twice_is_one(self, phone: Client, ada: Member):
        new_draw(prizes=[points("五十积分", 50)])
        key = self.key(phone)
        answers = [phone.post("/draws/autumn", {"key": key}) for _twice in range(2)]
        play = DrawPlay.objects.get()
        assert [each["Location"] for each in answers] == [f"/draws/goes/{play.pk}"] * 2
        text = page(phone, f"/draws/goes/{play.pk}")
        for words in ("恭喜抽中", "五十积分", "+50", "autumn-1 轮第 1 号", "data-fresh"):
            assert words in text

    def test_that_is_refused_says_why_and_takes_nothing(self, phone: Client, ada: Member):
        draw = new_draw(per_member=1)
        key = self.key(phone)
        go(ada, draw, "r1")
        answer = phone.post("/draws/autumn", {"key": key})
        assert "每位会员本期可抽 1 次，已抽 1 次" in answer.content.decode()
        assert DrawPlay.objects.count() == 1

    def test_of_a_page_that_is_too_old_takes_nothing(self, phone: Client):
        new_draw()
        answer = phone.post("/draws/autumn", {"key": "?"})
        assert "页面已过期" in answer.content.decode()
        assert not DrawPlay.objects.exists()

    def test_of_nothing_is_said_kindly(self, phone: Client, ada: Member):
        played = go(ada, new_draw(), "r1")
        text = page(phone, f"/draws/goes/{played.pk}")
        assert "这次没中" in text
        assert "data-fresh" not in text

    def test_of_others_is_not_shown(self, client: Client, mallory: Member, ada: Member):
        played = go(ada, new_draw(), "r1")
        assert sign_in(client, mallory).get(f"/draws/goes/{played.pk}").status_code == 404

    def test_needs_a_member(self, client: Client, db: None):
        new_draw()
        assert client.post("/draws/autumn", {"key": str(uuid4())}).status_code == 302
        assert not DrawPlay.objects.exists()


class TestRound:
    def test_that_is_open_tells_hash_and_prizes_alone(self, client: Client, ada: Member):
        go(ada, new_draw(), "r1")
        round_ = DrawRound.objects.get()
        text = page(client, "/draw-rounds/autumn-1")
        assert round_.seed_hash in text
        assert round_.seed not in text
        assert ada.number not in text
        told = client.get("/draw-rounds/autumn-1/data").json()
        assert (told["seed"], told["plays"], told["tickets"]) == (None, [], 1)

    def test_that_is_closed_shows_everything_and_its_check(self, client: Client, ada: Member):
        draw = new_draw()
        go(ada, draw, "r1")
        draw_rounds.close_by_hand(draw=draw, at=NOON)
        cache.clear()
        text = page(client, "/draw-rounds/autumn-1")
        round_ = DrawRound.objects.get(number=1)
        for words in (round_.seed, round_.seed_hash, ada.number, "核验无误", "js/draw-check"):
            assert words in text
        assert "Ada" not in text
        answer = client.get("/draw-rounds/autumn-1/data")
        assert answer["Content-Disposition"] == 'attachment; filename="autumn-1.json"'
        assert answer.json()["plays"][0]["member"] == ada.number

    def test_that_was_tampered_with_says_so(self, client: Client, ada: Member):
        draw = new_draw(prizes=[points("A", 1), NOTHING])
        played = go(ada, draw, "r1")
        draw_rounds.close_by_hand(draw=draw, at=NOON)
        other = next(each for each in played.round.prizes if each["id"] != played.prize_id)
        DrawPlay.objects.update(prize=other["id"])
        cache.clear()
        assert "核验不符" in page(client, "/draw-rounds/autumn-1")

    def test_is_not_there_under_another_id(self, client: Client, db: None):
        for path in ("/draw-rounds/gone-1", "/draw-rounds/gone-1/data"):
            assert client.get(path).status_code == 404


class TestPercent:
    @pytest.mark.parametrize(
        ("chance", "words"),
        [
            (Fraction(1), "100%"),
            (Fraction(0), "0%"),
            (Fraction(1, 8), "12.5%"),
            (Fraction(1, 3), "33.33%"),
            (Fraction(1, 1_000), "0.1%"),
            (Fraction(1, 40_000), "0.0025%"),
            (Fraction(1, 10**9), "0.0000001%"),
        ],
    )
    def test_shows_two_digits_of_a_small_one(self, chance: Fraction, words: str):
        assert percent(chance) == words
