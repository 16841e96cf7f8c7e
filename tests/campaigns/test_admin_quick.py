"""The quick campaign: six questions, a look, and it runs."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.admin.quick_windows import When, days_of, window
from campaigns.models import Campaign
from members import stores
from members.models import Member, Tier
from tests.campaigns.builders import place
from tests.console import desk
from tests.loyalty.builders import program

pytestmark = pytest.mark.django_db

QUICK = "/console/campaigns/campaign/quick/"
SHANGHAI = ZoneInfo("Asia/Shanghai")


def answers(client: Client, **said: Any) -> dict[str, Any]:
    """What the browser sends for the form as it is shown, with some answers given."""
    form = client.get(QUICK).context["form"]
    usual = {name: form[name].value() for name in ("when", "kind", "amount", "name", "code")}
    return {**usual, "per_member": "", "budget": "", **said}


def errors_of(answer: Any) -> list[str]:
    return list(answer.context["form"].errors)


class TestWindows:
    @pytest.mark.parametrize(
        ("today", "when", "first", "last"),
        [
            ("2026-11-25", When.TODAY, "2026-11-25", "2026-11-25"),
            ("2026-11-25", When.TOMORROW, "2026-11-26", "2026-11-26"),
            ("2026-11-25", When.WEEKEND, "2026-11-28", "2026-11-29"),
            ("2026-11-28", When.WEEKEND, "2026-11-28", "2026-11-29"),
            ("2026-11-29", When.WEEKEND, "2026-11-29", "2026-11-29"),
            ("2026-11-30", When.WEEKEND, "2026-12-05", "2026-12-06"),
            ("2026-11-23", When.WEEK, "2026-11-30", "2026-12-06"),
            ("2026-11-29", When.WEEK, "2026-11-30", "2026-12-06"),
            ("2026-12-31", When.TOMORROW, "2027-01-01", "2027-01-01"),
        ],
    )
    def test_are_whole_days(self, today: str, when: When, first: str, last: str):
        found = days_of(when, date.fromisoformat(today))
        assert found == (date.fromisoformat(first), date.fromisoformat(last))

    def test_what_has_begun_begins_now(self):
        at = datetime(2026, 11, 25, 14, 30, 40, tzinfo=SHANGHAI)
        starts_at, ends_at = window(first=at.date(), last=at.date(), at=at, zone=SHANGHAI)
        assert starts_at == datetime(2026, 11, 25, 14, 30, tzinfo=SHANGHAI)
        assert ends_at == datetime(2026, 11, 26, tzinfo=SHANGHAI)


class TestTheJourney:
    def test_a_double_points_day_is_two_clicks(self):
        client = desk("manager")
        said = answers(client, when="tomorrow")
        shown = client.post(QUICK, {**said, "step": "show"}, headers={"accept-language": "en"})
        assert "double points" in shown.context["sentence"]
        assert not Campaign.objects.exists()

        answer = client.post(QUICK, {**said, "step": "start"})

        campaign = Campaign.objects.get()
        tomorrow = timezone.localdate() + timedelta(days=1)
        assert answer["Location"] == f"/console/campaigns/campaign/{campaign.pk}/change/"
        assert (campaign.state, campaign.created_by) == ("active", "manager")
        assert timezone.localtime(campaign.starts_at).date() == tomorrow
        assert campaign.ends_at - campaign.starts_at == timedelta(days=1)  # type: ignore[operator]
        assert campaign.effect == {"type": "multiplier", "value": "2", "scope": "order"}
        assert campaign.conditions == {}

    @pytest.mark.parametrize(
        ("budget", "said"),
        [
            ("", "similar days; between 100"),
            ("40", "similar days; without the budget between 100"),
        ],
    )
    def test_says_that_similar_days_had_no_budget(self, bob: Member, budget: str, said: str):
        tomorrow = timezone.localtime() + timedelta(days=1)
        for week in range(1, 5):
            at = tomorrow - timedelta(days=7 * week)
            place(str(week), f"{100 * week}.00", member=bob, placed_at=at)
        client = desk("manager")
        sent = {**answers(client, when="tomorrow", budget=budget), "step": "show"}

        page = client.post(QUICK, sent, headers={"accept-language": "en"}).content.decode()

        assert said in page

    def test_who_where_and_caps(self):
        Tier.objects.create(code="vip", name="Vip", rank=90, threshold=90000)
        stores.create(changes={"code": "SH-1", "name": "静安寺店"})
        client = desk("manager")
        said = answers(
            client,
            kind="points",
            amount="100",
            who=["tier:vip", "segment:new"],
            stores=["SH-1"],
            per_member="500",
            budget="10000",
            when="custom",
            first="2030-01-01",
            last="2030-01-02",
        )
        client.post(QUICK, {**said, "step": "start"})
        campaign = Campaign.objects.get()
        assert campaign.conditions == {"tiers": ["vip"], "segments": ["new"], "stores": ["SH-1"]}
        assert campaign.effect == {"type": "bonus", "points": 100, "multiplied": False}
        assert campaign.limits["per_member"] == 500
        assert campaign.limits["budget_points"] == 10_000
        assert campaign.budget.points == 10_000

    def test_the_suggested_name_goes_along_with_the_effect(self):
        client = desk("manager")
        client.post(QUICK, {**answers(client, amount="3"), "step": "draft"})
        given = {**answers(client, amount="3", name="Ours"), "step": "draft"}
        client.post(QUICK, given)
        names = list(Campaign.objects.order_by("id").values_list("name", flat=True))
        assert names[1] == "Ours"
        assert names[0] != answers(client)["name"]

    def test_sent_twice_it_is_made_once(self):
        client = desk("manager")
        said = {**answers(client), "step": "start"}
        first, second = client.post(QUICK, said), client.post(QUICK, said)
        assert first["Location"] == second["Location"]
        assert Campaign.objects.count() == 1

    def test_asks_for_approval_where_the_program_wants_it(self):
        program(campaigns_need_approval=True)
        client = desk("manager")
        said = answers(client)
        shown = client.post(QUICK, {**said, "step": "show"})
        assert shown.context["needs_approval"]
        client.post(QUICK, {**said, "step": "start"})
        campaign = Campaign.objects.get()
        assert (campaign.state, campaign.requested_by) == ("draft", "manager")

    def test_nothing_is_kept_while_findings_are_open(self):
        client = desk("manager")
        said = answers(client, kind="points", amount="100", per_member="50")
        shown = client.post(QUICK, {**said, "step": "start"})
        assert shown.context["to_accept"] == ["limit_below_award"]
        assert shown.context["problem"]
        assert not Campaign.objects.exists()
        client.post(QUICK, {**said, "step": "start", "accepted": ["limit_below_award"]})
        assert Campaign.objects.get().state == "active"

    def test_going_back_keeps_the_answers(self):
        client = desk("manager")
        back = client.post(QUICK, {**answers(client, amount="3"), "step": "back"})
        assert back.context["form"]["amount"].value() == "3"
        assert not Campaign.objects.exists()

    def test_is_closed_to_clerks(self):
        client = desk("clerk")
        assert client.get(QUICK).status_code == 403
        assert client.post(QUICK, {"step": "start"}).status_code == 403


class TestBadInput:
    @pytest.mark.parametrize(
        ("said", "field"),
        [
            ({"when": "sometime"}, "when"),
            ({"when": "custom"}, "first"),
            ({"when": "custom", "first": "2030-01-01"}, "last"),
            ({"when": "custom", "first": "2030-01-02", "last": "2030-01-01"}, "last"),
            ({"when": "custom", "first": "2020-01-01", "last": "2020-01-02"}, "last"),
            ({"when": "custom", "first": "9999-12-01", "last": "9999-12-31"}, "last"),
            ({"when": "custom", "first": "soon", "last": "2030-01-01"}, "first"),
            ({"amount": "-1"}, "amount"),
            ({"amount": "NaN"}, "amount"),
            ({"amount": ""}, "amount"),
            ({"amount": "2.00001"}, "amount"),
            ({"kind": "points", "amount": "1.5"}, "amount"),
            ({"kind": "points", "amount": "0"}, "amount"),
            ({"who": ["tier:none"]}, "who"),
            ({"stores": ["none"]}, "stores"),
            ({"per_member": "-5"}, "per_member"),
            ({"per_member": "many"}, "per_member"),
            ({"budget": "-1"}, "budget"),
            ({"budget": str(10**30)}, "budget"),
            ({"name": "x" * 101}, "name"),
            ({"name": "\x00"}, "name"),
        ],
    )
    @pytest.mark.parametrize("step", ["show", "start"])
    def test_is_said_at_the_field_and_nothing_is_kept(
        self, said: dict[str, Any], field: str, step: str
    ):
        client = desk("manager")
        answer = client.post(QUICK, {**answers(client, **said), "step": step})
        assert errors_of(answer) == [field]
        assert not Campaign.objects.exists()
