"""Adjustments above the threshold in the console: asked for by one person, decided by another."""

from typing import Any

import pytest
from django.test import Client
from django.utils.translation import gettext

from loyalty import adjustments, queries
from loyalty.adjustments import AdjustmentFacts
from loyalty.models import Adjustment
from members.models import Member
from tests.conftest import NOON
from tests.console import desk, filled
from tests.loyalty.builders import program

ADD = "/console/loyalty/adjustment/add/"
LIST = "/console/loyalty/adjustment/"


def active(member: Member) -> int:
    return queries.figures(member=member, at=NOON).active


def page_of(adjustment: Adjustment, verb: str = "change") -> str:
    return f"{LIST}{adjustment.pk}/{verb}/"


def said_on(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


@pytest.fixture
def waiting(ada: Member) -> Adjustment:
    """500 points for Ada, asked for by the manager."""
    program(approval_threshold=100)
    said = AdjustmentFacts(member=ada.number, points=500, reason="goodwill", reference="a1")
    return adjustments.adjust(facts=said, requested_by="manager", at=NOON).adjustment


@pytest.fixture
def owner_desk(db: None) -> Client:
    return desk("owner")


@pytest.fixture
def manager_desk(db: None) -> Client:
    return desk("manager")


class TestAsking:
    def test_above_the_threshold_waits_and_says_so(self, ada: Member, manager_desk: Client):
        program(approval_threshold=100)
        page = manager_desk.get(ADD, {"member": ada.pk})

        answer = manager_desk.post(
            f"{ADD}?member={ada.pk}", filled(page, points="101", reason="goodwill"), follow=True
        )

        made = Adjustment.objects.get()
        assert (made.state, made.requested_by, active(ada)) == (
            "awaiting_approval",
            "manager",
            1000,
        )
        assert any("1,000" in said for said in said_on(answer))


class TestTheList:
    def test_is_filtered_by_state(self, waiting: Adjustment, owner_desk: Client):
        for state, found in (("awaiting_approval", [waiting]), ("posted", [])):
            answer = owner_desk.get(LIST, {"state__exact": state})
            assert list(answer.context["cl"].result_list) == found

    @pytest.mark.parametrize(("role", "count"), [("owner", 1), ("manager", 0), ("clerk", 0)])
    def test_the_sidebar_counts_what_one_may_decide(
        self, waiting: Adjustment, role: str, count: int
    ):
        answer = desk(role).get("/console/")

        badges = [
            item.get("badge", 0)
            for group in answer.context["sidebar_navigation"]
            for item in group["items"]
            if str(item["link"]) == LIST
        ]
        assert sum(badges) == count


class TestDeciding:
    def test_another_person_approves(self, waiting: Adjustment, ada: Member, owner_desk: Client):
        page = owner_desk.get(page_of(waiting)).content.decode()
        assert page_of(waiting, "approve") in page
        assert page_of(waiting, "reject") in page
        asked = owner_desk.get(page_of(waiting, "approve"))
        assert (asked.context["before"], asked.context["after"]) == (1000, 1500)
        assert "+500" in asked.content.decode()
        assert active(ada) == 1000

        answer = owner_desk.post(page_of(waiting, "approve"))

        assert answer["Location"] == page_of(waiting)
        waiting.refresh_from_db()
        assert (waiting.state, waiting.decided_by, active(ada)) == ("posted", "owner", 1500)
        after = owner_desk.get(page_of(waiting)).content.decode()
        assert page_of(waiting, "approve") not in after

    def test_another_person_rejects(self, waiting: Adjustment, ada: Member, owner_desk: Client):
        assert owner_desk.get(page_of(waiting, "reject")).status_code == 200

        owner_desk.post(page_of(waiting, "reject"))

        waiting.refresh_from_db()
        assert (waiting.state, waiting.decided_by, active(ada)) == ("rejected", "owner", 1000)

    @pytest.mark.parametrize("verb", ["approve", "reject"])
    def test_whoever_asked_waits_for_a_second_person(
        self, waiting: Adjustment, ada: Member, manager_desk: Client, verb: str
    ):
        page = manager_desk.get(page_of(waiting)).content.decode()
        assert page_of(waiting, verb) not in page
        assert (
            "second person"
            in manager_desk.get(
                page_of(waiting), headers={"accept-language": "en"}
            ).content.decode()
        )
        assert manager_desk.get(page_of(waiting, verb)).context["is_own"] is True

        answer = manager_desk.post(page_of(waiting, verb), follow=True)

        said = gettext("You asked for this adjustment yourself: a second person has to decide.")
        assert said_on(answer) == [said]
        waiting.refresh_from_db()
        assert (waiting.state, active(ada)) == ("awaiting_approval", 1000)

    @pytest.mark.parametrize("verb", ["approve", "reject"])
    def test_a_clerk_may_not(self, waiting: Adjustment, verb: str):
        client = desk("clerk")
        for answer in (client.get(page_of(waiting, verb)), client.post(page_of(waiting, verb))):
            assert answer.status_code == 403
        waiting.refresh_from_db()
        assert waiting.state == "awaiting_approval"

    def test_what_the_verb_refuses_is_said_and_it_goes_on_waiting(
        self, ada: Member, owner_desk: Client
    ):
        program(approval_threshold=100)
        said = AdjustmentFacts(member=ada.number, points=-5000, reason="fraud", reference="a1")
        made = adjustments.adjust(facts=said, requested_by="manager", at=NOON).adjustment

        answer = owner_desk.post(page_of(made, "approve"), follow=True)

        assert "5,000" in said_on(answer)[0]
        made.refresh_from_db()
        assert made.state == "awaiting_approval"

    def test_one_that_is_decided_says_so(self, waiting: Adjustment, owner_desk: Client):
        owner_desk.post(page_of(waiting, "reject"))

        assert owner_desk.get(page_of(waiting, "approve")).context["is_open"] is False
        answer = owner_desk.post(page_of(waiting, "approve"), follow=True)
        assert said_on(answer) == [
            gettext("The adjustment has already been rejected and cannot be approved.")
        ]

    def test_an_unknown_one_is_not_found(self, owner_desk: Client):
        assert owner_desk.get(f"{LIST}1/approve/").status_code == 404
