from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from loyalty.errors import WalletFrozen
from members.errors import InvalidInput, MemberClosed, NotFound, ReferenceReused
from members.models import Member, Message
from rewards import giving, redemption, voucher_gifts, vouchers
from rewards.errors import AlreadyUsed, VoucherExpired, VoucherVoid
from rewards.models import Redemption, Reward, Voucher, VoucherGift
from rewards.voucher_errors import GiftNotAllowed, GivenAway, VoucherNotFound
from rewards.voucher_gifts import GiftRequest, Given
from tests.conftest import NOON

Redeem = Callable[..., Redemption]


@pytest.fixture
def voucher(ada: Member, cake: Reward, redeem: Redeem) -> Voucher:
    return redeem(ada, cake, "r1").vouchers.get()


def give(voucher: Voucher, to: Member, **said: Any) -> Given:
    wish: dict[str, Any] = {"reference": "g1", "message": "生日快乐"}
    request = GiftRequest(code=voucher.code, to=to.number, **{**wish, **said})
    return voucher_gifts.give(request=request, by="till", at=NOON)


def assert_untouched() -> None:
    assert not VoucherGift.objects.exists()
    assert not Message.objects.exists()
    assert [step.kind for step in Voucher.objects.get().steps.all()] == ["issued"]


class TestGive:
    def test_makes_the_other_member_its_holder_and_tells_so(
        self, voucher: Voucher, ada: Member, bob: Member
    ) -> None:
        given = give(voucher, bob)
        assert given.is_new
        voucher.refresh_from_db()
        assert (voucher.member, voucher.given_by, voucher.state) == (bob, ada, "active")
        assert list(voucher_gifts.gifts_of(ada)) == [given.gift]
        message = Message.objects.get()
        assert message.member == bob
        assert message.texts["zh-hans"]["title"] == "A**送您一张“CAKE”"
        assert message.texts["zh-hans"]["body"].endswith("出示即可使用。“生日快乐”")
        step = voucher.steps.get(kind="given")
        assert step.data == {"from": ada.number, "to": bob.number}

    def test_the_holder_uses_it_and_the_redemption_is_used(
        self, voucher: Voucher, bob: Member, noon: datetime
    ) -> None:
        give(voucher, bob)
        vouchers.use(code=voucher.code, store=None, reference="u", used_by="", at=noon)
        assert Redemption.objects.get().state == "used"

    def test_who_redeemed_it_cannot_cancel_any_more(
        self,
        voucher: Voucher,
        ada: Member,
        bob: Member,
        noon: datetime,
        active: Callable[[Member], int],
    ) -> None:
        give(voucher, bob)
        with pytest.raises(GivenAway):
            redemption.cancel(number=voucher.redemption.number, at=noon)
        assert (active(ada), Voucher.objects.get().state) == (700, "active")

    def test_the_same_reference_again_is_the_same_gift(
        self, voucher: Voucher, ada: Member, bob: Member
    ) -> None:
        first = give(voucher, bob)
        again = give(voucher, bob, giver=ada.number)
        assert (again.gift, again.is_new) == (first.gift, False)
        assert VoucherGift.objects.count() == Message.objects.count() == 1

    def test_the_reference_for_another_gift_is_refused(
        self, voucher: Voucher, ada: Member, bob: Member, cake: Reward, redeem: Redeem
    ) -> None:
        give(voucher, bob)
        other = redeem(ada, cake, "r2").vouchers.get()
        with pytest.raises(ReferenceReused):
            give(other, bob)
        assert Voucher.objects.get(pk=other.pk).member == ada

    def test_may_go_on_to_a_third_one_and_back(
        self, voucher: Voucher, ada: Member, bob: Member, noon: datetime
    ) -> None:
        give(voucher, bob)
        give(voucher, ada)
        assert Voucher.objects.get().member == ada
        assert redemption.cancel(number=voucher.redemption.number, at=noon).state == "cancelled"

    def test_only_to_somebody_else(self, voucher: Voucher, ada: Member) -> None:
        with pytest.raises(GiftNotAllowed) as refusal:
            give(voucher, ada)
        assert refusal.value.data == {"reason": "self"}
        assert_untouched()

    def test_only_where_the_reward_allows_it(self, voucher: Voucher, bob: Member) -> None:
        Reward.objects.update(is_giftable=False)
        with pytest.raises(GiftNotAllowed) as refusal:
            give(voucher, bob)
        assert refusal.value.data == {"reason": "reward"}
        assert_untouched()

    @pytest.mark.parametrize(
        ("status", "kind"), [("frozen", WalletFrozen), ("closed", MemberClosed)]
    )
    @pytest.mark.parametrize("side", ["from", "to"])
    def test_neither_side_may_be_frozen_or_closed(
        self,
        voucher: Voucher,
        ada: Member,
        bob: Member,
        side: str,
        status: str,
        kind: type[Exception],
    ) -> None:
        whose = ada if side == "from" else bob
        Member.objects.filter(pk=whose.pk).update(status=status)
        with pytest.raises(kind) as refusal:
            give(voucher, bob)
        assert refusal.value.data == {"side": side}  # type: ignore[attr-defined]
        assert_untouched()

    def test_what_is_used_void_or_expired_stays_where_it_is(
        self, voucher: Voucher, bob: Member
    ) -> None:
        for changes, kind in (
            ({"expires_at": NOON}, VoucherExpired),
            ({"state": "void", "expires_at": None}, VoucherVoid),
            ({"state": "used", "used_at": NOON}, AlreadyUsed),
        ):
            Voucher.objects.update(**changes)
            with pytest.raises(kind):
                give(voucher, bob)
        assert_untouched()

    def test_one_that_is_not_good_yet_may_be_given(self, voucher: Voucher, bob: Member) -> None:
        Voucher.objects.update(active_from=NOON + timedelta(days=3))
        assert give(voucher, bob).voucher.member == bob

    def test_a_member_gives_its_own_alone(
        self, voucher: Voucher, bob: Member, mallory: Member
    ) -> None:
        with pytest.raises(VoucherNotFound):
            give(voucher, bob, giver=mallory.number)
        assert_untouched()

    def test_points_at_bad_input(self, voucher: Voucher, bob: Member) -> None:
        for said, pointer in (
            ({"reference": "r" * 101}, "/reference"),
            ({"message": "m" * 201}, "/message"),
        ):
            with pytest.raises(InvalidInput) as problem:
                give(voucher, bob, **said)
            assert problem.value.pointer == pointer
        nobody = GiftRequest(code=voucher.code, to="1")
        with pytest.raises(NotFound) as missing:
            voucher_gifts.give(request=nobody, by="", at=NOON)
        assert missing.value.pointer == "/to"
        assert_untouched()


def test_what_an_undone_order_brought_is_void_with_its_new_holder(
    ada: Member, bob: Member, cake: Reward, noon: datetime
) -> None:
    gift = giving.Gift(member=ada.pk, reward="cake", pieces=1, reference="campaign/1/order")
    made = giving.give(gift=gift, at=noon)
    assert made is not None
    give(made.vouchers.get(), bob)
    assert giving.take_back(member=ada.pk, reference="campaign/1/order", at=noon)
    voucher = Voucher.objects.get()
    assert (voucher.state, voucher.member) == ("void", bob)
