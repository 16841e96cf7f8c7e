"""Cancelling a redemption: points, pieces and limits come back."""

from datetime import datetime, timedelta

import pytest

from loyalty import awarding
from loyalty import queries as loyalty_queries
from loyalty.models import Allocation, Entry, Lot
from members.errors import NotFound
from members.models import Member, Store
from rewards import catalogue, drafts, pools, queries, redemption, vouchers
from rewards.errors import AlreadyUsed, VoucherExpired, VoucherVoid
from rewards.models import PartnerCode, Reward, Voucher
from rewards.redemption_errors import CodeHandedOut, DonationStays, HandedOver
from tests.conftest import NOON
from tests.rewards.builders import SECOND, Active, Everything, Redeem, asked
from tests.rewards.conftest import new_reward


class TestCancel:
    def test_gives_back_points_stock_and_limit_and_voids_the_vouchers(
        self, ada: Member, redeem: Redeem, noon: datetime, active: Active
    ) -> None:
        few = new_reward("few", points=200, stock=5, per_member=3)
        made = redeem(ada, few, "r1", quantity=3)
        later = noon + timedelta(hours=1)
        cancelled = redemption.cancel(number=made.number, at=later)
        assert (cancelled.state, cancelled.cancelled_at) == ("cancelled", later)
        assert active(ada) == 1000
        assert Reward.objects.get().stock == 5
        assert [voucher.state for voucher in Voucher.objects.all()] == ["void"] * 3
        entry = Entry.objects.get(kind="return")
        assert (entry.points, entry.balance, entry.at) == (600, 1000, later)
        figures = loyalty_queries.figures(member=ada, at=later)
        assert (figures.spent, figures.earned) == (0, 1000)
        assert queries.pieces_taken(member=ada, rewards=[few], at=later) == {few.pk: 0}

    def test_gives_back_to_the_lots_the_points_came_from(
        self, ada: Member, cake: Reward, redeem: Redeem, noon: datetime
    ) -> None:
        soon = noon + timedelta(days=3)
        awarding.award(
            member=ada, points=200, reference="soon", details={}, expires_at=soon, at=noon
        )
        before = list(Lot.objects.order_by("id").values())
        made = redeem(ada, cake, "r1")
        redemption.cancel(number=made.number, at=noon)
        assert list(Lot.objects.order_by("id").values()) == before
        moved = Allocation.objects.order_by("id").values_list("points", flat=True)
        assert sorted(moved) == [-200, -100, 100, 200]

    def test_points_that_lapsed_meanwhile_lapse_at_once(
        self, bob: Member, redeem: Redeem, noon: datetime
    ) -> None:
        soon = noon + timedelta(days=3)
        awarding.award(
            member=bob, points=100, reference="soon", details={}, expires_at=soon, at=noon
        )
        made = redeem(bob, new_reward("pin"), "r1")
        redemption.cancel(number=made.number, at=soon)
        figures = loyalty_queries.figures(member=bob, at=soon)
        assert (figures.active, figures.expired, figures.spent) == (0, 100, 0)

    def test_again_changes_nothing(
        self, ada: Member, redeem: Redeem, noon: datetime, everything: Everything
    ) -> None:
        made = redeem(ada, new_reward("few", stock=5), "r1")
        first = redemption.cancel(number=made.number, at=noon)
        before = everything()
        again = redemption.cancel(number=made.number.lower(), at=noon + SECOND)
        assert (again, again.cancelled_at) == (first, noon)
        assert everything() == before

    def test_refuses_after_a_use(
        self,
        ada: Member,
        store: Store,
        redeem: Redeem,
        noon: datetime,
        everything: Everything,
    ) -> None:
        made = redeem(ada, new_reward("few", stock=5), "r1", quantity=2)
        code = Voucher.objects.order_by("id")[0].code
        vouchers.use(code=code, store="SH-1", reference="", used_by="till", at=noon)
        before = everything()
        with pytest.raises(AlreadyUsed) as refusal:
            redemption.cancel(number=made.number, at=noon)
        assert refusal.value.data == {
            "used_at": "2026-11-21T12:00:00+08:00",
            "used_store": "SH-1",
            "used_store_name": "静安寺店",
            "used_order": None,
        }
        assert everything() == before

    def test_stays_possible_for_a_frozen_member_and_expired_vouchers(
        self, ada: Member, cake: Reward, redeem: Redeem, noon: datetime, active: Active
    ) -> None:
        made = redeem(ada, cake, "r1")
        Member.objects.update(status=Member.Status.FROZEN)
        cancelled = redemption.cancel(number=made.number, at=noon + timedelta(days=90))
        assert cancelled.state == "cancelled"
        assert active(ada) == 1000

    def test_an_unlimited_stock_stays_unlimited(
        self, ada: Member, redeem: Redeem, noon: datetime
    ) -> None:
        few = new_reward("few", stock=5)
        made = redeem(ada, few, "r1")
        catalogue.change(reward=few, changes={"stock": None}, at=NOON)
        redemption.cancel(number=made.number, at=noon)
        assert Reward.objects.get().stock is None

    def test_says_that_a_number_is_unknown(self, db: None, noon: datetime) -> None:
        for number in ["R20261121-AAAAAA", "", "\x00"]:
            with pytest.raises(NotFound):
                redemption.cancel(number=number, at=noon)

    def test_says_that_a_donation_stays_given(
        self, ada: Member, redeem: Redeem, noon: datetime, everything: Everything
    ) -> None:
        made = redeem(ada, new_reward("tree", kind="donation"), "r1")
        before = everything()
        with pytest.raises(DonationStays) as refusal:
            redemption.cancel(number=made.number, at=noon)
        assert (refusal.value.code, refusal.value.data["used_at"]) == (
            "already_used",
            "2026-11-21T12:00:00+08:00",
        )
        assert str(refusal.value) == "捐赠后不能取消。"
        assert everything() == before

    def test_says_when_a_parcel_was_sent(
        self, ada: Member, redeem: Redeem, noon: datetime
    ) -> None:
        made = redeem(ada, new_reward("mug"), "r1")
        type(made).objects.update(state="fulfilled", fulfilled_at=noon)
        with pytest.raises(HandedOver) as refusal:
            redemption.cancel(number=made.number, at=noon)
        assert "2026" in str(refusal.value)
        assert refusal.value.code == "already_used"


