"""The first page, the answers to errors and the health check."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import DatabaseError, connection
from django.test import RequestFactory

from config import views
from loyalty import awarding, programs
from members.models import Member
from rewards import catalogue
from rewards.models import Reward
from tests.conftest import NOON
from tests.portal import page, sign_in


@pytest.fixture(autouse=True)
def clock(noon):
    with time_machine.travel(noon + timedelta(hours=1), tick=False):
        yield


def _reward(code: str, points: int, **changes: object) -> Reward:
    basics = {"code": code, "name": code, "kind": "gift", "points": points}
    return catalogue.create(changes=basics | changes, at=NOON)


class TestHome:
    def test_answers_how_many_how_soon_and_what(self, client, ada: Member, noon):
        awarding.award(
            member=ada,
            points=80,
            reference="soon",
            details={},
            expires_at=noon + timedelta(days=9, hours=12),
            at=noon,
        )
        _reward("mug", 300)
        _reward("coffee", 1280)

        text = page(sign_in(client, ada), "/")

        assert '<b id="balance">1,080</b>' in text
        assert "可抵 ¥10.80" in text
        assert "30 天内将过期 <b>80</b> 积分，最早 11 月 30 日" in text
        assert "再攒 <b>200</b> 积分可兑<strong>coffee</strong>" in text
        assert "再消费 ¥5,000 即可升级银卡" in text
        assert "/rewards/mug" in text
        assert "+80" in text

    def test_counts_money_to_the_next_tier_by_the_status_rate(self, client, ada: Member):
        from decimal import Decimal

        programs.change(changes={"status_rate": Decimal(2)})

        assert "再消费 ¥2,500 即可升级银卡" in page(sign_in(client, ada), "/")

    def test_tells_a_new_member_how_to_begin(self, client, bob: Member):
        text = page(sign_in(client, bob), "/")

        assert "从这里开始" in text
        assert "下午好，Bob" in text

    @pytest.mark.parametrize(("status", "words"), [("frozen", "积分已冻结"), ("closed", "已注销")])
    def test_tells_a_member_who_cannot_redeem_why(
        self, client, ada: Member, status: str, words: str
    ):
        Member.objects.filter(pk=ada.pk).update(status=status)

        assert words in page(sign_in(client, ada), "/")

    def test_never_offers_what_is_sold_out_or_for_others(self, client, ada: Member):
        _reward("gone", 100, stock=0)
        _reward("gold-only", 200, tiers=["gold"])

        text = page(sign_in(client, ada), "/")

        assert "/rewards/gone" not in text
        assert "/rewards/gold-only" not in text

    @pytest.mark.parametrize("rows", [5, 500])
    def test_needs_the_same_queries_whatever_there_is(
        self, client, ada: Member, noon, rows: int, django_assert_max_num_queries
    ):
        sign_in(client, ada)
        awards = [
            awarding.Award(
                member=ada.pk,
                points=3,
                reference=f"row-{number}",
                at=noon,
                expires_at=noon + timedelta(days=number + 1),
            )
            for number in range(rows)
        ]
        awarding.award_all(awards=awards, at=noon)
        Reward.objects.bulk_create(
            Reward(code=f"r{number}", name="r", kind="gift", points=number, per_member=1)
            for number in range(1, rows + 1)
        )

        with django_assert_max_num_queries(26):
            assert client.get("/").status_code == 200

    def test_is_complete_in_english(self, client, ada: Member):
        text = page(sign_in(client, ada), "/", language="en")

        assert "Good afternoon, Ada" in text
        assert set(re.findall(r"[\u4e00-\u9fff]+", text)) <= {"积分计划", "普通", "银卡"}

    def test_lives_in_the_programs_time_zone(self, client, ada: Member):
        assert "11-21 12:00" in page(sign_in(client, ada), "/")

        programs.change(changes={"time_zone": "America/New_York"})

        assert "11-20 23:00" in page(client, "/")


class TestGreeting:
    @pytest.mark.parametrize(
        ("hour", "words"),
        [
            (0, "夜深了"),
            (4, "夜深了"),
            (5, "早上好"),
            (11, "中午好"),
            (13, "下午好"),
            (18, "晚上好"),
            (23, "晚上好"),
        ],
    )
    def test_fits_the_hour(self, hour: int, words: str):
        assert views.greeting(datetime(2026, 11, 21, hour, 59, tzinfo=UTC)) == words


class TestLanding:
    def test_shows_visitors_what_the_membership_is(self, client, db):
        _reward("mug", 300)

        text = page(client, "/")

        assert "mug" in text
        assert "钻石" in text
        assert "/accounts/login" in text
        assert 'name="robots"' not in text
        assert len(text.encode()) < 100_000

    def test_is_complete_in_english(self, client, db):
        text = page(client, "/", language="en")

        assert set(re.findall(r"[\u4e00-\u9fff]+", text)) <= {
            "积分计划",
            "中文",
            "普通",
            "银卡",
            "金卡",
            "钻石",
        }

    def test_speaks_the_visitors_language(self, client, db):
        client.post("/i18n/setlang/", {"language": "en", "next": "/"})

        assert "Every visit counts." in client.get("/").content.decode()


class TestErrors:
    @pytest.mark.parametrize("debug", [True, False])
    def test_a_page_that_is_not_there_looks_like_ours(self, client, db, settings, debug: bool):
        settings.DEBUG = debug

        assert "没有这个页面" in page(client, "/nothing", status=404)

    def test_a_fault_is_answered_without_the_database(self, db, monkeypatch):
        request = RequestFactory().get("/")

        response = views.server_error(request)

        text = response.content.decode()
        assert response.status_code == 500
        assert re.search("[0-9A-F]{8}", text)


class TestHealth:
    def test_is_ok_while_the_database_answers(self, client, db):
        response = client.get("/healthz")

        assert (response.status_code, response.json()) == (200, {"status": "ok"})

    def test_is_503_when_it_does_not(self, client, db):
        def refuse(*_: object) -> None:
            raise DatabaseError

        with connection.execute_wrapper(refuse):
            assert client.get("/healthz").status_code == 503
