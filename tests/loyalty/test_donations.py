from collections.abc import Callable
from typing import Any

import pytest

from loyalty import donations
from loyalty.donations import Donated, DonationRequest
from loyalty.errors import InDebt, InsufficientPoints, WalletFrozen
from loyalty.ledger import MAX_POINTS
from loyalty.models import Donation, Entry
from members.errors import InvalidInput, MemberClosed, NotFound, ReferenceReused
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    books,
    credit,
    day,
    debit,
    figures,
    open_lots,
    post,
    reversal,
    wallet_of,
)
from tests.loyalty.test_transfers import merge


def donate(member: Member, points: int = 300, *, at: Any = NOON, **more: Any) -> Donated:
    said: dict[str, Any] = {"project": "森林", "reference": "d1", **more}
    request = DonationRequest(member=member.number, points=points, **said)
    return donations.donate(request=request, at=at)


def refused(refusal: type[Exception], act: Callable[[], Any]) -> Any:
    before = (books(), Donation.objects.count())
    with pytest.raises(refusal) as found:
        act()
    assert (books(), Donation.objects.count()) == before
    return found.value


class TestDonate:
    def test_takes_the_points_soonest_first_and_counts_them_as_spent(self, ada: Member) -> None:
        post(credit(wallet_of(ada), 100, "soon", expires_at=day(5)))

        done = donate(ada)

        made = Donation.objects.get()
        assert (done.is_new, done.donation) == (True, made)
        assert (made.member, made.points, made.project, made.reference, made.at) == (
            ada,
            300,
            "森林",
            "d1",
            NOON,
        )
        entry = Entry.objects.get(kind="donate")
        assert (entry.points, entry.balance, entry.reference) == (-300, 800, "d1")
        assert entry.details == {"project": "森林"}
        assert figures(wallet_of(ada)) == {"active": 800, "earned": 1100, "spent": 300}
        assert open_lots(wallet_of(ada)) == {"welcome": 800}
        assert_clean()

    def test_again_has_no_second_effect(self, ada: Member) -> None:
        first = donate(ada)

        again = donate(ada, project=" 森林 ", at=day(1))

        assert (again.is_new, again.donation) == (False, first.donation)
        assert figures(wallet_of(ada))["active"] == 700

    @pytest.mark.parametrize("more", [{"points": 301}, {"project": "海洋"}])
    def test_with_other_content_under_the_reference_is_refused(
        self, ada: Member, more: dict[str, Any]
    ) -> None:
        donate(ada)

        refused(ReferenceReused, lambda: donate(ada, **more))

    def test_knows_the_references_of_members_merged_into_this_one(
        self, ada: Member, bob: Member
    ) -> None:
        first = donate(ada)
        merge(ada, bob)

        assert donate(bob).donation == first.donation

    @pytest.mark.parametrize(
        ("status", "refusal"), [("frozen", WalletFrozen), ("closed", MemberClosed)]
    )
    def test_is_refused_to_the_frozen_and_the_closed(
        self, ada: Member, status: str, refusal: type[Exception]
    ) -> None:
        Member.objects.update(status=status)

        refused(refusal, lambda: donate(ada))

    def test_of_more_than_there_is_is_refused(self, ada: Member) -> None:
        refusal = refused(InsufficientPoints, lambda: donate(ada, 1001))

        assert refusal.data == {"needed": 1001, "available": 1000}

    def test_by_one_who_owes_is_refused(self, bob: Member) -> None:
        wallet = wallet_of(bob)
        post(credit(wallet, 70, "in"))
        post(debit(wallet, 70, "out"))
        post(reversal(wallet, 70, "back", of="in"))

        refused(InDebt, lambda: donate(bob, 1))

    def test_by_nobody_is_refused(self, db: None) -> None:
        request = DonationRequest(member="nobody", points=1, project="x", reference="d1")

        with pytest.raises(NotFound) as refusal:
            donations.donate(request=request, at=NOON)

        assert refusal.value.pointer == "/member"

    @pytest.mark.parametrize(
        ("more", "pointer"),
        [
            ({"points": 0}, "/points"),
            ({"points": -1}, "/points"),
            ({"points": True}, "/points"),
            ({"points": 1.0}, "/points"),
            ({"points": MAX_POINTS + 1}, "/points"),
            ({"project": " "}, "/project"),
            ({"project": "x" * 101}, "/project"),
            ({"reference": ""}, "/reference"),
            ({"reference": "x" * 101}, "/reference"),
        ],
    )
    def test_of_what_cannot_be_meant_is_refused(
        self, ada: Member, more: dict[str, Any], pointer: str
    ) -> None:
        assert refused(InvalidInput, lambda: donate(ada, **more)).pointer == pointer