class TestCancelOwn:
    @pytest.fixture
    def film(self, db: None) -> Reward:
        film = new_reward("film", kind="partner_code", cash="1.00")
        pools.add(reward="film", file=b"SEEN-1\nNEXT-2", by="owner", at=NOON)
        return film

    def test_gives_back_as_cancel_does(
        self, ada: Member, redeem: Redeem, noon: datetime, active: Active
    ) -> None:
        made = redeem(ada, new_reward("mug", stock=5), "r1")
        assert redemption.cancel_own(number=made.number, at=noon).state == "cancelled"
        assert (active(ada), Reward.objects.get().stock) == (1000, 5)

    def test_a_partners_code_that_was_shown_is_for_the_shop_to_cancel(
        self, ada: Member, film: Reward, redeem: Redeem, noon: datetime, everything: Everything
    ) -> None:
        made = redeem(ada, film, "r1")
        before = everything()
        with pytest.raises(CodeHandedOut):
            redemption.cancel_own(number=made.number, at=noon)
        assert everything() == before
        assert redemption.cancel(number=made.number, at=noon, by="clerk").state == "cancelled"

    def test_what_lapsed_stays_spent(
        self, ada: Member, cake: Reward, redeem: Redeem, noon: datetime, everything: Everything
    ) -> None:
        made = redeem(ada, cake, "r1")
        end = Voucher.objects.get().expires_at
        assert end is not None
        before = everything()
        with pytest.raises(VoucherExpired):
            redemption.cancel_own(number=made.number, at=end)
        assert everything() == before
        assert redemption.cancel_own(number=made.number, at=end - SECOND).state == "cancelled"

    def test_what_the_shop_voided_stays_spent(
        self, ada: Member, cake: Reward, redeem: Redeem, noon: datetime, everything: Everything
    ) -> None:
        made = redeem(ada, cake, "r1", quantity=2)
        vouchers.void_one(code=made.vouchers.all()[0].code, reason="misuse", by="boss", at=noon)
        before = everything()
        with pytest.raises(VoucherVoid) as refusal:
            redemption.cancel_own(number=made.number, at=noon)
        assert refusal.value.data["reason"] == "misuse"
        assert everything() == before
        assert redemption.cancel(number=made.number, at=noon).state == "cancelled"

    def test_the_code_goes_to_nobody_else(
        self, ada: Member, film: Reward, redeem: Redeem, noon: datetime
    ) -> None:
        first = redeem(ada, film, "r1")
        redemption.cancel(number=first.number, at=noon)
        codes = {first.vouchers.get().code, redeem(ada, film, "r2").vouchers.get().code}
        assert codes == {"SEEN-1", "NEXT-2"}
        assert Reward.objects.get().stock == 0
        assert not PartnerCode.objects.filter(is_taken=False).exists()

    def test_a_draft_that_showed_no_code_is_let_go(
        self, ada: Member, film: Reward, noon: datetime, active: Active
    ) -> None:
        made = drafts.reserve(request=asked(ada, film), at=noon).redemption
        assert redemption.cancel_own(number=made.number, at=noon).state == "cancelled"
        assert (active(ada), Reward.objects.get().stock) == (1000, 2)
