from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from loyalty import adjustments, awarding, holds, merging, ordering, queries, refunds, spending
from loyalty.adjustments import AdjustmentFacts
from loyalty.errors import WalletFrozen
from loyalty.holds import HoldRequest
from loyalty.models import Adjustment, BuyBack, Donation, Entry, Order, Transfer, Wallet
from loyalty.refunds import RefundFacts
from members import enrolment, lifecycle, logins
from members.errors import InvalidInput, MemberClosed, NotFound
from members.models import Member, StatusChange, User
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
    order,
    post,
    program,
    reversal,
    wallet_of,
)
from tests.portal import sign_in


def merge(source: Member, into: Member, at: Any = NOON) -> Member:
    return merging.merge(source=source.number, into=into.number, by="owner", at=at)


def fresh(member: Member) -> Member:
    return Member.objects.get(pk=member.pk)


def adjust(member: Member, points: int, reference: str = "a1") -> Adjustment:
    said = AdjustmentFacts(
        member=member.number, points=points, reason="goodwill", reference=reference
    )
    return adjustments.adjust(facts=said, requested_by="owner", at=NOON).adjustment


class TestMerge:
    def test_moves_lots_with_their_dates_and_closes_the_source(
        self, ada: Member, bob: Member
    ) -> None:
        post(credit(wallet_of(ada), 30, "soon", expires_at=day(3)))
        post(credit(wallet_of(ada), 20, "later", active_from=day(1), expires_at=day(9)))
        post(credit(wallet_of(bob), 5, "own", expires_at=day(2)))

        target = merge(ada, bob)

        assert (target.pk, target.status) == (bob.pk, "active")
        source = fresh(ada)
        assert (source.status, source.merged_into) == ("closed", bob)
        assert figures(wallet_of(ada)) == {}
        assert figures(wallet_of(bob)) == {"active": 1035, "pending": 20, "earned": 1055}
        assert open_lots(wallet_of(bob)) == {"welcome": 1000, "soon": 30, "later": 20, "own": 5}
        assert lot_of(wallet_of(bob), "soon").expires_at == day(3)
        assert_clean()

    def test_leaves_both_histories_readable(self, ada: Member, bob: Member) -> None:
        post(credit(wallet_of(bob), 5, "own"))

        merge(ada, bob)

        assert entries(wallet_of(ada)) == [("earn", 1000, 1000), ("merge", -1000, 0)]
        assert entries(wallet_of(bob)) == [("earn", 5, 5), ("merge", 1000, 1005)]

    def test_nets_debts(self, ada: Member, bob: Member) -> None:
        wallet = wallet_of(bob)
        post(
            credit(wallet, 30, "in"), debit(wallet, 30, "out"), reversal(wallet, 30, "r", of="in")
        )

        merge(bob, ada)

        assert figures(wallet_of(ada)) == {"active": 970, "earned": 1000, "spent": 30}
        assert_clean()

    def test_notes_the_steps(self, ada: Member, bob: Member) -> None:
        merge(ada, bob)

        step = StatusChange.objects.get()
        assert (step.member, step.before, step.after, step.reason, step.by, step.at) == (
            ada,
            "active",
            "closed",
            "merged",
            "owner",
            NOON,
        )

    def test_again_changes_nothing(self, ada: Member, bob: Member) -> None:
        merge(ada, bob)
        before = books()

        assert merge(ada, bob, at=day(1)).pk == bob.pk

        assert books() == before
        assert StatusChange.objects.count() == 1

    def test_into_itself_is_refused(self, ada: Member) -> None:
        with pytest.raises(InvalidInput) as problem:
            merge(ada, ada)

        assert (problem.value.pointer, problem.value.code) == ("/into", "same_member")

    def test_into_nobody_is_not_found(self, ada: Member) -> None:
        with pytest.raises(NotFound) as problem:
            merging.merge(source=ada.number, into="1", by="owner", at=NOON)

        assert problem.value.pointer == "/into"

    @pytest.mark.parametrize("is_source", [True, False])
    def test_a_closed_member_takes_no_part(
        self, ada: Member, bob: Member, is_source: bool
    ) -> None:
        Member.objects.filter(pk=bob.pk).update(status="closed")
        before = books()

        with pytest.raises(MemberClosed):
            merge(*((bob, ada) if is_source else (ada, bob)))

        assert (books(), fresh(ada).status) == (before, "active")

    def test_a_merged_member_goes_nowhere_else(
        self, ada: Member, bob: Member, mallory: Member
    ) -> None:
        merge(ada, bob)

        with pytest.raises(MemberClosed):
            merge(ada, mallory)

    def test_chains_are_flat(self, ada: Member, bob: Member, mallory: Member) -> None:
        merge(ada, bob)
        merge(bob, mallory)

        assert fresh(ada).merged_into == mallory
        assert fresh(bob).merged_into == mallory
        assert merge(ada, mallory).pk == mallory.pk
        assert figures(wallet_of(mallory)) == {"active": 1000, "earned": 1000}
        assert entries(wallet_of(bob)) == [("merge", 1000, 1000), ("merge", -1000, 0)]
        assert_clean()

    def test_takes_status_points_along(self, ada: Member, bob: Member) -> None:
        post(credit(wallet_of(ada, "status"), 70, "s", expires_at=day(30)))

        merge(ada, bob)

        assert figures(wallet_of(bob, "status")) == {"active": 70, "earned": 70}

    @pytest.mark.parametrize("is_source", [True, False])
    def test_is_frozen_if_either_was(self, ada: Member, bob: Member, is_source: bool) -> None:
        frozen = ada if is_source else bob
        lifecycle.freeze(member=frozen, reason="checked", by="owner", at=NOON)

        target = merge(ada, bob)

        assert (target.status, fresh(ada).status) == ("frozen", "closed")
        reasons = StatusChange.objects.filter(member=bob).values_list("after", "reason")
        assert list(reasons) == [("frozen", "merged" if is_source else "checked")]
        with pytest.raises(WalletFrozen):
            spending.spend(
                member=bob, points=1, reference="R", details={}, explanation=[], at=NOON
            )


