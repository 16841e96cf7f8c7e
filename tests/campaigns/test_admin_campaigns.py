"""Campaigns at the console: the list, the page, the steps of their life, their versions."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from campaigns import editing, lifecycle, queries
from campaigns.award_queries import MOST_SUMMED
from campaigns.models import Campaign, CampaignAward
from campaigns.phases import Phase, phase_of, those_in
from members.models import Member
from rewards import catalogue
from tests.campaigns import builders
from tests.campaigns.builders import bonus, double
from tests.conftest import NOON
from tests.console import desk
from tests.loyalty.builders import program
from tests.rewards.conftest import new_reward

pytestmark = pytest.mark.django_db

LIST = "/console/campaigns/campaign/"


def made(code: str = "double-day", **changes: Any) -> Campaign:
    said = {"code": code, "name": code, "effect": double(), **changes}
    return editing.create(changes=said, by="manager", at=NOON)


def page_of(campaign: Campaign, step: str = "change") -> str:
    return f"{LIST}{campaign.pk}/{step}/"


def english(client: Client, path: str, **data: Any) -> Any:
    return client.get(path, data, headers={"accept-language": "en"})


def text_of(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def said_on(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


class TestPhases:
    @pytest.mark.parametrize(
        ("changes", "phase"),
        [
            ({"state": "draft"}, Phase.DRAFT),
            ({"state": "active"}, Phase.RUNNING),
            ({"state": "active", "starts_at": NOON + timedelta(microseconds=1)}, Phase.SCHEDULED),
            ({"state": "active", "starts_at": NOON}, Phase.RUNNING),
            ({"state": "active", "ends_at": NOON + timedelta(microseconds=1)}, Phase.RUNNING),
            ({"state": "active", "ends_at": NOON}, Phase.ENDED),
            ({"state": "paused"}, Phase.PAUSED),
            ({"state": "ended"}, Phase.ENDED),
        ],
    )
    def test_come_from_state_and_window_and_filter_alike(
        self, changes: dict[str, Any], phase: Phase
    ):
        campaign = made(**changes)
        assert phase_of(campaign, NOON) == phase
        found = [
            each
            for each in Phase
            if those_in(campaigns=queries.campaigns(), phase=each, at=NOON).exists()
        ]
        assert found == [phase]

    @pytest.mark.parametrize("state", ["draft", "paused"])
    def test_who_was_asked_is_waiting(self, state: str):
        campaign = made(state=state)
        asked = lifecycle.ask_approval(campaign=campaign, by="manager", at=NOON)
        assert phase_of(asked, NOON) == Phase.WAITING
        waiting = those_in(campaigns=queries.campaigns(), phase=Phase.WAITING, at=NOON)
        assert list(waiting) == [campaign]


class TestTheList:
    def test_shows_state_window_budget_and_what_was_given(self, ada: Member):
        campaign = builders.campaign(
            name="Half price", effect=bonus(), limits={"budget_points": 400}
        )
        builders.place("1", "10.00", member=ada)
        answer = english(desk("owner"), LIST)
        assert "100 / 400" in text_of(answer)
        assert [each.so_far.points for each in answer.context["cl"].result_list] == [100]
        assert f'formaction="{page_of(campaign, "pause")}"' in text_of(answer)

    def test_is_filtered_by_phase_and_trigger_and_searched(self):
        first = made("first", name="双倍", state="active")
        second = made("second", trigger="review", effect=bonus())
        client = desk("owner")
        for asked, found in (
            ({"phase": "running"}, [first]),
            ({"phase": "draft"}, [second]),
            ({"trigger": "review"}, [second]),
            ({"q": "双倍"}, [first]),
            ({"q": "second"}, [second]),
            ({"phase": "nonsense"}, [second, first]),
        ):
            answer = client.get(LIST, asked)
            assert list(answer.context["cl"].result_list) == found, asked

    def test_takes_as_many_queries_with_many_campaigns_as_with_few(self):
        client = desk("owner")
        made("first", state="active", limits={"budget_points": 100})
        client.get(LIST)
        with CaptureQueriesContext(connection) as few:
            client.get(LIST)
        for n in range(20):
            made(f"more-{n}", state="active", limits={"budget_points": 100})
        with CaptureQueriesContext(connection) as many:
            client.get(LIST)
        assert len(many) == len(few) <= 12

    def test_adds_up_the_latest_awards_only(self, ada: Member, monkeypatch: Any):
        monkeypatch.setattr("campaigns.award_queries.MOST_SUMMED", 2)
        builders.campaign(effect=bonus())
        for n in range(3):
            builders.place(str(n), "10.00", member=ada)
        answer = desk("owner").get(LIST)
        assert MOST_SUMMED == 5_000
        assert "200+" in text_of(answer)

    def test_the_sidebar_counts_what_one_may_approve(self):
        lifecycle.ask_approval(campaign=made(), by="owner", at=NOON)
        for role, count in (("manager", 1), ("owner", 0), ("clerk", 0)):
            client = desk(role)
            request = client.get(LIST).wsgi_request
            from config.theme import _to_approve

            assert _to_approve(request) == count


class TestThePage:
    def test_says_the_rule_the_figures_and_the_latest_awards(self, ada: Member):
        campaign = builders.campaign(
            effect=bonus(), limits={"per_member": 150, "budget_points": 1000}, min_amount="5.00"
        )
        for n in range(2):
            builders.place(str(n), "10.00", member=ada)
        answer = english(desk("owner"), page_of(campaign))
        page = answer.context["page"]
        outcome = page.outcome
        assert (outcome.points, outcome.cut, outcome.members, outcome.orders) == (150, 50, 1, 2)
        assert page.sentence == (
            "All members who order, an order of at least ¥5: 100 points; at most 150 points per member, "
            "1,000 points in all."
        )
        assert page.sentence in text_of(answer)
        assert [award.points for award in page.awards] == [50, 100]

    def test_takes_a_fixed_number_of_queries(self, ada: Member):
        client = desk("owner")
        campaign = builders.campaign(effect=bonus(), limits={"budget_points": 100_000})
        builders.place("0", "10.00", member=ada)
        client.get(page_of(campaign))
        with CaptureQueriesContext(connection) as few:
            client.get(page_of(campaign))
        for n in range(1, 30):
            builders.place(str(n), "10.00", member=ada)
        with CaptureQueriesContext(connection) as many:
            client.get(page_of(campaign))
        assert len(many) == len(few) <= 26

    def test_looks_at_the_last_days_of_awards(self, ada: Member):
        campaign = builders.campaign(effect=bonus())
        builders.place("1", "10.00", member=ada)
        award = CampaignAward.objects.get()
        CampaignAward.objects.create(
            campaign=campaign,
            version=1,
            member=ada,
            act=builders_act(ada),
            day=award.day - timedelta(days=92),
            at=NOON,
            points=7,
        )
        outcome = desk("owner").get(page_of(campaign)).context["page"].outcome
        assert (outcome.points, outcome.is_all) == (100, False)

    def test_is_not_found_for_a_key_that_is_none(self):
        client = desk("owner")
        for key in ("0", "999999", "x", "１"):
            assert client.get(f"{LIST}{key}/change/").status_code == 404

    @pytest.mark.parametrize(
        ("role", "is_editing", "steps"),
        [
            ("owner", True, ["pause", "end"]),
            ("manager", True, ["pause", "end"]),
            ("clerk", False, []),
        ],
    )
    def test_offers_what_one_may_do(self, role: str, is_editing: bool, steps: list[str]):
        campaign = made(state="active")
        answer = desk(role).get(page_of(campaign), {"edit": "1"})
        if is_editing:
            assert "adminform" in answer.context
        page = desk_page(answer, role, campaign)
        assert [each.step for each in page.buttons] == steps
        assert page.may_edit is is_editing


def builders_act(member: Member) -> Any:
    from campaigns.models import Act

    return Act.objects.create(member=member, type="review", reference="r", at=NOON)


def desk_page(answer: Any, role: str, campaign: Campaign) -> Any:
    if "page" in answer.context:
        return answer.context["page"]
    client = Client()
    client.force_login(answer.wsgi_request.user, "django.contrib.auth.backends.ModelBackend")
    return client.get(page_of(campaign)).context["page"]


class TestSteps:
    def test_one_click_starts_pauses_and_goes_on(self):
        campaign, client = made(), desk("manager")
        for step, state in (("start", "active"), ("pause", "paused"), ("start", "active")):
            answer = client.post(page_of(campaign, step), follow=True)
            campaign.refresh_from_db()
            assert campaign.state == state
            assert answer.redirect_chain[-1][0] == page_of(campaign)

    def test_pausing_from_the_list_comes_back_to_it(self):
        campaign = made(state="active")
        answer = desk("manager").post(page_of(campaign, "pause"), {"back": "list"})
        assert answer["Location"] == LIST

    def test_asking_changes_nothing(self):
        campaign, client = made(state="active"), desk("manager")
        for step in ("pause", "end", "start", "ask_approval", "approve", "refuse"):
            assert client.get(page_of(campaign, step)).status_code == 200
        campaign.refresh_from_db()
        assert (campaign.state, campaign.version) == ("active", 1)

    def test_ends_for_good(self):
        campaign, client = made(state="active"), desk("manager")
        client.post(page_of(campaign, "end"))
        answer = client.post(page_of(campaign, "start"), follow=True)
        campaign.refresh_from_db()
        assert campaign.state == "ended"
        assert len(said_on(answer)) == 2

    def test_findings_have_to_be_accepted_first(self):
        campaign = made(limits={"per_member": 50}, effect=bonus(), ends_at=NOON)
        client = desk("manager")
        page = client.get(page_of(campaign)).context["page"]
        assert set(page.to_accept) == {"window_past", "limit_below_award"}
        client.post(page_of(campaign, "start"), {"accepted": ["window_past"]})
        campaign.refresh_from_db()
        assert campaign.state == "draft"
        client.post(page_of(campaign, "start"), {"accepted": list(page.to_accept)})
        campaign.refresh_from_db()
        assert campaign.state == "active"

    def test_a_second_person_approves(self):
        program(campaigns_need_approval=True)
        campaign, manager, owner = made(), desk("manager"), desk("owner")
        assert buttons(manager, campaign) == ["ask_approval", "end"]
        manager.post(page_of(campaign, "start"))
        campaign.refresh_from_db()
        assert campaign.state == "draft"
        manager.post(page_of(campaign, "ask_approval"))
        assert buttons(manager, campaign) == ["refuse"]
        manager.post(page_of(campaign, "approve"))
        campaign.refresh_from_db()
        assert (campaign.state, campaign.requested_by) == ("draft", "manager")
        assert buttons(owner, campaign) == ["approve", "refuse"]
        owner.post(page_of(campaign, "approve"))
        campaign.refresh_from_db()
        assert (campaign.state, campaign.approved_by) == ("active", "owner")

    def test_a_request_is_turned_down_or_taken_back(self):
        program(campaigns_need_approval=True)
        for client in (desk("owner"), desk("manager")):
            campaign = made(f"c{client.cookies['sessionid'].value[:6]}".lower())
            asked = lifecycle.ask_approval(campaign=campaign, by="manager", at=NOON)
            client.post(page_of(asked, "refuse"))
            asked.refresh_from_db()
            assert (asked.state, asked.requested_by) == ("draft", "")

    def test_a_clerk_takes_no_step_and_does_not_edit(self):
        campaign, client = made(), desk("clerk")
        for step in ("start", "ask_approval", "approve", "refuse", "pause", "end"):
            assert client.post(page_of(campaign, step)).status_code == 403
        assert client.post(page_of(campaign) + "?edit=1", {"name": "x"}).status_code == 403
        assert client.get(f"{LIST}add/").status_code == 403
        campaign.refresh_from_db()
        assert (campaign.state, campaign.name, campaign.version) == ("draft", "double-day", 1)


def buttons(client: Client, campaign: Campaign) -> list[str]:
    return [each.step for each in client.get(page_of(campaign)).context["page"].buttons]


class TestVersions:
    def test_any_two_are_compared_in_words(self):
        campaign = made(conditions={"min_amount": "50.00"})
        for changes in (
            {"conditions": {"min_amount": "80.00", "first_order": True}},
            {"effect": double("3"), "limits": {"per_member": 500}},
        ):
            editing.change(campaign=campaign, changes=changes, by="owner", at=timezone.now())
        client = desk("clerk")
        latest = english(client, page_of(campaign, "versions")).context
        assert differences(latest) == [
            ("effect", "double points", "triple points"),
            ("limits", "", "at most 500 points per member"),
        ]
        both = english(client, page_of(campaign, "versions"), **{"from": "1", "to": "3"}).context
        assert [each[0] for each in differences(both)] == [
            "Amount at least",
            "Only the first order",
            "effect",
            "limits",
        ]
        assert differences(both)[0][1:] == (
            "an order of at least ¥50",
            "an order of at least ¥80",
        )
        assert [row["version"].by for row in both["rows"]] == ["owner", "owner", "manager"]

    @pytest.mark.parametrize("asked", ["0", "x", "99999999999999999999", "１"])
    def test_a_version_that_is_none_compares_nothing_or_the_last(self, asked: str):
        campaign = made()
        answer = desk("clerk").get(page_of(campaign, "versions"), {"from": asked, "to": asked})
        assert answer.status_code == 200
        assert answer.context["chosen"] is None


def differences(context: Any) -> list[tuple[str, str, str]]:
    with translation.override("en"):
        return [(str(each.label), each.before, each.after) for each in context["differences"]]


class TestHeads:
    @pytest.mark.parametrize(
        ("path", "title"),
        [
            ("quick/", "Double points day"),
            ("{key}/versions/", "Versions of “spring”"),
            ("{key}/replay/", "Replay of “spring”"),
        ],
    )
    def test_pages_have_a_title_of_their_own(self, path: str, title: str):
        key = made("spring").pk

        page = english(desk("owner"), LIST + path.format(key=key)).content.decode()

        head = page.split("<h1", 1)[1].split("</h1>", 1)[0]
        assert title in head


class TestFirstPage:
    def test_shows_what_runs_with_its_budget(self, ada: Member):
        builders.campaign(effect=bonus(), limits={"budget_points": 400})
        made("later", state="active", starts_at=timezone.now() + timedelta(days=1))
        builders.place("1", "10.00", member=ada)
        answer = text_of(english(desk("clerk"), "/console/"))
        assert "Running campaigns" in answer
        assert "100 / 400" in answer
        assert "later" not in answer

    def test_says_that_what_a_campaign_gives_went_off_sale(self):
        cake = new_reward("cake", name="Cake")
        given = builders.campaign("treat", effect={"type": "grant_reward", "reward": "cake"})
        said = "“Cake” is not on sale, and the campaign gives it all the same"
        client = desk("owner")
        assert said not in text_of(english(client, "/console/"))

        catalogue.change(reward=cake, changes={"active": False}, at=NOON, by="")

        assert said in text_of(english(client, "/console/"))
        assert said in text_of(english(client, f"{LIST}{given.pk}/change/"))

    def test_offers_a_quick_campaign_when_nothing_runs(self):
        assert f"{LIST}quick/" in text_of(desk("manager").get("/console/"))
        assert f'href="{LIST}quick/"' not in text_of(desk("clerk").get("/console/"))


class TestWhyAnOrderEarned:
    def test_shows_each_rule_with_what_it_saw(self, ada: Member):
        made("big", state="active", effect=bonus(), conditions={"min_amount": "50.00"})
        made("small", state="active", effect=bonus(), conditions={"min_amount": "5.00"})
        order = builders.place("1", "10.00", member=ada)
        answer = text_of(english(desk("clerk"), f"/console/loyalty/order/{order.pk}/change/"))
        assert "an order of at least ¥50" in answer
        assert "Every rule, and why" in answer
        assert answer.index("an order of at least ¥5<") < answer.index("an order of at least ¥50")
