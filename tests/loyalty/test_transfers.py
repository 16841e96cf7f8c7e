from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from loyalty import ledger, merging, queries, transfers
from loyalty.errors import (
    InDebt,
    InsufficientPoints,
    TransferLimit,
    TransferNotAllowed,
    WalletFrozen,
)
from loyalty.ledger import MAX_POINTS
from loyalty.models import Entry, Transfer
from loyalty.transfers import Transferred, TransferRequest
from members.errors import InvalidInput, MemberClosed, NotFound, ReferenceReused
from members.models import Member, Message
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    books,
    credit,
    day,
    debit,
    entries,
    figures,
    lot_of,
    open_lots,
    post,
    program,
    reversal,
    taken_by,
    wallet_of,
)

# The program's day around NOON begins and ends at these moments.
MIDNIGHT = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
NEXT_MIDNIGHT = MIDNIGHT + timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture(autouse=True)
def _enabled(db: None) -> None:
    allow()


def allow(**rules: Any) -> None:
    off = {"min": None, "per_transfer": None, "per_day": None, "fee": 0}
    program(transfer={"enabled": True, **off, **rules})


def give(
    sender: Member, receiver: Member, points: int = 100, *, at: Any = NOON, **more: Any
) -> Transferred:
    said: dict[str, Any] = {"reference": "t1", **more}
    request = TransferRequest(
        sender=sender.number, receiver=receiver.number, points=points, **said
    )
    return transfers.transfer(request=request, at=at)


def refused(refusal: type[Exception], act: Callable[[], Any]) -> Any:
    """The refusal; nothing was written."""
    before = (books(), Transfer.objects.count())
    with pytest.raises(refusal) as found:
        act()
    assert (books(), Transfer.objects.count()) == before
    return found.value


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


class TestTransfer:
    def test_moves_the_points(self, ada: Member, bob: Member) -> None:
        done = give(ada, bob, message="生日快乐")

        made = Transfer.objects.get()
        assert (done.is_new, done.transfer) == (True, made)
        assert (made.sender, made.receiver, made.points, made.fee) == (ada, bob, 100, 0)
        assert (made.message, made.reference, made.at) == ("生日快乐", "t1", NOON)
        assert figures(wallet_of(ada)) == {"active": 900, "earned": 1000}
        assert figures(wallet_of(bob)) == {"active": 100}
        given = Entry.objects.get(kind="transfer_out")
        taken = Entry.objects.get(kind="transfer_in")
        assert (given.points, given.balance, given.reference) == (-100, 900, "t1")
        assert (taken.points, taken.balance) == (100, 100)
        assert taken.reference == f"{ada.number}/t1"
        assert given.details == {"to": "B**", "message": "生日快乐"}
        assert taken.details == {"from": "A**", "message": "生日快乐"}
        assert_clean()

    def test_takes_the_soonest_first_and_keeps_the_dates(self, ada: Member, bob: Member) -> None:
        post(
            credit(wallet_of(ada), 60, "soon", active_from=day(-3), expires_at=day(5)),
            credit(wallet_of(ada), 30, "later", active_from=day(-2), expires_at=day(6)),
        )

        give(ada, bob)

        assert open_lots(wallet_of(ada)) == {"welcome": 990}
        lots = queries.lots_of(member=bob, at=NOON)
        assert [(lot.points, lot.active_from, lot.expires_at) for lot in lots] == [
            (60, day(-3), day(5)),
            (30, day(-2), day(6)),
            (10, NOON, None),
        ]
        assert_clean()

    def test_takes_the_fee_on_top_from_the_sender(self, ada: Member, bob: Member) -> None:
        allow(fee=7)
        post(credit(wallet_of(ada), 104, "soon", expires_at=day(5)))

        done = give(ada, bob)

        assert done.transfer.fee == 7
        assert entries(wallet_of(ada)) == [
            ("earn", 1000, 1000),
            ("earn", 104, 1104),
            ("transfer_out", -100, 1004),
            ("fee", -7, 997),
        ]
        fee = Entry.objects.get(kind="fee")
        assert (fee.reference, fee.explanation) == (
            "t1",
            [{"rule": "fee", "kind": "fee", "points": -7}],
        )
        assert taken_by(wallet_of(ada), "t1") == {"soon": -104, "welcome": -3}
        assert figures(wallet_of(bob)) == {"active": 100}
        assert_clean()

    def test_pays_the_receivers_debt_first(self, ada: Member, bob: Member) -> None:
        wallet = wallet_of(bob)
        post(credit(wallet, 70, "in"))
        post(debit(wallet, 70, "out"))
        post(reversal(wallet, 70, "back", of="in"))

        give(ada, bob)

        assert figures(wallet) == {"active": 30, "spent": 70}
        assert_clean()

    def test_to_one_who_owes_more_leaves_nothing_active(self, ada: Member, bob: Member) -> None:
        wallet = wallet_of(bob)
        post(credit(wallet, 170, "in"))
        post(debit(wallet, 170, "out"))
        post(reversal(wallet, 170, "back", of="in"))

        give(ada, bob)

        assert figures(wallet) == {"debt": 70, "spent": 170}
        assert_clean()

    def test_tells_the_receiver_once(self, ada: Member, bob: Member) -> None:
        give(ada, bob, 120, message="生日快乐！")
        give(ada, bob, 120, message="生日快乐！")

        told = Message.objects.get()
        assert (told.member, told.link) == (bob, "/points")
        assert told.texts["zh-hans"] == {
            "title": f"{ada.masked_name}转给您 120 积分",
            "body": "积分已到账，有效期不变。“生日快乐！”",
        }
        assert told.texts["en"]["title"] == f"{ada.masked_name} gave you 120 points"

    def test_counts_for_no_tier(self, ada: Member, bob: Member) -> None:
        give(ada, bob)

        assert figures(wallet_of(bob, "status")) == {}

    def test_knows_numbers_with_blanks(self, ada: Member, bob: Member) -> None:
        spaced = f" {bob.number[:3]} {bob.number[3:]} "
        request = TransferRequest(sender=ada.number, receiver=spaced, points=100, reference="t1")

        assert transfers.transfer(request=request, at=NOON).transfer.receiver == bob
        assert transfers.transfer(request=request, at=NOON).is_new is False

    def test_does_not_use_the_lots_that_expired(self, bob: Member, mallory: Member) -> None:
        post(credit(wallet_of(bob), 100, "in", expires_at=day(1)))

        with pytest.raises(InsufficientPoints):
            give(bob, mallory, at=day(1))

        give(bob, mallory, at=day(1) - MICROSECOND)
        assert lot_of(wallet_of(mallory), f"{bob.number}/t1").expires_at == day(1)