class TestProfile:
    @pytest.fixture
    def cleo(self, db: None) -> Member:
        newcomer = enrolment.Newcomer(
            phone="+8613800000009",
            name="Cleo",
            email="cleo@example.com",
            birthday=date(1990, 5, 1),
            external_id="crm-9",
        )
        return enrolment.enrol(newcomer=newcomer, at=NOON)

    @pytest.fixture
    def bare(self, db: None) -> Member:
        return enrolment.enrol(
            newcomer=enrolment.Newcomer(phone=None, external_id="bare"), at=NOON
        )

    def test_gaps_of_the_target_are_filled(self, cleo: Member, bare: Member) -> None:
        target = merge(cleo, bare)

        assert (target.phone, target.name, target.email, target.birthday, target.external_id) == (
            "+8613800000009",
            "Cleo",
            "cleo@example.com",
            date(1990, 5, 1),
            "bare",
        )
        source = fresh(cleo)
        assert [getattr(source, name) for name in lifecycle.PERSONAL] == list(
            lifecycle.PERSONAL.values()
        )

    def test_what_the_target_has_stays(self, cleo: Member, bob: Member) -> None:
        target = merge(cleo, bob)

        assert (target.phone, target.name, target.external_id) == (
            "+8613800000002",
            "Bob",
            "crm-9",
        )

    def test_the_login_goes_along_when_the_target_has_none(
        self, cleo: Member, bare: Member
    ) -> None:
        client = sign_in(Client(), cleo)

        target = merge(cleo, bare)

        assert client.get("/me").status_code == 200
        assert target.user is not None
        assert logins.of_phone(phone="+8613800000009") == target.user

    def test_the_login_is_switched_off_when_the_target_has_one(
        self, cleo: Member, bob: Member
    ) -> None:
        client = sign_in(Client(), cleo)
        kept = sign_in(Client(), bob)

        merge(cleo, bob)

        assert client.get("/me").status_code == 302
        assert kept.get("/me").status_code == 200
        assert not User.objects.get(username=cleo.number).is_active

    def test_who_was_brought_in_belongs_to_the_target(
        self, cleo: Member, bob: Member, mallory: Member
    ) -> None:
        Member.objects.filter(pk__in=[bob.pk, mallory.pk]).update(referrer=cleo)

        merge(cleo, bob)

        assert fresh(mallory).referrer == bob
        assert fresh(bob).referrer is None

    def test_the_sources_referral_code_brings_people_to_the_target(
        self, cleo: Member, bob: Member
    ) -> None:
        merge(cleo, bob)

        newcomer = enrolment.Newcomer(phone="+8613800000077", referral_code=cleo.referral_code)
        assert enrolment.enrol(newcomer=newcomer, at=NOON).referrer == bob

    def test_the_target_was_brought_in_by_who_brought_the_source(
        self, cleo: Member, bob: Member, mallory: Member
    ) -> None:
        Member.objects.filter(pk=cleo.pk).update(referrer=mallory)
        Member.objects.filter(pk=bob.pk).update(referrer=cleo)

        merge(cleo, bob)

        assert fresh(bob).referrer == mallory

    def test_nobody_is_brought_in_by_whom_they_brought_in(
        self, cleo: Member, bob: Member, mallory: Member
    ) -> None:
        # Cleo brought in Bob, who brought in Mallory: as one person Cleo and Mallory would go round in a circle.
        Member.objects.filter(pk=bob.pk).update(referrer=cleo)
        Member.objects.filter(pk=mallory.pk).update(referrer=bob)

        merge(cleo, mallory)

        assert fresh(bob).referrer == mallory
        assert fresh(mallory).referrer is None


