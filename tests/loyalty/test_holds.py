from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from loyalty import holds, ledger, ordering, queries
from loyalty.errors import HoldClosed, InDebt, InsufficientPoints, MonthlyCap, WalletFrozen
from loyalty.holds import HoldRequest, Placed
from loyalty.ledger import MAX_POINTS
from loyalty.models import Entry, Hold, Order, Reservation
from members.errors import InvalidInput, MemberClosed, NotFound, ReferenceReused
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    books,
    credit,
    day,
    debit,
    entries,
    figures,
    give_back,
    lot_of,
    open_lots,
    order,
    post,
    program,
    reversal,
    settle,
    taken_by,
    wallet_of,
)

MICROSECOND = timedelta(microseconds=1)
HALF_AN_HOUR = timedelta(minutes=30)


def place(member: Member, points: int = 300, *, at: Any = NOON, **more: Any) -> Placed:
    said: dict[str, Any] = {"reference": "h1", **more}
    return holds.hold(request=HoldRequest(member=member.number, points=points, **said), at=at)


def hold(member: Member, points: int = 300, **more: Any) -> int:
    return place(member, points, **more).hold.pk


def capture(pk: int, points: int | None = None, *, at: Any = NOON, order: Any = None) -> Hold:
    return holds.capture(hold=pk, points=points, order=order, at=at)


def state(pk: int) -> tuple[str, int, Any]:
    row = Hold.objects.get(pk=pk)
    return row.state, row.captured_points, row.closed_at


def merge(source: Member, target: Member) -> None:
    with transaction.atomic():
        held = ledger.lock(members=[source.pk, target.pk], at=NOON, types=["points"])
        ledger.merge(
            source=held.of(source.pk).id,
            target=held.of(target.pk).id,
            reference="m",
            at=NOON,
            held=held,
        )
        Member.objects.filter(pk=source.pk).update(status="closed", merged_into=target)


def refused(refusal: type[Exception], act: Callable[[], Any]) -> Any:
    """The refusal; nothing was written."""
    before = (books(), list(Hold.objects.order_by("id").values()), Reservation.objects.count())
    with pytest.raises(refusal) as found:
        act()
    after = (books(), list(Hold.objects.order_by("id").values()), Reservation.objects.count())
    assert after == before
    return found.value


class TestHold:
    def test_sets_active_points_aside_without_an_entry(self, ada: Member) -> None:
        placed = place(ada)

        made = placed.hold
        assert (placed.is_new, made.points, made.state, made.captured_points) == (
            True,
            300,
            "held",
            0,
        )
        assert (made.at, made.expires_at, made.closed_at) == (NOON, NOON + HALF_AN_HOUR, None)
        assert figures(wallet_of(ada)) == {"active": 700, "reserved": 300, "earned": 1000}
        assert entries(wallet_of(ada)) == [("earn", 1000, 1000)]
        assert_clean()

    def test_keeps_the_points_that_expire_soonest(self, ada: Member) -> None:
        post(
            credit(wallet_of(ada), 100, "soon", expires_at=day(5)),
            credit(wallet_of(ada), 150, "later", expires_at=day(6)),
        )

        hold(ada, 200)

        assert lot_of(wallet_of(ada), "soon").reserved == 100
        assert lot_of(wallet_of(ada), "later").reserved == 100
        assert lot_of(wallet_of(ada), "welcome").reserved == 0
        assert_clean()

    def test_again_is_the_same_hold_as_it_is_now(self, ada: Member) -> None:
        pk = hold(ada)
        capture(pk, 100)

        again = place(ada, at=day(1))

        assert (again.is_new, again.hold.pk, again.hold.state) == (False, pk, "captured")
        assert Hold.objects.count() == 1

    @pytest.mark.parametrize("more", [{"points": 301}, {"expires_in": 1799}])
    def test_with_other_content_under_the_reference_is_refused(
        self, ada: Member, more: dict[str, Any]
    ) -> None:
        hold(ada)

        refused(ReferenceReused, lambda: place(ada, **more))

    def test_knows_the_references_of_members_merged_into_this_one(
        self, ada: Member, bob: Member
    ) -> None:
        pk = hold(ada)
        merge(ada, bob)

        again = place(bob)

        assert (again.is_new, again.hold.pk) == (False, pk)

    def test_of_more_than_is_free_is_refused(self, ada: Member) -> None:
        hold(ada, 800)

        refusal = refused(InsufficientPoints, lambda: place(ada, 201, reference="h2"))

        assert refusal.data == {"needed": 201, "available": 200}

    def test_of_somebody_who_owes_is_refused(self, bob: Member) -> None:
        self.owe(bob, 50)

        refusal = refused(InDebt, lambda: place(bob))

        assert refusal.data == {"debt": 50}

    def owe(self, member: Member, points: int) -> None:
        wallet = wallet_of(member)
        post(credit(wallet, points, "spent"))
        pk = hold(member, points, reference="gone")
        capture(pk)
        post(reversal(wallet, points, "back", of="spent"))

    @pytest.mark.parametrize(
        ("status", "refusal"), [("frozen", WalletFrozen), ("closed", MemberClosed)]
    )
    def test_is_refused_to_the_frozen_and_the_closed(
        self, ada: Member, status: str, refusal: type[Exception]
    ) -> None:
        Member.objects.filter(pk=ada.pk).update(status=status)

        refused(refusal, lambda: place(ada))

    def test_of_an_unknown_member_is_refused(self, ada: Member) -> None:
        request = HoldRequest(member="nobody", points=1, reference="h")

        refusal = refused(NotFound, lambda: holds.hold(request=request, at=NOON))

        assert refusal.pointer == "/member"

    @pytest.mark.parametrize(
        ("more", "pointer"),
        [
            ({"points": 0}, "/points"),
            ({"points": -1}, "/points"),
            ({"points": True}, "/points"),
            ({"points": 1.0}, "/points"),
            ({"points": "1"}, "/points"),
            ({"points": MAX_POINTS + 1}, "/points"),
            ({"expires_in": 0}, "/expires_in"),
            ({"expires_in": True}, "/expires_in"),
            ({"expires_in": 30.0}, "/expires_in"),
            ({"expires_in": 2_592_001}, "/expires_in"),
            ({"reference": ""}, "/reference"),
            ({"reference": "x" * 101}, "/reference"),
        ],
    )
    def test_of_what_cannot_be_meant_is_refused(
        self, ada: Member, more: dict[str, Any], pointer: str
    ) -> None:
        refusal = refused(InvalidInput, lambda: place(ada, **more))

        assert refusal.pointer == pointer


