"""Each lock of rewards in the race that is lost without it: what one verb has read, another one is about to change."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from loyalty import ledger, ordering, refunds
from loyalty.refunds import RefundFacts
from members import transactions
from members.errors import ReferenceReused
from members.models import Member
from rewards import (
    drafts,
    draw_rounds,
    fulfilment,
    giving,
    guessing,
    redemption,
    stock,
    timeouts,
    voucher_batches,
    voucher_gifts,
    vouchers,
)
from rewards.draw_errors import GoesUsedUp
from rewards.errors import AlreadyUsed, LimitReached, VoucherVoid
from rewards.giving import Gift
from rewards.models import Draw, DrawPlay, Redemption, Reward, Voucher, WrongCodes
from rewards.redemption_errors import RedemptionClosed
from rewards.voucher_gifts import GiftRequest
from tests.conftest import NOON, RealDatabase
from tests.interleaving import interleave
from tests.loyalty.builders import assert_clean, order
from tests.rewards.builders import asked, assert_sums, later, left
from tests.rewards.conftest import new_reward
from tests.rewards.draws import go, new_draw
from tests.rewards.test_races import members_with_points

IN_TIME, TOO_LATE = later(minutes=29), later(minutes=31)
IS_ANY_LEFT = 'AS "a" FROM "rewards_voucher"'

Redeem = Callable[..., Redemption]


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadlock would be seen."""
    monkeypatch.setattr(transactions, "ATTEMPTS", 1)


@pytest.fixture
def cast(committed_db: RealDatabase) -> list[Member]:
    return members_with_points(2, 1_000, NOON)


def use(voucher: Voucher, reference: str = "", at: datetime = NOON) -> Voucher:
    return vouchers.use(code=voucher.code, store=None, reference=reference, used_by="", at=at)


def hand_on(voucher: Voucher, to: Member) -> None:
    request = GiftRequest(code=voucher.code, to=to.number)
    voucher_gifts.give(request=request, by="", at=NOON)


def void(voucher: Voucher) -> int:
    """As the job does it that voids a batch."""
    return transactions.in_transaction(lambda: voucher_batches._void([voucher], "x", "", NOON))


def give(member: Member, reward: Reward) -> Redemption | None:
    gift = Gift(member=member.pk, reward=reward.code, pieces=1, reference="gift")
    return transactions.in_transaction(lambda: giving.give(gift=gift, at=NOON))


def take_back(member: Member) -> bool:
    """As a refund does it with what the order brought."""

    def work() -> bool:
        ledger.lock(members=[member.pk], at=NOON)
        return giving.take_back(member=member.pk, reference="gift", at=NOON)

    return transactions.in_transaction(work)


def place(member: Member, voucher: Voucher) -> None:
    ordering.place(order=order("1", "80.00", member=member, coupon=voucher.code), at=NOON)


def in_two_hands(cast: list[Member], made: Redemption) -> tuple[Voucher, Voucher]:
    """The first of two vouchers, and the second after it was given to the other member."""
    own, other = made.vouchers.order_by("id")
    hand_on(other, cast[1])
    return own, Voucher.objects.get(pk=other.pk)


class TestWallets:
    def test_who_has_counted_towards_the_limit_takes_it(
        self, committed_db: RealDatabase, cast: list[Member], redeem: Redeem
    ) -> None:
        once = new_reward("once", per_member=1)
        first, second = interleave(
            committed_db,
            first=lambda: redeem(cast[0], once, "r1"),
            after=r'SUM\("rewards_redemption"',
            then=lambda: redeem(cast[0], once, "r2"),
        )
        assert (type(first), type(second)) == (Redemption, LimitReached)
        assert Redemption.objects.count() == 1

    def test_who_has_counted_goes_has_the_last(
        self, committed_db: RealDatabase, cast: list[Member]
    ) -> None:
        draw = new_draw(per_member=1)
        first, second = interleave(
            committed_db,
            first=lambda: go(cast[0], draw, "r1"),
            after=r'SELECT.*COUNT\(.*FROM "rewards_drawplay"',
            then=lambda: go(cast[0], draw, "r2"),
        )
        assert (type(first), type(second)) == (DrawPlay, GoesUsedUp)

    def test_use_and_cancel_never_wait_crosswise(
        self, committed_db: RealDatabase, cast: list[Member], redeem: Redeem
    ) -> None:
        made = redeem(cast[0], new_reward("pin"), "r1")
        used, cancelled = interleave(
            committed_db,
            first=lambda: use(made.vouchers.get()),
            after='FROM "members_member"',
            then=lambda: redemption.cancel(number=made.number, at=NOON),
        )
        assert (type(used), type(cancelled)) == (Voucher, AlreadyUsed)
        assert_clean()

    def test_a_holders_reference_is_of_one_use(
        self, committed_db: RealDatabase, cast: list[Member], redeem: Redeem
    ) -> None:
        pin = new_reward("pin")
        one, other = (redeem(cast[0], pin, each).vouchers.get() for each in ("r1", "r2"))
        first, second = interleave(
            committed_db,
            first=lambda: use(one, "u1"),
            after=IS_ANY_LEFT,
            then=lambda: use(other, "u1"),
        )
        assert (type(first), type(second)) == (Voucher, ReferenceReused)


