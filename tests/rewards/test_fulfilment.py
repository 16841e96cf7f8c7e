"""Handing over and sending; and how what is redeemed is handed over at all."""

from collections.abc import Callable
from typing import Any

import pytest

from members import lifecycle
from members.errors import InvalidInput
from members.models import Member
from rewards import drafts, fulfilment, redemption
from rewards.errors import AlreadyUsed
from rewards.fulfilment import Parcel
from rewards.models import Redemption, Reward, Voucher, VoucherStep
from rewards.redemption_errors import RedemptionClosed, TooLate
from tests.conftest import NOON
from tests.rewards.builders import ADDRESS, SENT_TO, asked, later, left, variant
from tests.rewards.conftest import new_reward

Everything = Callable[[], list[Any]]


@pytest.fixture
def tote(db: None) -> Reward:
    """A bag that is picked up or sent, as the member likes."""
    return new_reward("tote", kind="gift", stock=5, delivery="either")


def redeemed(member: Member, reward: Reward, **said: Any) -> Redemption:
    return redemption.redeem(request=asked(member, reward, **said), at=NOON).redemption


def fulfilled(made: Redemption, at: Any = NOON, **parcel: str) -> Redemption:
    return fulfilment.fulfil(number=made.number, parcel=Parcel(**parcel), by="clerk", at=at)


class TestDelivery:
    def test_what_is_sent_needs_an_address_and_has_no_voucher(
        self, ada: Member, tote: Reward
    ) -> None:
        made = redeemed(ada, tote, delivery="shipping", address=ADDRESS)
        assert (made.state, made.delivery, made.address) == ("issued", "shipping", SENT_TO)
        assert not Voucher.objects.exists()

    @pytest.mark.parametrize(
        ("address", "pointer"),
        [
            (None, "/address"),
            ({}, "/address/name"),
            ({**ADDRESS, "name": " "}, "/address/name"),
            ({**ADDRESS, "phone": "12"}, "/address/phone"),
            ({**ADDRESS, "phone": 13800000001}, "/address/phone"),
            ({**ADDRESS, "address": "路" * 301}, "/address/address"),
            ({**ADDRESS, "region": 7}, "/address/region"),
        ],
    )
    def test_an_address_that_no_parcel_finds_is_refused(
        self, ada: Member, tote: Reward, address: Any, pointer: str, everything: Everything
    ) -> None:
        before = everything()
        with pytest.raises(InvalidInput) as refusal:
            redeemed(ada, tote, delivery="shipping", address=address)
        assert refusal.value.pointer == pointer
        assert everything() == before

    def test_left_open_an_address_says_that_it_is_sent(self, ada: Member, tote: Reward) -> None:
        assert redeemed(ada, tote, address=ADDRESS).delivery == "shipping"
        assert redeemed(ada, tote, reference="r2").delivery == "pick_up"
        assert Voucher.objects.count() == 1

    def test_a_way_that_the_reward_does_not_know_is_refused(
        self, ada: Member, cake: Reward
    ) -> None:
        with pytest.raises(InvalidInput) as refusal:
            redeemed(ada, cake, delivery="shipping", address=ADDRESS)
        assert refusal.value.pointer == "/delivery"
        only = new_reward("only", kind="gift", delivery="shipping")
        with pytest.raises(InvalidInput):
            redeemed(ada, only, delivery="pick_up")
        assert not Redemption.objects.exists()

    def test_nobody_keeps_an_address_that_nobody_needs(self, ada: Member, tote: Reward) -> None:
        assert redeemed(ada, tote, delivery="pick_up", address=ADDRESS).address is None

    def test_it_goes_with_the_member(self, ada: Member, tote: Reward) -> None:
        redeemed(ada, tote, delivery="shipping", address=ADDRESS)
        redeemed(ada, tote, reference="r2", delivery="shipping", address=ADDRESS)
        fulfilled(Redemption.objects.get(reference="r2"))
        lifecycle.close(member=ada, reason="", by="", at=NOON)
        assert list(Redemption.objects.values_list("address", flat=True)) == [None, None]


class TestDonation:
    def test_is_fulfilled_at_once_and_stays(self, ada: Member) -> None:
        tree = new_reward("tree", kind="donation")
        made = redeemed(ada, tree, quantity=3)
        assert (made.state, made.fulfilled_at, made.points) == ("fulfilled", NOON, 300)
        assert not Voucher.objects.exists()
        with pytest.raises(AlreadyUsed):
            redemption.cancel(number=made.number, at=NOON)


class TestFulfil:
    def test_notes_who_carries_it_and_again_changes_it(self, ada: Member, tote: Reward) -> None:
        made = redeemed(ada, tote, delivery="shipping", address=ADDRESS)
        sent = fulfilled(made, carrier="顺丰", tracking="SF1")
        assert (sent.state, sent.fulfilled_at, sent.fulfilled_by) == ("fulfilled", NOON, "clerk")
        again = fulfilled(made, later(days=1), tracking=" SF2 ")
        assert (again.carrier, again.tracking) == ("顺丰", "SF2")
        assert again.fulfilled_at == NOON

    def test_uses_the_vouchers_that_are_open(self, ada: Member, tote: Reward) -> None:
        made = redeemed(ada, tote, quantity=2)
        assert fulfilled(made).state == "fulfilled"
        used = Voucher.objects.filter(state="used", used_at=NOON, used_by="clerk")
        assert used.count() == 2
        assert VoucherStep.objects.filter(kind="used", by="clerk").count() == 2

    def test_then_it_cannot_be_cancelled(
        self, ada: Member, tote: Reward, everything: Everything
    ) -> None:
        made = redeemed(ada, tote, delivery="shipping", address=ADDRESS)
        fulfilled(made)
        before = everything()
        with pytest.raises(AlreadyUsed) as refusal:
            redemption.cancel(number=made.number, at=NOON)
        assert refusal.value.data["used_at"] == "2026-11-21T12:00:00+08:00"
        assert everything() == before

    def test_refuses_what_was_cancelled_timed_out_or_is_not_paid(
        self, ada: Member, tote: Reward, cake: Reward, everything: Everything
    ) -> None:
        gone = redeemed(ada, tote)
        redemption.cancel(number=gone.number, at=NOON)
        draft = drafts.reserve(request=asked(ada, tote, "r2"), at=NOON).redemption
        old = redeemed(ada, cake, reference="r3")
        before = everything()
        for made, at, state in [
            (gone, NOON, "cancelled"),
            (draft, NOON, "reserved"),
            (draft, later(minutes=30), "expired"),
            (old, later(days=31), "expired"),
        ]:
            with pytest.raises(RedemptionClosed) as refusal:
                fulfilled(made, at)
            assert refusal.value.data == {"state": state}
        assert everything() == before


class TestSessions:
    @pytest.mark.parametrize("is_late", [False, True])
    def test_one_that_has_begun_is_not_given_back(self, ada: Member, is_late: bool) -> None:
        show = new_reward("show", kind="experience")
        friday = variant(show, "friday", 3, begins_at=later(days=1))
        made = redeemed(ada, show, variant="friday")
        if is_late:
            with pytest.raises(TooLate) as refusal:
                redemption.cancel(number=made.number, at=later(days=1))
            assert refusal.value.data == {"begins_at": "2026-11-22T12:00:00+08:00"}
            assert left(friday) == [2]
        else:
            before = later(days=1) - later(microseconds=1) + NOON
            assert redemption.cancel(number=made.number, at=before).state == "cancelled"
            assert left(friday) == [3]