class TestMonthlyCap:
    """Pay with points counts into the month's cap, from the moment at which the points are held."""

    END = datetime(2026, 11, 30, 16, 0, tzinfo=UTC)  # the program's December begins

    def test_counts_holds_captures_and_redemptions(self, ada: Member) -> None:
        program(monthly_redemption_cap=500)
        capture(hold(ada, 200), 150)
        post(debit(wallet_of(ada), 100, "R1"))
        hold(ada, 200, reference="h2")

        refusal = refused(MonthlyCap, lambda: place(ada, 51, reference="h3"))

        assert refusal.data == {"limit": 500, "used": 450}
        assert refusal.code == "limit_reached"
        assert place(ada, 50, reference="h3").is_new

    def test_leaves_out_what_is_free_again(self, ada: Member) -> None:
        program(monthly_redemption_cap=500)
        holds.release(hold=hold(ada, 500), at=NOON)
        post(debit(wallet_of(ada), 500, "R1"))
        post(give_back(wallet_of(ada), 500, "R1", of="R1"))
        hold(ada, 500, reference="h2", expires_in=60)

        assert place(ada, 500, reference="h3", at=NOON + timedelta(seconds=60)).is_new

    def test_begins_anew_with_the_programs_month(self, ada: Member) -> None:
        program(monthly_redemption_cap=500)
        capture(hold(ada, 500))

        refused(MonthlyCap, lambda: place(ada, 1, reference="h2", at=self.END - MICROSECOND))
        assert place(ada, 500, reference="h2", at=self.END).is_new

    def test_does_not_stand_against_what_was_held_before(self, ada: Member) -> None:
        pk = hold(ada, 500)
        program(monthly_redemption_cap=1)

        assert capture(pk).state == "captured"