class TestAgain:
    def test_has_no_second_effect(self, ada: Member, bob: Member) -> None:
        first = give(ada, bob, message=" Hi ")

        again = give(ada, bob, message="Hi", at=day(1))

        assert (again.is_new, again.transfer) == (False, first.transfer)
        assert figures(wallet_of(bob)) == {"active": 100}

    def test_is_known_whatever_the_rules_and_statuses_are_by_now(
        self, ada: Member, bob: Member
    ) -> None:
        give(ada, bob)
        program(transfer={"enabled": False})
        Member.objects.update(status="closed")

        assert give(ada, bob).is_new is False

    @pytest.mark.parametrize("more", [{"points": 101}, {"message": "Hi"}])
    def test_with_other_content_is_refused(
        self, ada: Member, bob: Member, more: dict[str, Any]
    ) -> None:
        give(ada, bob)

        refused(ReferenceReused, lambda: give(ada, bob, **more))

    def test_to_somebody_else_is_refused(self, ada: Member, bob: Member, mallory: Member) -> None:
        give(ada, bob)

        refused(ReferenceReused, lambda: give(ada, mallory))

    def test_to_nobody_is_refused(self, ada: Member, bob: Member) -> None:
        give(ada, bob)
        request = TransferRequest(sender=ada.number, receiver="nobody", points=100, reference="t1")

        refused(ReferenceReused, lambda: transfers.transfer(request=request, at=NOON))

    def test_by_another_sender_is_a_transfer_of_its_own(self, ada: Member, bob: Member) -> None:
        give(ada, bob)

        assert give(bob, ada).is_new
        assert figures(wallet_of(ada)) == {"active": 1000, "earned": 1000}

    def test_knows_the_references_of_members_merged_into_the_sender(
        self, ada: Member, bob: Member, mallory: Member
    ) -> None:
        first = give(ada, mallory)
        merge(ada, bob)

        assert give(bob, mallory).transfer == first.transfer
        refused(ReferenceReused, lambda: give(bob, mallory, 101))


