"""The sign-in calendar, on its page and on the first one."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from campaigns import checkins, sign_in_settings
from campaigns.models import CheckIn
from members.models import Member
from tests.campaigns.builders import bonus, campaign
from tests.conftest import NOON
from tests.portal import page, sign_in

HTMX = {"HX-Request": "true", "HX-Target": "signin"}


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture(autouse=True)
def long_ago(bob: Member) -> None:
    Member.objects.update(enrolled_at=NOON - timedelta(days=300))


def small_shop() -> None:
    campaign("sign-in", trigger="check_in", effect=bonus(10))
    campaign("week", trigger="check_in", effect=bonus(50), event_data={"streak": {"every": 7}})


def sign(member: Member, *days_ago: int) -> None:
    for offset in days_ago:
        at = NOON - timedelta(days=offset)
        checkins.sign_in(member=member.number, at=at, now=NOON)


def english(client: Client, path: str = "/check-in", **more: Any) -> str:
    return page(client, path, language="en", **more)


def cells(text: str) -> dict[str, str]:
    """What class each day of the month has."""
    month = text[text.index('<table class="month"') : text.index("</table>")]
    return {day: css for css, day in re.findall(r'<span class="([^"]*)"[^>]*>(\d+)<', month)}


class TestCalendar:
    def test_shows_signed_missed_and_coming_days(self, client: Client, bob: Member):
        small_shop()
        sign(bob, 9, 8, 7, 6, 5, 4, 3, 1)
        checkins.make_up(member=bob.number, day=date(2026, 11, 19), now=NOON)

        text = english(sign_in(client, bob))

        shown = cells(text)
        assert shown["12"] == shown["14"] == "done"
        assert shown["18"] == "prize prize--done"
        assert shown["19"] == "done done--later"
        assert (shown["10"], shown["21"], shown["22"]) == ("missed", "today", "")
        assert "<b>9</b> days" in text
        assert "5 more days: 50 points" in text
        assert "9 days signed in" in text

    def test_says_what_the_coming_days_bring(self, client: Client, bob: Member):
        small_shop()
        sign(bob, 4, 3, 2, 1)

        text = english(sign_in(client, bob))

        strip = text[text.index('class="days"') : text.index("</ol>")]
        assert strip.count("day--done") == 4
        assert re.findall(r"\+(\d+)", strip) == ["10", "10", "60"]
        assert "Sign in for 10 points" in text

    @pytest.mark.parametrize("language", ["zh-hans", "en"])
    def test_is_sound_in_both_languages(self, client: Client, bob: Member, language: str):
        small_shop()
        sign(bob, 8, 2, 1)

        page(sign_in(client, bob), "/check-in", language=language)

    def test_goes_back_to_the_month_of_joining(self, client: Client, bob: Member):
        sign_in(client, bob)

        assert "October 2026" in english(client, "/check-in?month=2026-10")
        first = english(client, "/check-in?month=2026-01")
        assert "Previous month" not in first
        assert "Next month" in first
        assert cells(first)["24"] == ""  # before the membership
        assert cells(first)["25"] == "missed"

    @pytest.mark.parametrize("month", ["2025-12", "2026-12", "2026-13", "x", "2026-1", "0000-01"])
    def test_knows_no_other_month(self, client: Client, bob: Member, month: str):
        assert sign_in(client, bob).get(f"/check-in?month={month}").status_code == 404

    def test_of_a_shop_without_rewards_for_it_says_so(self, client: Client, bob: Member):
        text = english(sign_in(client, bob))

        assert "No points for signing in at the moment" in text
        assert "<button" not in text[text.index("<main") : text.index("</main>")]

    def test_offers_nothing_to_the_closed(self, client: Client, bob: Member):
        small_shop()
        sign_in(client, bob)
        Member.objects.update(status="closed")

        text = english(client)

        assert "<form" not in text[text.index("<main") : text.index("</main>")]

    @pytest.mark.parametrize("days", [3, 200])
    def test_needs_the_same_queries_whatever_was_signed(
        self, client: Client, bob: Member, days: int, django_assert_max_num_queries: Any
    ):
        small_shop()
        CheckIn.objects.bulk_create(
            CheckIn(member=bob, day=NOON.date() - timedelta(days=each), at=NOON, streak=1)
            for each in range(1, days)
        )
        sign_in(client, bob)

        with django_assert_max_num_queries(11):
            assert client.get("/check-in").status_code == 200


class TestTap:
    def test_signs_today_and_leads_to_the_page_that_says_so(self, client: Client, bob: Member):
        small_shop()
        sign_in(client, bob).cookies["django_language"] = "en"

        response = client.post("/check-in", follow=True)

        text = response.content.decode()
        assert response.redirect_chain == [("/check-in", 302)]
        assert "Signed in: +10 points, 1 day in a row." in text
        assert "Signed in today, +10" in text
        assert "Sign in tomorrow for 10" in text
        assert CheckIn.objects.get().day == date(2026, 11, 21)

    def test_again_changes_nothing(self, client: Client, bob: Member):
        small_shop()
        sign_in(client, bob).cookies["django_language"] = "en"
        client.post("/check-in")

        text = client.post("/check-in", follow=True).content.decode()

        assert "You have already signed in today." in text
        assert CheckIn.objects.count() == 1

    def test_answers_htmx_with_the_part_alone(self, client: Client, bob: Member):
        small_shop()
        sign_in(client, bob).cookies["django_language"] = "en"

        text = client.post("/check-in", headers=HTMX).content.decode()

        assert text.lstrip().startswith('<div class="columns" id="signin">')
        assert "<html" not in text
        assert '<span class="gain" aria-hidden="true">+10</span>' in text
        assert 'hx-swap-oob="innerHTML">Signed in: +10 points, 1 day in a row.</div>' in text

    def test_answers_the_tile_with_the_tile_and_the_balance(self, client: Client, bob: Member):
        small_shop()
        sign_in(client, bob).cookies["django_language"] = "en"

        text = client.post(
            "/check-in", headers={**HTMX, "HX-Target": "signin-tile"}
        ).content.decode()

        assert text.lstrip().startswith('<section class="panel home__signin" id="signin-tile">')
        assert '<b id="balance" hx-swap-oob="true">10</b>' in text

    def test_shows_a_refusal(self, client: Client, bob: Member):
        small_shop()
        sign_in(client, bob).cookies["django_language"] = "en"
        Member.objects.update(status="closed")

        assert (
            "This membership is closed." in client.post("/check-in", follow=True).content.decode()
        )
        assert (
            "This membership is closed." in client.post("/check-in", headers=HTMX).content.decode()
        )

    def test_of_a_visitor_leads_to_signing_in(self, client: Client, db: None):
        assert client.post("/check-in")["Location"] == "/accounts/login?next=/check-in"
        assert not CheckIn.objects.exists()


class TestMakeUp:
    def test_is_offered_for_each_missed_day(self, client: Client, bob: Member):
        small_shop()
        sign(bob, 2, 1)

        text = english(sign_in(client, bob))

        assert "2 make-up cards" in text
        assert re.findall(r'name="day" value="([^"]+)"', text) == [
            "2026-11-18",
            "2026-11-17",
            "2026-11-16",
            "2026-11-15",
            "2026-11-14",
        ]

    def test_signs_the_day(self, client: Client, bob: Member):
        small_shop()
        sign_in(client, bob).cookies["django_language"] = "en"

        text = client.post(
            "/check-in/make-up", {"day": "2026-11-20"}, follow=True
        ).content.decode()

        assert "Signed in: +10 points, 1 day in a row." in text
        assert CheckIn.objects.get().is_made_up

    def test_says_why_not(self, client: Client, bob: Member):
        small_shop()
        sign_in(client, bob).cookies["django_language"] = "en"

        for day, words in [
            ("2026-11-01", "too long ago: only days from 2026-11-14 on"),
            ("2026-11-21", "Only past days"),
        ]:
            response = client.post("/check-in/make-up", {"day": day}, headers=HTMX)
            assert words in response.content.decode()
        assert not CheckIn.objects.exists()

    @pytest.mark.parametrize("day", ["", "x", "2026-02-30"])
    def test_knows_no_day_that_is_none(self, client: Client, bob: Member, day: str):
        response = sign_in(client, bob).post("/check-in/make-up", {"day": day})

        assert response.status_code == 404

    def test_is_not_offered_where_the_shop_has_none(self, client: Client, bob: Member):
        small_shop()
        sign_in_settings.change(changes={"make_up_cards": 0})

        assert "make-up" not in english(sign_in(client, bob))

    def test_says_its_price_and_when_cards_are_used_up(self, client: Client, bob: Member):
        small_shop()
        sign_in_settings.change(changes={"make_up_cards": 1, "make_up_points": 5})
        sign(bob, 1)
        sign_in(client, bob)

        assert "Each use costs 5 points." in english(client)
        checkins.make_up(member=bob.number, day=date(2026, 11, 19), now=NOON)
        assert "cards are used up" in english(client)


class TestHome:
    def test_has_todays_tile(self, client: Client, bob: Member):
        small_shop()

        text = english(sign_in(client, bob), "/")

        assert 'id="signin-tile"' in text
        assert "Sign in for 10 points" in text

    def test_has_no_tile_where_there_is_nothing_for_it(self, client: Client, bob: Member):
        assert "signin-tile" not in english(sign_in(client, bob), "/")
