"""A member's points: history, movement, tier."""

from datetime import datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from loyalty import awarding, ordering, queries, tier_grants
from loyalty.models import Entry
from loyalty.portal import lots
from members.models import Member, Tier
from tests.loyalty import builders
from tests.portal import page, sign_in


@pytest.fixture(autouse=True)
def clock(noon):
    with time_machine.travel(noon + timedelta(hours=1), tick=False):
        yield


def _award(member: Member, times: int, at: datetime) -> None:
    """Give single points, each of which expires a day after the one before."""
    awards = [
        awarding.Award(
            member=member.pk,
            points=1,
            reference=f"award-{number}",
            at=at,
            expires_at=at + timedelta(days=number + 1),
        )
        for number in range(times)
    ]
    awarding.award_all(awards=awards, at=at)


class TestHistory:
    def test_tells_each_movement_and_the_sum(self, client, ada: Member):
        text = page(sign_in(client, ada), "/points")

        assert "+1,000" in text
        assert "2026 年 11 月" in text

    def test_of_a_new_member_says_how_to_begin(self, client, bob: Member):
        text = page(sign_in(client, bob), "/points")

        assert 'class="empty"' in text
        assert "/me/code" in text

    @pytest.mark.parametrize(
        ("tab", "is_shown"), [("all", True), ("earned", True), ("used", False), ("expired", False)]
    )
    def test_tabs_show_their_kinds(self, client, ada: Member, tab: str, is_shown: bool):
        text = page(sign_in(client, ada), f"/points?show={tab}")

        assert ("amount--plus" in text) is is_shown

    @pytest.mark.parametrize(
        "query", ["show=nothing", "before=x", "before=-1", f"before={'9' * 30}"]
    )
    def test_refuses_what_is_no_place(self, client, ada: Member, query: str):
        assert sign_in(client, ada).get(f"/points?{query}").status_code == 404

    def test_goes_on_where_the_page_ended(self, client, ada: Member, noon):
        _award(ada, 31, noon)
        sign_in(client, ada)

        first = page(client, "/points")
        assert first.count("list__link") == 30
        last_shown = queries.entries_of(member=ada)[29].pk
        assert f"before={last_shown}" in first
        rest = page(client, f"/points?show=all&before={last_shown}")

        assert rest.count("list__link") == 2
        assert "before=" not in rest
        assert "余 1,000<" in rest

    def test_of_somebody_else_is_no_place_to_go_on_from(
        self, client, ada: Member, mallory: Member
    ):
        entry = queries.entries_of(member=ada)[0]

        assert sign_in(client, mallory).get(f"/points?before={entry.pk}").status_code == 404

    def test_follows_business_time_with_a_balance_that_adds_up(self, client, ada: Member, noon):
        early = noon - timedelta(days=40)
        awarding.award(
            member=ada, points=50, reference="late", details={}, expires_at=None, at=early
        )

        text = page(sign_in(client, ada), "/points")

        assert text.index("+1,000") < text.index("+50")
        assert "余 1,050<" in text
        assert "余 50<" in text

    def test_month_totals_cover_the_whole_month(self, client, ada: Member, noon):
        _award(ada, 40, noon)

        assert "+1,040" in page(sign_in(client, ada), "/points")

    def test_needs_as_many_queries_for_many_movements_as_for_few(
        self, client, ada: Member, noon, django_assert_max_num_queries
    ):
        sign_in(client, ada)
        _award(ada, 500, noon)

        with django_assert_max_num_queries(13):
            client.get("/points")


class TestEntry:
    def test_shows_the_movement(self, client, ada: Member):
        entry = queries.entries_of(member=ada)[0]

        assert "+1,000" in page(sign_in(client, ada), f"/points/{entry.pk}")

    def test_of_somebody_else_is_not_there(self, client, ada: Member, mallory: Member):
        entry = queries.entries_of(member=ada)[0]

        page(sign_in(client, mallory), f"/points/{entry.pk}", status=404)

    def test_of_status_points_is_not_there(self, client, ada: Member):
        assert Entry.objects.count() == 1

        page(sign_in(client, ada), "/points/999999", status=404)


class TestTier:
    def test_shows_all_tiers_and_the_next_step(self, client, ada: Member):
        text = page(sign_in(client, ada), "/tier")

        assert "再消费 ¥5,000 即可升级银卡" in text
        assert text.count("ladder__metal") == 4
        assert "keep__ring" not in text

    def test_shows_what_keeps_the_tier_and_what_comes_otherwise(self, client, ada: Member):
        Tier.objects.filter(code="silver").update(downgrade="to_eligible", retain_threshold=4000)
        now = timezone.now()
        for number, (amount, ago) in enumerate([("5000.00", 200), ("1000.00", 100)]):
            facts = builders.order(
                str(number), amount, member=ada, placed_at=now - timedelta(days=ago)
            )
            ordering.place(order=facts, at=now)

        text = page(sign_in(client, ada), "/tier")

        assert 'stroke-dasharray="25 100"' in text  # 1,000 of 4,000 are there when 5,000 lapse
        assert "3,000" in text
        assert text.count("change__metal") == 2
        home = page(client, "/")
        assert "keep-strip" in home
        assert 'stroke-dasharray="25 100"' in home

    def test_shows_a_fall_that_nobody_wrote_yet(self, client, ada: Member):
        Tier.objects.filter(code="silver").update(downgrade="to_eligible")
        now = timezone.now()
        facts = builders.order("1", "5000.00", member=ada, placed_at=now - timedelta(days=400))
        ordering.place(order=facts, at=now)
        assert Member.objects.get(pk=ada.pk).tier.code == "silver"

        for path in ("/tier", "/", "/me"):
            text = page(sign_in(client, ada), path)
            assert 'class="card" data-tier="silver"' not in text
        assert "keep__ring" not in page(client, "/tier")

    def test_says_that_a_tier_was_given(self, client, ada: Member):
        gold = Tier.objects.get(code="gold")
        now = timezone.now()
        tier_grants.give(member=ada, tier=gold, until=None, reason="secret", by="owner", at=now)

        text = page(sign_in(client, ada), "/tier")

        assert 'class="card" data-tier="gold"' in text
        assert "secret" not in text
        assert "owner" not in text


class TestSchedule:
    def test_adds_up_by_day_and_marks_what_is_soon(self, noon):
        def lot(days: int, points: int, *, is_pending: bool = False) -> queries.OpenLot:
            return queries.OpenLot(
                id=days,
                points=points,
                remaining=points,
                reserved=0,
                active_from=noon + timedelta(days=3 if is_pending else -1),
                expires_at=noon + timedelta(days=days),
                is_pending=is_pending,
                source="",
            )

        schedule = lots.schedule(
            lots=[lot(30, 5), lot(30, 7), lot(31, 100), lot(40, 1, is_pending=True)], at=noon
        )

        assert [(due.points, due.is_soon) for due in schedule.days] == [(12, True), (100, False)]
        assert (schedule.expiring, schedule.largest, schedule.later) == (12, 100, 0)
        assert [due.points for due in schedule.pending] == [1]


@pytest.mark.parametrize("path", ["/points", "/points/1", "/tier"])
def test_visitors_sign_in_first(client, db, path: str):
    assert client.get(path)["Location"] == f"/accounts/login?next={path}"


@pytest.mark.parametrize("path", ["/points", "/points?show=used", "/tier"])
def test_pages_are_complete_in_english(client, ada: Member, path: str):
    page(sign_in(client, ada), path, language="en")