class TestAgainAfterAMerge:
    """What went over to the target of a merge is still known by the number that it was asked for with."""

    def test_of_the_receiver(self, ada: Member, bob: Member, mallory: Member) -> None:
        first = give(ada, mallory)
        merging.merge(source=mallory.number, into=bob.number, by="owner", at=NOON)

        again = give(ada, mallory)

        assert (again.is_new, again.transfer.pk) == (False, first.transfer.pk)
        assert give(ada, bob).is_new is False
        refused(MemberClosed, lambda: give(ada, mallory, reference="t2"))

    def test_of_the_sender(self, ada: Member, bob: Member, mallory: Member) -> None:
        first = give(ada, mallory)
        merging.merge(source=ada.number, into=bob.number, by="owner", at=NOON)

        assert give(bob, mallory).transfer.pk == first.transfer.pk

    def test_of_the_two(self, ada: Member, bob: Member) -> None:
        first = give(ada, bob)
        merging.merge(source=ada.number, into=bob.number, by="owner", at=NOON)

        assert give(ada, bob).transfer.pk == first.transfer.pk
        assert_clean()


class TestPreview:
    def look(self, sender: Member, receiver: Member, points: int = 100) -> transfers.Preview:
        request = TransferRequest(
            sender=sender.number, receiver=receiver.number, points=points, reference=""
        )
        return transfers.preview(request=request, at=NOON)

    def test_says_what_would_be_left_and_writes_nothing(self, ada: Member, bob: Member) -> None:
        allow(fee=5)
        before = books()

        seen = self.look(ada, bob)

        assert (seen.receiver, seen.points, seen.fee, seen.left) == (bob, 100, 5, 895)
        assert books() == before
        assert not Transfer.objects.exists()

    def test_refuses_as_the_transfer_would(self, ada: Member, bob: Member) -> None:
        allow(fee=5, min=10, per_day=998)
        with pytest.raises(TransferNotAllowed):
            self.look(ada, ada)
        with pytest.raises(TransferNotAllowed):
            self.look(ada, bob, 9)
        with pytest.raises(TransferLimit):
            self.look(ada, bob, 999)
        with pytest.raises(InsufficientPoints) as refusal:
            self.look(ada, bob, 996)
        assert refusal.value.data == {"needed": 1001, "available": 1000}
        assert self.look(ada, bob, 995).left == 0
        with pytest.raises(NotFound):
            self.look(ada, Member(number="nobody"))
        with pytest.raises(InvalidInput):
            self.look(ada, bob, 0)

    def test_refuses_one_who_owes(self, bob: Member, mallory: Member) -> None:
        wallet = wallet_of(bob)
        post(credit(wallet, 70, "in"))
        post(debit(wallet, 70, "out"))
        post(reversal(wallet, 70, "back", of="in"))

        with pytest.raises(InDebt):
            self.look(bob, mallory)