class TestCapture:
    def test_spends_the_whole(self, ada: Member) -> None:
        pk = hold(ada)

        captured = capture(pk, at=NOON + MICROSECOND)

        assert (captured.state, captured.captured_points) == ("captured", 300)
        assert captured.closed_at == NOON + MICROSECOND
        assert figures(wallet_of(ada)) == {"active": 700, "earned": 1000, "spent": 300}
        entry = Entry.objects.get(kind="redeem")
        assert (entry.points, entry.balance, entry.reference) == (-300, 700, f"hold/{pk}")
        assert entry.details == {"hold": pk}
        assert entry.explanation == [{"rule": "capture", "kind": "capture", "points": -300}]
        assert_clean()

    def test_of_a_part_releases_the_rest(self, ada: Member) -> None:
        post(credit(wallet_of(ada), 200, "soon", expires_at=day(5)))
        pk = hold(ada)

        capture(pk, 120)

        assert state(pk) == ("captured", 120, NOON)
        assert figures(wallet_of(ada)) == {"active": 1080, "earned": 1200, "spent": 120}
        assert taken_by(wallet_of(ada), f"hold/{pk}") == {"soon": -120}
        assert open_lots(wallet_of(ada)) == {"welcome": 1000, "soon": 80}
        assert_clean()

    def test_above_the_hold_is_refused_and_leaves_it_open(self, ada: Member) -> None:
        pk = hold(ada)

        refusal = refused(InsufficientPoints, lambda: capture(pk, 301))

        assert refusal.data == {"needed": 301, "available": 300}
        assert capture(pk, 300).state == "captured"

    def test_a_second_time_is_refused(self, ada: Member) -> None:
        pk = hold(ada)
        capture(pk, 100)

        assert refused(HoldClosed, lambda: capture(pk)).data == {"state": "captured"}

    def test_after_a_release_is_refused(self, ada: Member) -> None:
        pk = hold(ada)
        holds.release(hold=pk, at=NOON)

        assert refused(HoldClosed, lambda: capture(pk)).data == {"state": "released"}

    def test_at_the_last_moment_is_in_time(self, ada: Member) -> None:
        pk = hold(ada, expires_in=60)

        assert capture(pk, at=NOON + timedelta(seconds=60) - MICROSECOND).state == "captured"

    def test_exactly_when_it_times_out_is_late(self, ada: Member) -> None:
        pk = hold(ada, expires_in=60)

        with pytest.raises(HoldClosed) as refusal:
            capture(pk, at=NOON + timedelta(seconds=60))

        assert refusal.value.data == {"state": "expired"}
        assert figures(wallet_of(ada))["earned"] == 1000
        assert not Entry.objects.filter(kind="redeem").exists()

    @pytest.mark.parametrize(
        ("status", "refusal"), [("frozen", WalletFrozen), ("closed", MemberClosed)]
    )
    def test_is_refused_to_the_frozen_and_the_closed(
        self, ada: Member, status: str, refusal: type[Exception]
    ) -> None:
        pk = hold(ada)
        Member.objects.filter(pk=ada.pk).update(status=status)

        refused(refusal, lambda: capture(pk))

    def test_of_an_unknown_hold_is_refused(self, db: None) -> None:
        with pytest.raises(NotFound):
            capture(1)

    @pytest.mark.parametrize("points", [0, -1, True, 1.0, "1", MAX_POINTS + 1])
    def test_of_what_cannot_be_meant_is_refused(self, ada: Member, points: Any) -> None:
        pk = hold(ada)

        assert refused(InvalidInput, lambda: capture(pk, points)).pointer == "/points"

    @pytest.mark.parametrize("name", ["default/A-1", "A-1"])
    def test_is_linked_with_the_order_it_pays_for(self, ada: Member, name: str) -> None:
        ordering.place(order=order("A-1", "10.00", member=ada), at=NOON)
        pk = hold(ada)

        captured = capture(pk, order=name)

        assert captured.order == Order.objects.get()
        entry = Entry.objects.get(kind="redeem")
        assert entry.details == {"order": "default/A-1", "hold": pk}

    def test_takes_the_order_of_a_source_before_a_number_with_a_slash(self, ada: Member) -> None:
        ordering.place(order=order("shop/1", "10.00", member=ada), at=NOON)
        first = capture(hold(ada, 10), order="shop/1").order
        ordering.place(order=order("1", "10.00", member=ada, source="shop"), at=NOON)
        second = capture(hold(ada, 10, reference="h2"), order="shop/1").order

        assert (str(first), str(second)) == ("default/shop/1", "shop/1")

    @pytest.mark.parametrize("name", ["nothing", "shop/A-1", "A-2"])
    def test_for_an_order_that_is_not_there_or_not_the_members_is_refused(
        self, ada: Member, bob: Member, name: str
    ) -> None:
        ordering.place(order=order("A-1", "10.00", member=ada), at=NOON)
        ordering.place(order=order("A-2", "10.00", member=bob), at=NOON)
        pk = hold(ada)

        assert refused(NotFound, lambda: capture(pk, order=name)).pointer == "/order"

    def test_of_a_hold_that_came_with_a_merge_takes_from_the_heir(
        self, ada: Member, bob: Member
    ) -> None:
        pk = hold(ada)
        merge(ada, bob)

        capture(pk)

        assert figures(wallet_of(bob)) == {"active": 700, "earned": 1000, "spent": 300}
        assert_clean()


