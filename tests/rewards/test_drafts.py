"""Drafts: points, stock and limit are kept until they are paid, called off or time out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from loyalty import holds
from loyalty import queries as loyalty_queries
from loyalty.errors import InsufficientPoints, WalletFrozen
from loyalty.models import Entry, Hold
from members.errors import NotFound, ReferenceReused
from members.models import Member
from rewards import drafts, queries, redemption, tasks, timeouts
from rewards.errors import LimitReached, OutOfStock
from rewards.models import PartnerCode, Redemption, Reward, Voucher
from rewards.redemption_errors import RedemptionClosed
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean
from tests.rewards.builders import asked, assert_sums, later, left, offer, variant
from tests.rewards.conftest import new_reward

MICROSECOND = timedelta(microseconds=1)
IN_TIME = later(minutes=30) - MICROSECOND
TOO_LATE = later(minutes=30)
Everything = Callable[[], list[Any]]


@pytest.fixture
def mug(db: None) -> Reward:
    """Two mugs for 400 points and ¥9.90 each, one for each member."""
    return new_reward("mug", points=400, cash="9.90", stock=2, per_member=1)


def reserved(member: Member, reward: Reward, reference: str = "r1", **said: Any) -> Redemption:
    at = said.pop("at", NOON)
    return drafts.reserve(request=asked(member, reward, reference, **said), at=at).redemption


def figures(member: Member, at: Any = NOON) -> tuple[int, int]:
    found = loyalty_queries.figures(member=member, at=at)
    return found.active, found.reserved


class TestReserve:
    def test_keeps_points_stock_and_limit_and_issues_nothing(
        self, ada: Member, mug: Reward
    ) -> None:
        made = reserved(ada, mug)
        assert (made.state, made.points, made.reserved_until) == ("reserved", 400, TOO_LATE)
        assert figures(ada) == (600, 400)
        assert left(mug) == [1]
        assert queries.pieces_taken(member=ada, rewards=[mug], at=NOON) == {mug.pk: 1}
        assert not Voucher.objects.exists()
        assert not Entry.objects.filter(kind="redeem").exists()
        assert_clean()
        assert_sums()

    def test_the_same_again_is_the_same_and_is_no_redemption(
        self, ada: Member, mug: Reward
    ) -> None:
        made = reserved(ada, mug)
        again = drafts.reserve(request=asked(ada, mug), at=NOON)
        assert (again.redemption, again.is_new) == (made, False)
        with pytest.raises(ReferenceReused):
            redemption.redeem(request=asked(ada, mug), at=NOON)

    def test_refuses_when_points_are_short_and_changes_nothing(
        self, bob: Member, mug: Reward, everything: Everything
    ) -> None:
        before = everything()
        with pytest.raises(InsufficientPoints):
            reserved(bob, mug)
        assert everything() == before

    def test_its_hold_is_not_the_tills(self, ada: Member, mug: Reward) -> None:
        made = reserved(ada, mug)
        assert made.hold_id is not None
        with pytest.raises(NotFound):
            holds.release(hold=made.hold_id, at=NOON)
        with pytest.raises(NotFound):
            holds.capture(hold=made.hold_id, points=None, order=None, at=NOON)
        assert figures(ada) == (600, 400)


class TestIssue:
    def test_spends_what_was_kept_at_the_price_of_the_draft(
        self, ada: Member, mug: Reward
    ) -> None:
        made = reserved(ada, mug)
        Reward.objects.update(points=900)
        issued = drafts.issue(number=made.number, at=IN_TIME)
        assert (issued.state, issued.points, issued.vouchers.count()) == ("issued", 400, 1)
        assert figures(ada, IN_TIME) == (600, 0)
        entry = Entry.objects.get(kind="redeem")
        assert (entry.points, entry.at) == (-400, IN_TIME)
        assert entry.details == {
            "reward": "MUG",
            "redemption": made.number,
            "hold": made.hold_id,
        }
        assert (entry.explanation[0]["price"], entry.explanation[0]["cash"]) == (400, "9.90")
        assert left(mug) == [1]
        assert_clean()

    def test_again_changes_nothing(self, ada: Member, mug: Reward, everything: Everything) -> None:
        made = reserved(ada, mug)
        drafts.issue(number=made.number, at=NOON)
        before = everything()
        assert drafts.issue(number=made.number, at=NOON).state == "issued"
        assert everything() == before

    def test_refuses_what_has_timed_out_or_was_cancelled(
        self, ada: Member, mug: Reward, everything: Everything
    ) -> None:
        made = reserved(ada, mug)
        before = everything()
        with pytest.raises(RedemptionClosed) as refusal:
            drafts.issue(number=made.number, at=TOO_LATE)
        assert refusal.value.data == {"state": "expired"}
        assert everything() == before
        redemption.cancel(number=made.number, at=IN_TIME)
        with pytest.raises(RedemptionClosed) as refusal:
            drafts.issue(number=made.number, at=IN_TIME)
        assert refusal.value.data == {"state": "cancelled"}

    def test_refuses_a_frozen_member(
        self, ada: Member, mug: Reward, everything: Everything
    ) -> None:
        made = reserved(ada, mug)
        Member.objects.update(status="frozen")
        before = everything()
        with pytest.raises(WalletFrozen):
            drafts.issue(number=made.number, at=NOON)
        assert everything() == before

    def test_issued_it_can_be_cancelled_like_any_other(self, ada: Member, mug: Reward) -> None:
        made = reserved(ada, mug)
        drafts.issue(number=made.number, at=NOON)
        assert redemption.cancel(number=made.number, at=NOON).state == "cancelled"
        assert figures(ada) == (1000, 0)
        assert left(mug) == [2]
        assert_clean()
        assert_sums()


class TestCancel:
    def test_lets_points_stock_and_limit_go(self, ada: Member, mug: Reward) -> None:
        made = reserved(ada, mug)
        assert (
            redemption.cancel(number=made.number, at=NOON, reason="no cash").state == "cancelled"
        )
        assert figures(ada) == (1000, 0)
        assert left(mug) == [2]
        assert Hold.objects.get().state == "released"
        assert reserved(ada, mug, "r2").state == "reserved"
        assert_clean()
        assert_sums()

    def test_timed_out_it_is_expired_and_not_cancelled(self, ada: Member, mug: Reward) -> None:
        made = reserved(ada, mug)
        for _again in range(2):
            assert redemption.cancel(number=made.number, at=TOO_LATE).state == "expired"
        assert left(mug) == [2]
        assert_clean()


class TestTimeOut:
    @pytest.mark.parametrize(
        ("at", "state", "points"),
        [(IN_TIME, "reserved", (600, 400)), (TOO_LATE, "expired", (1000, 0))],
    )
    def test_is_exact_when_read(
        self, ada: Member, mug: Reward, at: Any, state: str, points: tuple[int, int]
    ) -> None:
        made = reserved(ada, mug)
        assert redemption.state_of(made, at) == state
        assert figures(ada, at) == points
        taken = queries.pieces_taken(member=ada, rewards=[mug], at=at)[mug.pk]
        assert taken == (1 if state == "reserved" else 0)

    def test_the_sweep_gives_back_once(self, ada: Member, mug: Reward) -> None:
        red = variant(mug, "red", 2)
        flash = offer(mug, "flash", 1, points=300)
        made = reserved(ada, mug, variant="red")
        assert left(mug, red, flash) == [1, 1, 0]
        assert timeouts.give_back_all(at=IN_TIME) == 0
        assert timeouts.give_back_all(at=TOO_LATE) == 1
        assert timeouts.give_back_all(at=TOO_LATE) == 0
        made.refresh_from_db()
        assert made.state == "expired"
        assert left(mug, red, flash) == [2, 2, 1]
        assert_clean()
        assert_sums()

    def test_whoever_finds_the_shelf_empty_gets_what_timed_out(
        self, ada: Member, bob: Member
    ) -> None:
        last = new_reward("last", points=1, stock=1)
        made = reserved(ada, last)
        from loyalty import awarding

        awarding.award(member=bob, points=9, reference="w", details={}, expires_at=None, at=NOON)
        with pytest.raises(OutOfStock):
            redemption.redeem(request=asked(bob, last), at=IN_TIME)
        assert redemption.redeem(request=asked(bob, last), at=TOO_LATE).is_new
        made.refresh_from_db()
        assert (made.state, left(last)) == ("expired", [0])
        assert_sums()

    def test_the_limit_is_free_at_the_very_moment(self, ada: Member, mug: Reward) -> None:
        reserved(ada, mug)
        with pytest.raises(LimitReached):
            reserved(ada, mug, "r2", at=IN_TIME)
        assert reserved(ada, mug, "r2", at=TOO_LATE).state == "reserved"
        assert_sums()

    def test_the_task_runs(self, ada: Member, mug: Reward) -> None:
        reserved(ada, mug, at=NOON - timedelta(days=400))
        assert tasks.end_drafts() == 1


class TestPool:
    def test_a_code_is_counted_by_the_draft_and_handed_out_when_it_is_issued(
        self, ada: Member
    ) -> None:
        from rewards import pools

        pool = new_reward("pool", kind="partner_code")
        pools.add(reward="pool", file=b"A-1\nA-2\n", by="", at=NOON)
        made = reserved(ada, pool)
        assert left(pool) == [1]
        assert PartnerCode.objects.filter(is_taken=True).count() == 0
        gone = reserved(ada, pool, "r2")
        redemption.cancel(number=gone.number, at=NOON)
        assert left(pool) == [1]
        drafts.issue(number=made.number, at=NOON)
        assert Voucher.objects.get().code == "A-1"
        assert left(pool) == [1]
        assert_sums()
