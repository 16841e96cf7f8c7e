"""Tasks, campaigns and "am I in?" on the members' pages."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from campaigns import acts
from campaigns.acts import ActFacts
from campaigns.models import Campaign
from loyalty import queries
from members.models import Member
from tests.campaigns.builders import bonus, campaign, double, place
from tests.conftest import NOON
from tests.loyalty.builders import day
from tests.portal import page, sign_in


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False):
        yield


def english(client: Client, path: str) -> str:
    return page(client, path, language="en")


def window(code: str, starts: float | None = None, ends: float | None = None) -> None:
    Campaign.objects.filter(code=code).update(
        starts_at=None if starts is None else day(starts),
        ends_at=None if ends is None else day(ends),
    )


class TestCampaigns:
    def test_lists_what_runs_and_what_is_coming(self, client: Client, bob: Member):
        campaign("now")
        campaign("later")
        window("now", ends=3)
        window("later", starts=2)
        hidden: dict[str, dict[str, Any]] = {
            "gone": {"ends_at": NOON},
            "secret": {"is_public": False},
        }
        for code, changes in hidden.items():
            campaign(code)
            Campaign.objects.filter(code=code).update(**changes)

        text = english(sign_in(client, bob), "/campaigns")

        running, coming = text.index("Running now"), text.index(">Coming<")
        assert running < text.index("/campaigns/now") < coming < text.index("/campaigns/later")
        assert "4 days left" in text
        assert "From Nov 23" in text
        assert "×2" in text
        assert "/campaigns/gone" not in text
        assert "/campaigns/secret" not in text

    def test_is_empty_in_a_quiet_shop(self, client: Client, bob: Member):
        assert "No campaigns at the moment" in english(sign_in(client, bob), "/campaigns")

    def test_shows_who_is_in(self, client: Client, bob: Member):
        campaign("all")
        campaign("gold", tiers=["gold"])

        text = english(sign_in(client, bob), "/campaigns")

        assert text.count("You qualify") == 1
        assert text.count("Not for you right now") == 1

    def test_hides_what_is_for_chosen_members_from_the_others(self, client: Client, bob: Member):
        campaign("pilot", percentage=1)
        campaign("most", percentage=100)

        text = english(sign_in(client, bob), "/campaigns")

        assert "/campaigns/most" in text
        assert "for you" in text
        assert "/campaigns/pilot" not in text
        assert client.get("/campaigns/pilot").status_code == 404

    @pytest.mark.parametrize("count", [2, 40])
    def test_needs_the_same_queries_however_many(
        self, client: Client, bob: Member, count: int, django_assert_max_num_queries: Any
    ):
        for number in range(count):
            campaign(f"c{number}", tiers=["gold"], first_order=True, min_amount="5.00")
        sign_in(client, bob)

        with django_assert_max_num_queries(12):
            assert client.get("/campaigns").status_code == 200


class TestCampaign:
    @pytest.mark.parametrize(
        ("conditions", "words"),
        [
            ({}, "It is open to every member, including you."),
            ({"tiers": ["base"]}, "you are one."),
            ({"tiers": ["gold"]}, "you are a 普通 member."),
            ({"first_order": True}, "you have already placed yours."),
            ({"every_nth_order": 5}, "One order in 5 counts: 3 more before it."),
            ({"every_nth_order": 2}, "One order in 2 counts, and your next one does."),
            ({"enrolled_within_days": 30}, "(days so far: 0)."),
            ({"birthday_month": True}, "we do not know your birthday yet."),
            ({"after_spend": {"amount": "50.00", "days": 7}}, "Your last order met it"),
            ({"after_spend": {"amount": "500.00", "days": 7}}, "Condition: after an order"),
            ({"period_sum": {"period": "month", "amount": "100.00"}}, "So far: ¥60.00."),
            ({"period_count": {"period": "month", "orders": 3}}, "So far: 1."),
        ],
        ids=lambda each: next(iter(each), "all") if isinstance(each, dict) else None,
    )
    def test_answers_am_i_in(
        self, client: Client, bob: Member, conditions: dict[str, Any], words: str
    ):
        place("1", "60", member=bob)
        campaign("this", **conditions)

        assert words in english(sign_in(client, bob), "/campaigns/this")

    def test_says_what_it_takes_and_gives(self, client: Client, bob: Member):
        campaign(
            "fifty",
            effect=bonus(100),
            limits={"per_member_per_day": 100},
            min_amount="50.00",
            weekdays=[1, 2, 3, 4, 5],
        )
        window("fifty", starts=-1.5, ends=9.5)

        text = english(sign_in(client, bob), "/campaigns/fifty")

        assert "an order of at least ¥50" in text
        assert "from Monday to Friday" in text
        assert "+100" in text
        assert "at most 100 points per member a day" in text
        assert "Nov 20, 2026" in text

    def test_says_what_the_member_has_had(self, client: Client, bob: Member):
        campaign("fifty", effect=bonus(100), min_amount="50.00")
        place("1", "60", member=bob)

        assert "<strong>100</strong>" in english(sign_in(client, bob), "/campaigns/fifty")

    def test_that_is_none_is_not_found(self, client: Client, bob: Member):
        campaign("draft", state="draft")
        sign_in(client, bob)

        for code in ("draft", "nothing"):
            assert client.get(f"/campaigns/{code}").status_code == 404

    @pytest.mark.parametrize("language", ["zh-hans", "en"])
    def test_is_sound_in_both_languages(self, client: Client, bob: Member, language: str):
        campaign("three", effect=bonus(60), period_count={"period": "week", "orders": 3})
        campaign("gift", effect={"type": "draw_ticket", "tickets": 2}, trigger="share")
        sign_in(client, bob)

        for path in ("/campaigns/three", "/campaigns/gift", "/campaigns", "/tasks"):
            page(client, path, language=language)


class TestTasks:
    def test_shows_progress_and_what_was_done(self, client: Client, bob: Member):
        campaign("three", effect=bonus(200), period_count={"period": "month", "orders": 3})
        campaign("survey", trigger="survey", effect=bonus(50), limits={"per_member": 50})
        place("1", "10", member=bob)
        acts.record(
            act=ActFacts(member=bob.number, type="survey", reference="1", at=NOON), now=NOON
        )

        text = english(sign_in(client, bob), "/tasks")

        assert '<progress value="1" max="3">' in text
        assert "1 / 3" in text
        assert "10 days left" in text
        assert "+200" in text
        assert "done" in text

    def test_leads_to_friends_and_campaigns(self, client: Client, bob: Member):
        campaign("double")
        campaign("friends", trigger="referral.converted", effect=bonus(200, to="referrer"))

        text = english(sign_in(client, bob), "/tasks")

        assert "200 points for each friend who orders" in text
        assert "/campaigns/double" in text
        assert "/campaigns/friends" not in text

    def test_is_empty_in_a_quiet_shop(self, client: Client, bob: Member):
        assert "No tasks at the moment" in english(sign_in(client, bob), "/tasks")


class TestHome:
    def test_shows_three_tasks_and_a_campaign(self, client: Client, bob: Member):
        for number in range(4):
            campaign(f"t{number}", trigger=f"t{number}", effect=bonus(5))
        campaign("double")

        text = english(sign_in(client, bob), "/")

        assert "All 4 tasks" in text
        assert sum(f"/campaigns/t{number}" in text for number in range(4)) == 3
        assert "/campaigns/double" in text

    def test_shows_the_campaign_the_member_is_in(self, client: Client, bob: Member):
        campaign("gold", tiers=["gold"])
        campaign("all", effect=double("3"))

        text = english(sign_in(client, bob), "/")

        assert "/campaigns/all" in text
        assert "/campaigns/gold" not in text


class TestMovement:
    def test_tells_every_step(self, client: Client, bob: Member):
        campaign("double-day")
        campaign("extra", effect=bonus(50), limits={"per_member_per_day": 30})
        place("1", "100", member=bob)
        entry = queries.entries_of(member=bob)[0]

        text = english(sign_in(client, bob), f"/points/{entry.pk}")

        for words in ("¥100 × 1", "double day ×2", "100 → 200", "200 → 250", "250 → 230"):
            assert words in text
        assert "extra: cut by the limit of the day" in text
        assert "<b>+230</b>" in text

    def test_tells_which_campaigns_gave_nothing(self, client: Client, bob: Member):
        campaign("gold", tiers=["gold"])
        campaign("large", min_amount="500.00")
        campaign("secret", min_amount="500.00")
        campaign("pilot", percentage=1)
        Campaign.objects.filter(code="secret").update(is_public=False)
        for each in Campaign.objects.all():
            each.versions.create(
                number=1,
                at=NOON - timedelta(days=1),
                content={
                    "code": each.code,
                    "name": each.name,
                    "trigger": each.trigger,
                    "state": "active",
                    "conditions": each.conditions,
                    "effect": each.effect,
                },
            )
        place("1", "100", member=bob)
        entry = queries.entries_of(member=bob)[0]

        text = english(sign_in(client, bob), f"/points/{entry.pk}")

        missed = text[text.index("Campaigns that did not apply") :]
        assert "gold" in missed
        assert "an order of at least ¥500" in missed
        assert "secret" not in missed
        assert "pilot" not in missed