class TestRefusals:
    def test_to_oneself(self, ada: Member) -> None:
        refusal = refused(TransferNotAllowed, lambda: give(ada, ada))

        assert refusal.data == {"reason": "self"}

    def test_switched_off(self, ada: Member, bob: Member) -> None:
        allow(enabled=False)

        refusal = refused(TransferNotAllowed, lambda: give(ada, bob))

        assert refusal.data == {"reason": "disabled"}

    @pytest.mark.parametrize("side", ["from", "to"])
    @pytest.mark.parametrize(
        ("status", "refusal"), [("frozen", WalletFrozen), ("closed", MemberClosed)]
    )
    def test_one_side_frozen_or_closed(
        self, ada: Member, bob: Member, side: str, status: str, refusal: type[Exception]
    ) -> None:
        whose = ada if side == "from" else bob
        Member.objects.filter(pk=whose.pk).update(status=status)

        assert refused(refusal, lambda: give(ada, bob)).data == {"side": side}

    def test_under_the_minimum(self, ada: Member, bob: Member) -> None:
        allow(min=100)

        refusal = refused(TransferNotAllowed, lambda: give(ada, bob, 99))

        assert refusal.data == {"reason": "minimum", "minimum": 100}
        assert give(ada, bob, 100).is_new

    def test_over_the_limit_of_one_time(self, ada: Member, bob: Member) -> None:
        allow(per_transfer=100)

        refusal = refused(TransferLimit, lambda: give(ada, bob, 101))

        assert refusal.data == {"limit": 100, "used": None}
        assert give(ada, bob, 100).is_new

    def test_over_the_limit_of_the_day(self, ada: Member, bob: Member, mallory: Member) -> None:
        allow(per_day=250, fee=1)
        give(ada, bob, 100)
        give(ada, mallory, 100, reference="t2")

        refusal = refused(TransferLimit, lambda: give(ada, bob, 51, reference="t3"))

        assert refusal.data == {"limit": 250, "used": 200}
        assert give(ada, bob, 50, reference="t3").is_new

    def test_the_day_is_the_programs(self, ada: Member, bob: Member) -> None:
        allow(per_day=100)
        give(ada, bob, 40, reference="before", at=MIDNIGHT - MICROSECOND)
        give(ada, bob, 100, reference="first", at=MIDNIGHT)

        refused(
            TransferLimit,
            lambda: give(ada, bob, 1, reference="last", at=NEXT_MIDNIGHT - MICROSECOND),
        )
        assert give(ada, bob, 100, reference="next", at=NEXT_MIDNIGHT).is_new

    def test_the_limit_of_the_day_is_each_senders(
        self, ada: Member, bob: Member, mallory: Member
    ) -> None:
        allow(per_day=100)
        give(ada, bob, 100)

        assert give(bob, mallory, 100).is_new

    def test_what_a_merged_member_gave_counts(
        self, ada: Member, bob: Member, mallory: Member
    ) -> None:
        allow(per_day=150)
        give(ada, mallory, 100)
        merge(ada, bob)

        refusal = refused(TransferLimit, lambda: give(bob, mallory, 51, reference="t2"))

        assert refusal.data == {"limit": 150, "used": 100}

    def test_a_sender_who_owes(self, bob: Member, mallory: Member) -> None:
        wallet = wallet_of(bob)
        post(credit(wallet, 70, "in"))
        post(debit(wallet, 70, "out"))
        post(reversal(wallet, 70, "back", of="in"))

        assert refused(InDebt, lambda: give(bob, mallory)).data == {"debt": 70}

    def test_more_than_there_is_with_the_fee(self, ada: Member, bob: Member) -> None:
        allow(fee=10)

        refusal = refused(InsufficientPoints, lambda: give(ada, bob, 991))

        assert refusal.data == {"needed": 1001, "available": 1000}
        give(ada, bob, 990)
        assert figures(wallet_of(ada)) == {"earned": 1000}

    def test_more_than_the_receiver_can_count(self, ada: Member, bob: Member) -> None:
        post(credit(wallet_of(bob), MAX_POINTS, "in"))

        assert refused(InvalidInput, lambda: give(ada, bob)).code == "out_of_range"

    @pytest.mark.parametrize(("side", "pointer"), [("sender", "/from"), ("receiver", "/to")])
    def test_unknown_members(self, ada: Member, side: str, pointer: str) -> None:
        said = {"sender": ada.number, "receiver": ada.number, side: "nobody"}
        request = TransferRequest(**said, points=1, reference="t1")

        refusal = refused(NotFound, lambda: transfers.transfer(request=request, at=NOON))

        assert refusal.pointer == pointer

    @pytest.mark.parametrize(
        ("more", "pointer"),
        [
            ({"points": 0}, "/points"),
            ({"points": -1}, "/points"),
            ({"points": True}, "/points"),
            ({"points": 1.0}, "/points"),
            ({"points": "1"}, "/points"),
            ({"points": MAX_POINTS + 1}, "/points"),
            ({"reference": " "}, "/reference"),
            ({"reference": "x" * 101}, "/reference"),
            ({"message": "x" * 201}, "/message"),
            ({"message": None}, "/message"),
        ],
    )
    def test_what_cannot_be_meant(
        self, ada: Member, bob: Member, more: dict[str, Any], pointer: str
    ) -> None:
        assert refused(InvalidInput, lambda: give(ada, bob, **more)).pointer == pointer

    def test_are_tested_in_their_order(self, ada: Member, bob: Member) -> None:
        """Each refusal gives way to the next as its reason is taken away."""
        allow(enabled=False, min=200, per_transfer=150, per_day=120)
        Member.objects.filter(pk=ada.pk).update(status="frozen")
        Member.objects.filter(pk=bob.pk).update(status="closed")
        seen = [refused(TransferNotAllowed, lambda: give(ada, ada)).data["reason"]]
        seen.append(refused(TransferNotAllowed, lambda: give(ada, bob, 160)).data["reason"])
        allow(min=200, per_transfer=150, per_day=120)
        refused(MemberClosed, lambda: give(ada, bob, 160))
        Member.objects.filter(pk=bob.pk).update(status="active")
        refused(WalletFrozen, lambda: give(ada, bob, 160))
        Member.objects.filter(pk=ada.pk).update(status="active")
        seen.append(refused(TransferNotAllowed, lambda: give(ada, bob, 160)).data["reason"])
        allow(per_transfer=150, per_day=120)
        seen.append(refused(TransferLimit, lambda: give(ada, bob, 160)).data["limit"])
        seen.append(refused(TransferLimit, lambda: give(ada, bob, 150)).data["limit"])

        assert seen == ["self", "disabled", "minimum", 150, 120]