class TestAfterwards:
    def test_a_refund_of_the_sources_order_takes_from_the_target(
        self, ada: Member, bob: Member
    ) -> None:
        ordering.place(order=order("1", "64.00", member=ada), at=NOON)
        merge(ada, bob)

        back = RefundFacts(reference="r1", at=NOON, amount=Decimal("64.00"))
        done = refunds.refund(source="default", number="1", facts=back, now=NOON)

        assert Order.objects.get().member == bob
        assert (done.refund.points_reversed, done.refund.status_points_reversed) == (64, 64)
        assert figures(wallet_of(bob)) == {"active": 1000, "earned": 1000}
        assert figures(wallet_of(bob, "status")) == {}
        assert_clean()

    def test_the_sources_order_again_has_no_second_effect(self, ada: Member, bob: Member) -> None:
        bought = order("1", "64.00", member=ada)
        ordering.place(order=bought, at=NOON)
        merge(ada, bob)

        again = ordering.place(order=bought, at=NOON)

        assert not again.is_new
        assert figures(wallet_of(bob)) == {"active": 1064, "earned": 1064}

    def test_a_return_of_the_sources_spend_goes_to_the_target(
        self, ada: Member, bob: Member
    ) -> None:
        spending.spend(
            member=ada,
            points=400,
            reference="R1",
            details={"reward": "Mug"},
            explanation=[{"rule": "mug", "kind": "reward", "points": -400}],
            at=NOON,
        )
        merge(ada, bob)

        spending.give_back(member=bob, reference="R1", return_reference="R1", details={}, at=NOON)

        assert figures(wallet_of(bob)) == {"active": 1000, "earned": 1000}
        assert_clean()

    def test_a_hold_of_the_source_is_captured_from_the_target(
        self, ada: Member, bob: Member
    ) -> None:
        awarding.award(member=bob, points=300, reference="w", details={}, at=NOON)
        kept, mine = (
            holds.hold(
                request=HoldRequest(member=member.number, points=300, reference="h"), at=NOON
            ).hold
            for member in (ada, bob)
        )
        merge(ada, bob)
        assert figures(wallet_of(bob)) == {"active": 700, "reserved": 600, "earned": 1300}

        done = holds.capture(hold=kept.pk, points=200, order=None, at=NOON)
        holds.release(hold=mine.pk, at=NOON)

        assert (done.state, done.captured_points) == ("captured", 200)
        assert figures(wallet_of(bob)) == {"active": 1100, "earned": 1300, "spent": 200}
        assert_clean()

    def test_an_award_of_the_source_counts_as_one_of_the_target(
        self, ada: Member, bob: Member
    ) -> None:
        merge(ada, bob)

        again = awarding.award(member=bob, points=1000, reference="welcome", details={}, at=NOON)

        assert not again.is_new
        assert figures(wallet_of(bob)) == {"active": 1000, "earned": 1000}

    def test_the_source_gets_nothing_any_more(self, ada: Member, bob: Member) -> None:
        merge(ada, bob)
        before = books()

        with pytest.raises(MemberClosed):
            awarding.award(member=ada, points=5, reference="new", details={}, at=NOON)
        with pytest.raises(MemberClosed):
            post(credit(wallet_of(ada, "status"), 5, "new"))

        assert books() == before
        assert Wallet.objects.filter(member=ada, is_closed=True).count() == 2


