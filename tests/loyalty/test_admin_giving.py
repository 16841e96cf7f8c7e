"""The console's screens of holds, transfers, donations and buy-backs."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from loyalty import buy_backs, donations, holds, queries, transfers
from loyalty.buy_backs import BuyBackRequest
from loyalty.donations import DonationRequest
from loyalty.holds import HoldRequest
from loyalty.models import BuyBack, Donation, Hold, Transfer
from loyalty.transfers import TransferRequest
from members.models import Member
from tests.conftest import NOON
from tests.console import desk, errors_of, filled
from tests.loyalty.builders import books, program

LATER = NOON + timedelta(minutes=10)
FORMS = {
    "transfer": {"points": "100", "message": "Hi"},
    "donation": {"points": "100", "project": "森林"},
    "buyback": {"points": "100"},
}
MODELS: dict[str, Any] = {"transfer": Transfer, "donation": Donation, "buyback": BuyBack}


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(LATER, tick=False):
        yield


@pytest.fixture(autouse=True)
def _enabled(db: None) -> None:
    off = {"min": None, "per_transfer": None, "per_day": None, "fee": 0}
    program(transfer={"enabled": True, **off})


def add(client: Client, name: str, member: Member, receiver: Member, **said: Any) -> Any:
    address = f"/console/loyalty/{name}/add/?member={member.pk}"
    extra = {"receiver": receiver.pk} if name == "transfer" else {}
    return client.post(address, filled(client.get(address), **{**FORMS[name], **extra, **said}))


def active(member: Member) -> int:
    return queries.figures(member=member, at=LATER).active


@pytest.mark.parametrize("name", FORMS)
class TestAdd:
    def test_is_done_and_shown_on_the_members_page(self, ada: Member, bob: Member, name: str):
        client = desk("manager")

        answer = add(client, name, ada, bob)

        assert answer["Location"] == f"/console/members/member/{ada.pk}/change/"
        page = client.get(answer["Location"])
        assert "100" in str(next(iter(page.context["messages"])))
        made = MODELS[name].objects.get()
        assert made.points == 100
        assert made.reference.startswith("console-")
        assert (active(ada), active(bob)) == (900, 100 if name == "transfer" else 0)

    def test_a_double_click_does_it_once(self, ada: Member, bob: Member, name: str):
        client = desk("manager")
        address = f"/console/loyalty/{name}/add/?member={ada.pk}"
        data = filled(client.get(address), **FORMS[name])
        if name == "transfer":
            data["receiver"] = bob.pk

        for _click in range(2):
            assert client.post(address, data).status_code == 302

        assert MODELS[name].objects.count() == 1
        assert active(ada) == 900

    @pytest.mark.parametrize("points", ["1001", "0", "-1", "1.5", "x", "", str(2**63)])
    def test_bad_points_are_said_at_the_points(
        self, ada: Member, bob: Member, name: str, points: str
    ):
        before = books()

        answer = add(desk("manager"), name, ada, bob, points=points)

        assert list(errors_of(answer)) == ["points"]
        assert not MODELS[name].objects.exists()
        assert books() == before

    @pytest.mark.parametrize("status", ["frozen", "closed"])
    def test_of_the_frozen_and_closed_is_said_at_the_member(
        self, ada: Member, bob: Member, name: str, status: str
    ):
        Member.objects.filter(pk=ada.pk).update(status=status)

        answer = add(desk("manager"), name, ada, bob)

        assert list(errors_of(answer)) == ["sender" if name == "transfer" else "member"]
        assert not MODELS[name].objects.exists()

    def test_a_clerk_may_not(self, ada: Member, bob: Member, name: str):
        client = desk("clerk")
        address = f"/console/loyalty/{name}/"

        assert client.get(address).status_code == 403
        assert client.get(f"{address}add/").status_code == 403
        assert client.post(f"{address}add/", {"points": "1"}).status_code == 403

    def test_what_was_done_stays(self, ada: Member, bob: Member, name: str):
        client = desk("owner")
        add(client, name, ada, bob)
        pk = MODELS[name].objects.get().pk
        address = f"/console/loyalty/{name}/{pk}/change/"

        assert client.get(address).status_code == 200
        assert client.post(address, {"points": "9"}).status_code == 403
        assert MODELS[name].objects.get().points == 100


class TestTransferForm:
    def test_says_at_the_receiver_what_stands_against_it(self, ada: Member, bob: Member):
        client = desk("manager")

        assert list(errors_of(add(client, "transfer", ada, ada))) == ["receiver"]
        Member.objects.filter(pk=bob.pk).update(status="frozen")
        assert list(errors_of(add(client, "transfer", ada, bob))) == ["receiver"]
        assert not Transfer.objects.exists()

    def test_says_limits_at_the_points_and_the_rest_above(self, ada: Member, bob: Member):
        client = desk("manager")
        for rules in ({"min": 101}, {"per_transfer": 99}, {"per_day": 99}):
            program(transfer={"enabled": True, **rules})
            assert list(errors_of(add(client, "transfer", ada, bob))) == ["points"]
        program(transfer={"enabled": False})
        assert list(errors_of(add(client, "transfer", ada, bob))) == ["__all__"]

    def test_shows_the_fee(self, ada: Member):
        program(transfer={"enabled": True, "fee": 77})

        page = desk("manager").get(f"/console/loyalty/transfer/add/?member={ada.pk}")

        assert "<b>77</b>" in page.content.decode()


class TestMembersPage:
    def test_offers_what_may_be_done(self, ada: Member):
        client = desk("manager")
        path = f"/console/members/member/{ada.pk}/change/"
        links = [f"/console/loyalty/{name}/add/?member={ada.pk}" for name in FORMS]

        def offered() -> list[bool]:
            text = client.get(path).content.decode()
            return [link in text for link in links]

        assert offered() == [True, True, True]
        program(transfer={"enabled": False})
        assert offered() == [False, True, True]
        Member.objects.update(status="frozen")
        assert offered() == [False, False, False]

    def test_offers_a_clerk_nothing(self, ada: Member):
        text = desk("clerk").get(f"/console/members/member/{ada.pk}/change/").content.decode()

        assert not [name for name in FORMS if f"/console/loyalty/{name}/add/" in text]


class TestLists:
    @pytest.fixture
    def _some(self, ada: Member, bob: Member) -> None:
        transfers.transfer(
            request=TransferRequest(
                sender=ada.number, receiver=bob.number, points=11, reference="T-1"
            ),
            at=NOON,
        )
        donations.donate(
            request=DonationRequest(member=ada.number, points=12, project="森林", reference="D-1"),
            at=NOON,
        )
        buy_backs.buy_back(
            request=BuyBackRequest(member=ada.number, points=13, reference="B-1"), at=NOON
        )
        holds.hold(request=HoldRequest(member=ada.number, points=14, reference="H-1"), at=NOON)

    @pytest.mark.usefixtures("_some")
    @pytest.mark.parametrize(
        ("name", "reference", "is_of_bob"),
        [
            ("transfer", "T-1", True),
            ("donation", "D-1", False),
            ("buyback", "B-1", False),
            ("hold", "H-1", False),
        ],
    )
    def test_find_by_reference_and_member(
        self, ada: Member, bob: Member, name: str, reference: str, is_of_bob: bool
    ):
        client = desk("manager")
        address = f"/console/loyalty/{name}/"

        def found(text: str) -> int:
            return len(client.get(address, {"q": text}).context["cl"].result_list)

        assert [found(text) for text in (reference, ada.number, "13800000001", "")] == [1] * 4
        assert found(bob.number) == (1 if is_of_bob else 0)
        assert found("nothing") == 0

    @pytest.mark.usefixtures("_some")
    @pytest.mark.parametrize("name", ["transfer", "donation", "buyback", "hold"])
    def test_are_filtered_by_day(self, name: str):
        client = desk("manager")
        for query, count in (
            ({"at_from": "2026-11-21"}, 1),
            ({"at_from": "2026-11-22"}, 0),
            ({"at_to": "2026-11-21"}, 1),
            ({"at_to": "2026-11-20"}, 0),
            ({"at_from": "soon", "at_to": "2026-02-30"}, 1),
            ({"at_to": "9999-12-31"}, 1),
        ):
            page = client.get(f"/console/loyalty/{name}/", query)
            assert len(page.context["cl"].result_list) == count


class TestHold:
    @pytest.fixture
    def pk(self, ada: Member) -> int:
        request = HoldRequest(member=ada.number, points=300, reference="H-1")
        return holds.hold(request=request, at=NOON).hold.pk

    def address(self, pk: int, action: str = "change") -> str:
        return f"/console/loyalty/hold/{pk}/{action}/"

    def test_is_released_after_a_question(self, ada: Member, pk: int):
        client = desk("manager")
        page = client.get(self.address(pk)).content.decode()
        assert self.address(pk, "release") in page
        assert str(Hold.State.HELD.label) in page
        assert "&#x27;held" not in page

        asked = client.get(self.address(pk, "release"))
        assert asked.status_code == 200
        assert active(ada) == 700
        done = client.post(self.address(pk, "release"))

        assert done["Location"] == self.address(pk)
        assert Hold.objects.get().state == "released"
        assert active(ada) == 1000
        page = client.get(self.address(pk)).content.decode()
        assert self.address(pk, "release") not in page

    def test_that_is_over_is_not_released(self, pk: int):
        holds.capture(hold=pk, points=None, order=None, at=NOON)
        client = desk("manager")

        assert '<form method="post" class="j-actions"' not in (
            client.get(self.address(pk, "release")).content.decode()
        )
        client.post(self.address(pk, "release"))

        assert Hold.objects.get().state == "captured"

    def test_that_timed_out_reads_so_at_once(self, pk: int):
        client = desk("clerk")
        with time_machine.travel(NOON + timedelta(minutes=30), tick=False):
            page = client.get("/console/loyalty/hold/")
            (shown,) = page.context["cl"].result_list
            assert queries.hold_state(shown, NOON + timedelta(minutes=30)) == "expired"
            assert self.address(pk, "release") not in client.get(self.address(pk)).content.decode()

    def test_a_clerk_looks_and_does_not_release(self, pk: int):
        client = desk("clerk")

        assert client.get(self.address(pk)).status_code == 200
        assert client.post(self.address(pk, "release")).status_code in (302, 403)
        assert Hold.objects.get().state == "held"