class TestCaptureForOrder:
    def capture(
        self, pk: int, member: Member, *, points: int = 300, at: Any = NOON, now: Any = NOON
    ) -> Hold:
        order = Order(source="shop", number="9", placed_at=at)
        with transaction.atomic():
            held = ledger.lock(members=[member.pk], at=now)
            return holds.capture_for_order(
                hold_id=pk, member=member, order=order, points=points, held=held
            )

    def test_spends_the_whole_at_the_orders_time(self, ada: Member) -> None:
        pk = hold(ada)

        captured = self.capture(pk, ada, at=day(-1))

        assert state(pk) == ("captured", 300, NOON)
        assert captured.captured_points == 300
        entry = Entry.objects.get(kind="redeem")
        assert (entry.points, entry.at, entry.reference) == (-300, day(-1), f"hold/{pk}")
        assert entry.details == {"order": "shop/9", "hold": pk}
        assert_clean()

    def test_releases_what_the_order_does_not_need(self, ada: Member) -> None:
        pk = hold(ada)

        assert self.capture(pk, ada, points=120).captured_points == 120

        assert figures(wallet_of(ada)) == {"active": 880, "earned": 1000, "spent": 120}
        assert_clean()

    def test_of_another_members_hold_is_not_found(self, ada: Member, mallory: Member) -> None:
        pk = hold(ada)

        assert refused(NotFound, lambda: self.capture(pk, mallory)).pointer == "/hold"

    def test_takes_a_hold_that_came_with_a_merge(self, ada: Member, bob: Member) -> None:
        pk = hold(ada)
        merge(ada, bob)

        assert self.capture(pk, bob).state == "captured"

    def test_of_a_closed_hold_is_refused(self, ada: Member) -> None:
        pk = hold(ada)
        capture(pk)

        assert refused(HoldClosed, lambda: self.capture(pk, ada)).data == {"state": "captured"}

    def test_of_a_hold_that_timed_out_is_refused_whatever_the_orders_time(
        self, ada: Member
    ) -> None:
        pk = hold(ada)

        with pytest.raises(HoldClosed) as refusal:
            self.capture(pk, ada, at=NOON, now=NOON + HALF_AN_HOUR)

        assert refusal.value.data == {"state": "expired"}

    def test_of_the_frozen_is_refused(self, ada: Member) -> None:
        pk = hold(ada)
        Member.objects.update(status="frozen")

        refused(WalletFrozen, lambda: self.capture(pk, ada))


class TestRelease:
    def test_makes_the_points_active_again(self, ada: Member) -> None:
        pk = hold(ada)

        released = holds.release(hold=pk, at=NOON + MICROSECOND)

        assert (released.state, released.closed_at) == ("released", NOON + MICROSECOND)
        assert figures(wallet_of(ada)) == {"active": 1000, "earned": 1000}
        assert entries(wallet_of(ada)) == [("earn", 1000, 1000)]
        assert_clean()

    def test_again_changes_nothing(self, ada: Member) -> None:
        pk = hold(ada)
        holds.release(hold=pk, at=NOON)

        assert holds.release(hold=pk, at=day(1)).closed_at == NOON

    def test_goes_on_for_the_frozen(self, ada: Member) -> None:
        pk = hold(ada)
        Member.objects.update(status="frozen")

        assert holds.release(hold=pk, at=NOON).state == "released"

    def test_of_what_was_captured_is_refused(self, ada: Member) -> None:
        pk = hold(ada)
        capture(pk)

        refusal = refused(HoldClosed, lambda: holds.release(hold=pk, at=NOON))

        assert refusal.data == {"state": "captured"}

    def test_of_what_timed_out_is_refused(self, ada: Member) -> None:
        pk = hold(ada, expires_in=1)

        with pytest.raises(HoldClosed) as refusal:
            holds.release(hold=pk, at=NOON + timedelta(seconds=1))

        assert refusal.value.data == {"state": "expired"}

    def test_of_an_unknown_hold_is_refused(self, db: None) -> None:
        with pytest.raises(NotFound):
            holds.release(hold=1, at=NOON)