class TestReferences:
    def test_an_adjustment_of_the_source_is_the_targets(self, ada: Member, bob: Member) -> None:
        made = adjust(ada, 50)
        merge(ada, bob)

        assert adjust(bob, 50) == made
        assert figures(wallet_of(bob))["active"] == 1050

    def test_one_that_both_have_used_gets_the_sources_number_behind_it(
        self, ada: Member, bob: Member
    ) -> None:
        moved, kept = adjust(ada, 50), adjust(bob, 7)

        merge(ada, bob)

        rows = Adjustment.objects.filter(member=bob).values_list("pk", "reference")
        assert dict(rows) == {moved.pk: f"a1/{ada.number}", kept.pk: "a1"}
        assert adjust(bob, 7) == kept

    def test_names_that_look_like_it_are_no_hindrance(self, ada: Member, bob: Member) -> None:
        for member in (ada, bob):
            adjust(member, 50, "a1")
            adjust(member, 50, f"a1/{ada.number}")

        merge(ada, bob)

        assert Adjustment.objects.filter(member=bob).count() == 4

    @pytest.mark.parametrize("is_source", [True, False])
    def test_one_that_waits_is_posted_to_the_target_under_a_free_reference(
        self, ada: Member, bob: Member, is_source: bool
    ) -> None:
        waiting, other = (ada, bob) if is_source else (bob, ada)
        adjust(other, 7)
        program(approval_threshold=40)
        made = adjust(waiting, 50)
        merge(ada, bob)

        adjustments.approve(adjustment=made.pk, by="manager", at=NOON)

        assert figures(wallet_of(bob)) == {"active": 1057, "earned": 1000}
        assert_clean()

    def test_gifts_donations_and_buy_backs_go_along(
        self, ada: Member, bob: Member, mallory: Member
    ) -> None:
        words: dict[str, Any] = {"points": 5, "reference": "x", "at": NOON}
        Transfer.objects.create(sender=ada, receiver=mallory, **words)
        Transfer.objects.create(sender=mallory, receiver=ada, **words)
        between = Transfer.objects.create(sender=ada, receiver=bob, **{**words, "reference": "y"})
        for member in (ada, bob):
            Donation.objects.create(member=member, project="trees", **words)
            BuyBack.objects.create(member=member, value="0.05", **words)

        merge(ada, bob)

        pairs = Transfer.objects.order_by("id").values_list("sender", "receiver", "reference")
        assert list(pairs) == [
            (bob.pk, mallory.pk, "x"),
            (mallory.pk, bob.pk, "x"),
            (between.sender_id, between.receiver_id, "y"),
        ]
        for model in (Donation, BuyBack):
            names = model.objects.filter(member=bob).order_by("id")
            assert [row.reference for row in names] == [f"x/{ada.number}", "x"]

    def test_entries_are_found_by_the_target(self, ada: Member, bob: Member) -> None:
        merge(ada, bob)

        found = queries.entry_of(wallet=wallet_of(bob), kind="earn", reference="welcome")

        assert found == Entry.objects.get(wallet=wallet_of(ada), kind="earn")
        with pytest.raises(NotFound):
            queries.entry_of(wallet=wallet_of(ada), kind="earn", reference="nothing")