class TestRedemptions:
    @pytest.fixture
    def draft(self, cast: list[Member]) -> Redemption:
        mug = new_reward("mug", stock=5)
        return drafts.reserve(request=asked(cast[0], mug), at=NOON).redemption

    def test_a_draft_that_is_timing_out_is_not_issued(
        self, committed_db: RealDatabase, draft: Redemption
    ) -> None:
        noted, issued = interleave(
            committed_db,
            first=lambda: timeouts.give_back_all(at=TOO_LATE),
            after='FROM "rewards_redemption"',
            then=lambda: drafts.issue(number=draft.number, at=IN_TIME),
        )
        assert (noted, type(issued)) == (1, RedemptionClosed)
        assert left(draft.reward) == [5]
        assert_sums()

    def test_a_draft_that_is_being_issued_does_not_time_out(
        self, committed_db: RealDatabase, draft: Redemption
    ) -> None:
        issued, noted = interleave(
            committed_db,
            first=lambda: drafts.issue(number=draft.number, at=IN_TIME),
            after='UPDATE OF "rewards_redemption"',
            then=lambda: timeouts.give_back_all(at=TOO_LATE),
        )
        assert (type(issued), noted) == (Redemption, 0)
        assert (Redemption.objects.get().state, left(draft.reward)) == ("issued", [4])

    def test_the_last_two_holders_close_it(
        self, committed_db: RealDatabase, cast: list[Member], redeem: Redeem
    ) -> None:
        own, other = in_two_hands(cast, redeem(cast[0], new_reward("pin"), "r1", quantity=2))
        results = interleave(
            committed_db, first=lambda: use(own), after=IS_ANY_LEFT, then=lambda: use(other)
        )
        assert [type(each) for each in results] == [Voucher, Voucher]
        assert Redemption.objects.get().state == "used"

    def test_what_comes_back_with_an_order_opens_it_again(
        self, committed_db: RealDatabase, cast: list[Member], redeem: Redeem
    ) -> None:
        own, other = in_two_hands(cast, redeem(cast[0], new_reward("pin"), "r1", quantity=2))
        place(cast[0], own)
        facts = RefundFacts(reference="back", amount=order("1", "80.00", member=None).amount)
        interleave(
            committed_db,
            first=lambda: refunds.refund(source="default", number="1", facts=facts, now=NOON),
            after='UPDATE "rewards_redemption"',
            then=lambda: use(other),
        )
        states = Voucher.objects.order_by("id").values_list("state", flat=True)
        assert (list(states), Redemption.objects.get().state) == (["active", "used"], "issued")

    def test_what_an_order_brought_is_taken_back_from_whoever_holds_it(
        self, committed_db: RealDatabase, cast: list[Member]
    ) -> None:
        made = give(cast[0], new_reward("pin", stock=5))
        assert made is not None
        hand_on(made.vouchers.get(), cast[1])
        is_back, used = interleave(
            committed_db,
            first=lambda: take_back(cast[0]),
            after=IS_ANY_LEFT,
            then=lambda: use(made.vouchers.get()),
        )
        assert (is_back, type(used)) == (True, VoucherVoid)
        assert (left(made.reward), Redemption.objects.get().state) == ([5], "cancelled")