class TestTimeOut:
    def test_is_in_the_figures_at_the_exact_moment_settled_or_not(self, ada: Member) -> None:
        found = place(ada, expires_in=60).hold
        over = NOON + timedelta(seconds=60)

        before = queries.figures(member=ada, at=over - MICROSECOND)
        after = queries.figures(member=ada, at=over)

        assert (before.active, before.reserved) == (700, 300)
        assert (after.active, after.reserved) == (1000, 0)
        assert queries.hold_state(found, over - MICROSECOND) == "held"
        assert queries.hold_state(found, over) == "expired"
        assert list(queries.open_holds_of(member=ada, at=over - MICROSECOND)) == [found]
        assert list(queries.open_holds_of(member=ada, at=over)) == []
        assert state(found.pk) == ("held", 0, None)

    def test_is_settled_with_its_own_moment(self, ada: Member) -> None:
        pk = hold(ada, expires_in=60)

        settle(wallet_of(ada), day(3))

        assert state(pk) == ("expired", 0, NOON + timedelta(seconds=60))
        assert figures(wallet_of(ada)) == {"active": 1000, "earned": 1000}
        assert_clean()

    def test_frees_the_points_for_the_next_hold_at_once(self, ada: Member) -> None:
        hold(ada, 1000, expires_in=60)

        refused(InsufficientPoints, lambda: place(ada, 1, reference="h2"))
        after = place(ada, 1, reference="h2", at=NOON + timedelta(seconds=60))

        assert after.is_new


class TestPointsThatExpireWhileHeld:
    """A lot that expires under a hold stays good for that hold only."""

    def held_over(self, member: Member) -> int:
        post(credit(wallet_of(member), 300, "soon", expires_at=day(1)))
        pk = hold(member, 200, expires_in=5 * 86_400)
        settle(wallet_of(member), day(2))
        assert figures(wallet_of(member)) == {"reserved": 200, "earned": 300, "expired": 100}
        return pk

    def test_can_be_captured(self, bob: Member) -> None:
        pk = self.held_over(bob)

        capture(pk, at=day(3))

        assert figures(wallet_of(bob)) == {"earned": 300, "spent": 200, "expired": 100}
        assert_clean()

    def test_lapse_when_part_is_captured(self, bob: Member) -> None:
        pk = self.held_over(bob)

        capture(pk, 150, at=day(3))

        assert figures(wallet_of(bob)) == {"earned": 300, "spent": 150, "expired": 150}
        assert entries(wallet_of(bob)) == [
            ("earn", 300, 300),
            ("expire", -100, 200),
            ("redeem", -150, 50),
            ("expire", -50, 0),
        ]
        assert_clean()

    def test_lapse_when_released_with_the_lots_own_moment(self, bob: Member) -> None:
        pk = self.held_over(bob)

        holds.release(hold=pk, at=day(3))

        assert figures(wallet_of(bob)) == {"earned": 300, "expired": 300}
        last = Entry.objects.order_by("sequence").last()
        assert last is not None
        assert (last.kind, last.points, last.at) == ("expire", -200, day(1))
        assert_clean()

    def test_lapse_when_the_hold_times_out(self, bob: Member) -> None:
        self.held_over(bob)

        settle(wallet_of(bob), day(5))

        assert figures(wallet_of(bob)) == {"earned": 300, "expired": 300}
        assert_clean()


class TestDebtThatAroseMeanwhile:
    def owing(self, member: Member) -> int:
        wallet = wallet_of(member)
        post(credit(wallet, 300, "kept"), credit(wallet, 100, "refunded"))
        pk = hold(member, 300)
        capture(hold(member, 100, reference="h2"))
        post(reversal(wallet, 100, "back", of="refunded"))
        assert figures(wallet) == {"reserved": 300, "debt": 100, "earned": 300, "spent": 100}
        return pk

    def test_is_paid_by_what_is_released(self, bob: Member) -> None:
        pk = self.owing(bob)

        holds.release(hold=pk, at=NOON)

        assert figures(wallet_of(bob)) == {"active": 200, "earned": 300, "spent": 100}
        assert_clean()

    def test_is_paid_by_the_rest_of_a_capture(self, bob: Member) -> None:
        pk = self.owing(bob)

        capture(pk, 250)

        assert figures(wallet_of(bob)) == {"debt": 50, "earned": 300, "spent": 350}
        assert_clean()

    def test_does_not_keep_the_hold_from_being_captured(self, bob: Member) -> None:
        pk = self.owing(bob)

        capture(pk)

        assert figures(wallet_of(bob)) == {"debt": 100, "earned": 300, "spent": 400}
        assert_clean()

    def test_is_paid_when_the_hold_times_out(self, bob: Member) -> None:
        self.owing(bob)

        settle(wallet_of(bob), NOON + HALF_AN_HOUR)

        assert figures(wallet_of(bob)) == {"active": 200, "earned": 300, "spent": 100}
        assert_clean()
