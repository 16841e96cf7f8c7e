"""The console's decisions about a member: freeze, unfreeze, close, merge, and what the pages say."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from loyalty import awarding, queries
from members import lifecycle
from members.models import Member, StatusChange
from rewards import catalogue, redemption
from rewards.models import Voucher
from tests.conftest import NOON
from tests.console import desk
from tests.loyalty.builders import assert_clean

VERBS = ("freeze", "unfreeze", "close", "merge")


def address(member: Member, verb: str = "change") -> str:
    return f"/console/members/member/{member.pk}/{verb}/"


def status(member: Member) -> str:
    return Member.objects.get(pk=member.pk).status


def active(member: Member) -> int:
    return queries.figures(member=member, at=timezone.now()).active


def refusals(answer: Any) -> list[str]:
    return list(answer.context["form"].non_field_errors())


@pytest.fixture
def manager_desk(db: None) -> Client:
    return desk("manager")


class TestEveryPage:
    @pytest.mark.parametrize(("role", "code"), [("owner", 200), ("manager", 200), ("clerk", 403)])
    def test_opens_for_those_who_may(self, ada: Member, role: str, code: int):
        client = desk(role)

        answers = {verb: client.get(address(ada, verb)).status_code for verb in VERBS}

        assert answers == dict.fromkeys(VERBS, code)

    def test_sends_visitors_to_sign_in(self, ada: Member):
        for verb in VERBS:
            for answer in (Client().get(address(ada, verb)), Client().post(address(ada, verb))):
                assert answer.status_code == 302
                assert answer["Location"].startswith("/console/login/")

    def test_changes_nothing_for_a_clerk(self, ada: Member, bob: Member):
        client = desk("clerk")

        for verb in VERBS:
            said = {"reason": "x", "forfeit": "on", "into": bob.number}
            assert client.post(address(ada, verb), said).status_code == 403

        assert (status(ada), StatusChange.objects.count()) == ("active", 0)

    def test_of_a_closed_member_goes_back(self, bob: Member, manager_desk: Client):
        manager_desk.post(address(bob, "close"), {})

        for verb in VERBS:
            answer = manager_desk.get(address(bob, verb))
            assert (answer.status_code, answer["Location"]) == (302, address(bob))

    def test_of_nobody_is_not_found(self, manager_desk: Client):
        for verb in VERBS:
            assert manager_desk.get(f"/console/members/member/1/{verb}/").status_code == 404

    def test_is_reached_from_the_members_page(self, ada: Member, manager_desk: Client):
        page = manager_desk.get(address(ada)).content.decode()
        assert {verb for verb in VERBS if address(ada, verb) in page} == {
            "freeze",
            "close",
            "merge",
        }

        lifecycle.freeze(member=ada, reason="checked", by="owner", at=NOON)

        page = manager_desk.get(address(ada)).content.decode()
        assert address(ada, "unfreeze") in page
        assert f'"{address(ada, "freeze")}"' not in page
        clerks = desk("clerk").get(address(ada)).content.decode()
        assert not [verb for verb in VERBS if address(ada, verb) in clerks]


class TestFreeze:
    def test_needs_a_reason_and_is_noted(self, ada: Member, manager_desk: Client):
        empty = manager_desk.post(address(ada, "freeze"), {"reason": ""})
        assert list(empty.context["form"].errors) == ["reason"]
        assert status(ada) == "active"

        answer = manager_desk.post(address(ada, "freeze"), {"reason": "two tills at once"})

        assert answer["Location"] == address(ada)
        assert status(ada) == "frozen"
        step = StatusChange.objects.get()
        assert (step.reason, step.by) == ("two tills at once", "manager")
        page = manager_desk.get(address(ada)).content.decode()
        assert "two tills at once" in page

    def test_unfreezing_shows_why_it_was(self, ada: Member, manager_desk: Client):
        lifecycle.freeze(member=ada, reason="two tills at once", by="owner", at=NOON)
        page = manager_desk.get(address(ada, "unfreeze")).content.decode()
        assert "two tills at once" in page

        manager_desk.post(address(ada, "unfreeze"), {})

        assert status(ada) == "active"
        assert StatusChange.objects.count() == 2


class TestClose:
    def test_shows_what_would_be_forfeited_and_asks(self, ada: Member, manager_desk: Client):
        catalogue.create(
            changes={"code": "mug", "name": "Mug", "kind": "gift", "points": 100}, at=NOON
        )
        asked = redemption.RedemptionRequest(member=ada.number, reward="mug", reference="r")
        redemption.redeem(request=asked, at=timezone.now())
        page = manager_desk.get(address(ada, "close"))
        assert (page.context["figures"].active, page.context["vouchers"]) == (900, 1)
        assert "900" in page.content.decode()

        refused = manager_desk.post(address(ada, "close"), {})
        assert "900" in refusals(refused)[0]
        assert status(ada) == "active"

        answer = manager_desk.post(address(ada, "close"), {"forfeit": "on", "reason": "asked to"})
        assert answer["Location"] == address(ada)
        assert (status(ada), active(ada)) == ("closed", 0)
        assert Voucher.objects.get().state == "void"
        assert StatusChange.objects.get().reason == "asked to"

    def test_without_points_there_is_nothing_to_forfeit(self, bob: Member, manager_desk: Client):
        page = manager_desk.get(address(bob, "close"))
        assert 'name="forfeit"' not in page.content.decode()

        manager_desk.post(address(bob, "close"), {})

        assert status(bob) == "closed"

    def test_a_closed_members_page_stays_readable_and_fixed(
        self, ada: Member, manager_desk: Client
    ):
        manager_desk.post(address(ada, "close"), {"forfeit": "on"})

        page = manager_desk.get(address(ada))
        assert page.status_code == 200
        assert not [verb for verb in VERBS if address(ada, verb) in page.content.decode()]
        assert 'name="_save"' not in page.content.decode()


class TestMerge:
    def test_finds_others_by_what_staff_know(
        self, ada: Member, bob: Member, mallory: Member, manager_desk: Client
    ):
        manager_desk.post(address(mallory, "close"), {})

        for term, found in (
            ("13800000002", [bob]),
            (bob.number, [bob]),
            ("Bob", [bob]),
            ("Ada", []),
            (mallory.number, []),
            ("", []),
        ):
            page = manager_desk.get(address(ada, "merge"), {"q": term})
            assert (page.status_code, page.context["found"]) == (200, found)

    def test_shows_the_sums_before_it_is_done(
        self, ada: Member, bob: Member, manager_desk: Client
    ):
        awarding.award(member=bob, points=5, reference="in", details={}, at=NOON)

        page = manager_desk.get(address(ada, "merge"), {"into": bob.number})

        assert [row[1:] for row in page.context["sums"]] == [
            (1000, 5, 1005),
            (0, 0, 0),
            (0, 0, 0),
            (0, 0, 0),
            (0, 0, 0),
        ]
        assert "1,005" in page.content.decode()
        assert status(ada) == "active"

    def test_goes_on_with_the_target(self, ada: Member, bob: Member, manager_desk: Client):
        answer = manager_desk.post(address(ada, "merge"), {"into": bob.number})

        assert answer["Location"] == address(bob)
        assert (status(ada), active(bob)) == ("closed", 1000)
        page = manager_desk.get(address(ada)).content.decode()
        assert address(bob) in page
        assert_clean()

    @pytest.mark.parametrize("into", ["", "1", "itself"])
    def test_what_cannot_be_is_said_on_the_page(
        self, ada: Member, manager_desk: Client, into: str
    ):
        number = ada.number if into == "itself" else into

        answer = manager_desk.post(address(ada, "merge"), {"into": number})

        assert answer.status_code == 200
        assert answer.context["form"].errors
        assert status(ada) == "active"