class TestVouchers:
    @pytest.fixture
    def handed_on(self, cast: list[Member], redeem: Redeem) -> tuple[Voucher, Voucher]:
        """One of the other member's that was the first one's, as it was before and as it is now."""
        before = redeem(cast[0], new_reward("pin"), "r1").vouchers.get()
        hand_on(before, cast[1])
        return before, Voucher.objects.get()

    def test_one_that_is_being_voided_is_not_used(
        self, committed_db: RealDatabase, handed_on: tuple[Voucher, Voucher]
    ) -> None:
        before, now = handed_on
        voided, used = interleave(
            committed_db,
            # The job has read it before it was given away.
            first=lambda: void(before),
            after='"rewards_voucher"."id" IN',
            then=lambda: use(now),
        )
        assert (voided, type(used)) == (1, VoucherVoid)
        assert Voucher.objects.get().used_at is None

    def test_one_that_is_being_handed_out_is_not_voided(
        self, committed_db: RealDatabase, handed_on: tuple[Voucher, Voucher]
    ) -> None:
        number = Redemption.objects.get().number
        done, voided = interleave(
            committed_db,
            first=lambda: fulfilment.fulfil(
                number=number, parcel=fulfilment.Parcel(), by="", at=NOON
            ),
            after='"rewards_voucher"."state" IN',
            then=lambda: void(handed_on[1]),
        )
        assert (type(done), voided) == (Redemption, 0)
        assert Voucher.objects.get().voided_at is None

    def test_one_that_an_order_names_is_not_taken_back(
        self, committed_db: RealDatabase, cast: list[Member]
    ) -> None:
        made = give(cast[0], new_reward("pin", stock=5))
        assert made is not None
        hand_on(made.vouchers.get(), cast[1])
        _placed, is_back = interleave(
            committed_db,
            first=lambda: place(cast[1], made.vouchers.get()),
            after='"rewards_reward"."code".* FROM "rewards_voucher"',
            then=lambda: take_back(cast[0]),
        )
        assert (is_back, Voucher.objects.get().state) == (False, "used")
        assert left(made.reward) == [4]

    def test_no_wrong_code_is_forgotten(self, committed_db: RealDatabase) -> None:
        def miss() -> None:
            guessing.miss(subject="key:1", at=NOON)

        miss()
        interleave(committed_db, first=miss, after='FROM "rewards_wrongcodes"', then=miss)
        assert WrongCodes.objects.get().misses == 3


class TestStock:
    def test_the_last_piece_is_given_once(
        self, committed_db: RealDatabase, cast: list[Member]
    ) -> None:
        mug = new_reward("mug", stock=1)
        first, second = interleave(
            committed_db,
            first=lambda: give(cast[0], mug),
            after='"rewards_reward"."id" IN',
            then=lambda: give(cast[1], mug),
        )
        assert (type(first), second) == (Redemption, None)
        assert left(mug) == [0]

    def test_what_comes_in_does_not_undo_what_goes_out(
        self, committed_db: RealDatabase, cast: list[Member], redeem: Redeem
    ) -> None:
        mug = new_reward("mug", stock=10)
        interleave(
            committed_db,
            first=lambda: stock.receive(row=mug, pieces=5, by="", note="", at=NOON),
            after='FROM "rewards_reward"',
            then=lambda: redeem(cast[0], mug, "r1"),
        )
        assert left(mug) == [14]
        assert_sums()


class TestDraws:
    def test_one_round_is_open(self, committed_db: RealDatabase) -> None:
        draw = new_draw(active=False)
        Draw.objects.update(active=True)

        def work() -> Any:
            return draw_rounds.open_by_hand(draw=draw, at=NOON)

        first, second = interleave(
            committed_db, first=work, after='FROM "rewards_drawround"', then=work
        )
        assert first == second

    def test_tickets_are_numbered_one_after_the_other(
        self, committed_db: RealDatabase, cast: list[Member]
    ) -> None:
        draw = new_draw()
        first, second = interleave(
            committed_db,
            first=lambda: go(cast[0], draw, "r1"),
            after='FROM "rewards_drawprize"',
            then=lambda: go(cast[1], draw, "r1"),
        )
        assert [first.number, second.number] == [1, 2]
