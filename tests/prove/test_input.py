"""Nonsense is refused with a code, in code and again by the database, and nothing is written."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from loyalty import adjustments, awarding, buy_backs, donations, holds, ledger, spending, transfers
from loyalty.adjustments import AdjustmentFacts
from loyalty.awarding import Award
from loyalty.buy_backs import BuyBackRequest
from loyalty.donations import DonationRequest
from loyalty.errors import InsufficientPoints, TransferLimit, TransferNotAllowed
from loyalty.holds import HoldRequest
from loyalty.ledger import MAX_POINTS, Capture, Forfeit, Posting, Release, Reserve
from loyalty.models import Hold
from loyalty.transfers import TransferRequest
from members.errors import InvalidInput, MemberClosed, NotFound, Refusal
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    books,
    credit,
    day,
    debit,
    gift,
    give_back,
    hold,
    post,
    program,
    reversal,
    wallet_of,
)

NAIVE = datetime(2026, 11, 21, 12)  # no zone: nobody knows which moment is meant
NO_POINTS = [0, -1, 1.5, 1.0, True, "5", None, Decimal(5), MAX_POINTS + 1]
TRANSFERS = {"enabled": True, "min": 5, "per_transfer": 50, "per_day": 60, "fee": 0}


@pytest.fixture
def postings(ada: Member, bob: Member) -> dict[str, Posting]:
    """One sound posting of every kind that Ada's 1,000 points allow."""
    wallet, other = wallet_of(ada), wallet_of(bob)
    post(credit(wallet, 100, "in"), debit(wallet, 100, "out"))
    kept = hold(wallet, 50, until=day(1)).pk
    words: dict[str, Any] = {
        **{name: getattr(debit(wallet, 5, "new"), name) for name in _NAMES},
        "kind": "redeem",
    }
    return {
        "credit": credit(wallet, 5, "new", expires_at=day(9)),
        "debit": debit(wallet, 5, "new"),
        "reversal": reversal(wallet, 5, "new", of="in"),
        "return": give_back(wallet, 5, "new", of="out", grace_until=day(3)),
        "gift": gift(wallet, other, 5, "new"),
        "reserve": Reserve(**words, hold=kept, until=day(1)),
        "capture": Capture(**words, hold=kept),
        "release": Release(**words, hold=kept),
        "forfeit": Forfeit(**words),
    }


_NAMES = [each.name for each in fields(Posting)]
KINDS = [
    "credit",
    "debit",
    "reversal",
    "return",
    "gift",
    "reserve",
    "capture",
    "release",
    "forfeit",
]


def nothing_written(work: Callable[[], Any]) -> Any:
    """The refusal that work meets; the books are as before."""
    before = books()
    with pytest.raises(Exception) as refused, transaction.atomic():  # noqa: PT011 - looked at by the caller
        work()
    assert books() == before
    return refused.value


class TestPost:
    @pytest.mark.parametrize("kind", KINDS)
    def test_refuses_what_are_no_points(self, postings: dict[str, Posting], kind: str) -> None:
        for points in NO_POINTS:
            wrong: Any = {"points": points}
            refusal = nothing_written(lambda: post(replace(postings[kind], **wrong)))  # noqa: B023

            assert isinstance(refusal, InvalidInput)
            wanted = "out_of_range" if points == MAX_POINTS + 1 else "invalid"
            assert (refusal.pointer, refusal.code) == ("/points", wanted)

    @pytest.mark.parametrize(
        ("kind", "name"),
        [
            *((kind, "at") for kind in KINDS),
            ("credit", "active_from"),
            ("credit", "expires_at"),
            ("return", "grace_until"),
            ("reserve", "until"),
        ],
    )
    def test_refuses_naive_times(self, postings: dict[str, Posting], kind: str, name: str) -> None:
        naive: dict[str, Any] = {name: NAIVE}
        refusal = nothing_written(lambda: post(replace(postings[kind], **naive)))

        assert isinstance(refusal, InvalidInput)
        assert refusal.pointer == f"/{name}"

    def test_refuses_one_bad_posting_with_all_the_good_ones(
        self, postings: dict[str, Posting]
    ) -> None:
        bad = replace(postings["debit"], points=0)

        refusal = nothing_written(lambda: post(postings["credit"], bad))

        assert isinstance(refusal, InvalidInput)

    def test_refuses_sums_past_what_can_be_counted(self, ada: Member, bob: Member) -> None:
        wallet = wallet_of(ada)  # 1,000 points
        refusal = nothing_written(lambda: post(credit(wallet, MAX_POINTS - 999, "much")))

        assert isinstance(refusal, InvalidInput)
        assert refusal.code == "out_of_range"
        assert post(credit(wallet, MAX_POINTS - 1000, "just enough"))[0].is_new

    @pytest.mark.parametrize("kind", ["credit", "debit", "gift"])
    def test_knows_no_wallet_that_is_not_there(
        self, postings: dict[str, Posting], kind: str
    ) -> None:
        refusal = nothing_written(lambda: post(replace(postings[kind], wallet=-1)))

        assert isinstance(refusal, KeyError)

    def test_knows_no_point_type_that_is_not_there(self, ada: Member) -> None:
        with transaction.atomic():
            held = ledger.lock(members=[ada.pk], at=NOON, types=["miles"])
            assert held.wallets == {}
            with pytest.raises(KeyError):
                held.of(ada.pk, "miles")

    @pytest.mark.parametrize("points", [0, -5, MAX_POINTS + 1, "'0.5'", "NULL", "'5 points'"])
    def test_the_database_refuses_such_lots_as_well(self, ada: Member, points: Any) -> None:
        before = books()
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO loyalty_lot (wallet_id, entry_id, points, remaining, lapsed, forgiven, is_pending,"
                f" active_from) SELECT wallet_id, entry_id, {points}, {points}, 0, 0, false, active_from"
                " FROM loyalty_lot LIMIT 1"
            )
        assert books() == before


def verbs(number: str, other: str, points: Any) -> dict[str, Callable[[], Any]]:
    """Every verb that takes a member number and points."""
    words: dict[str, Any] = {"member": number, "points": points, "reference": "new"}
    facts = AdjustmentFacts(**words, reason="other")
    gift_of = TransferRequest(sender=number, receiver=other, points=points, reference="new")
    return {
        "adjust": lambda: adjustments.adjust(facts=facts, requested_by="eve", at=NOON),
        "hold": lambda: holds.hold(request=HoldRequest(**words), at=NOON),
        "donate": lambda: donations.donate(
            request=DonationRequest(**words, project="trees"), at=NOON
        ),
        "buy_back": lambda: buy_backs.buy_back(request=BuyBackRequest(**words), at=NOON),
        "transfer": lambda: transfers.transfer(request=gift_of, at=NOON),
    }


VERBS = ["adjust", "hold", "donate", "buy_back", "transfer"]


@pytest.mark.parametrize("verb", VERBS)
class TestVerbs:
    @pytest.fixture(autouse=True)
    def _transfers(self, db: None) -> None:
        program(transfer=TRANSFERS)

    def test_refuse_what_are_no_points(self, ada: Member, bob: Member, verb: str) -> None:
        for points in [0, 1.5, True, "5", None, MAX_POINTS + 1]:
            refusal = nothing_written(verbs(ada.number, bob.number, points)[verb])

            assert isinstance(refusal, InvalidInput)
            assert refusal.pointer == "/points"
        assert Hold.objects.count() == 0

    def test_refuse_members_that_are_not_there(self, bob: Member, verb: str) -> None:
        refusal = nothing_written(verbs("000000000000", bob.number, 10)[verb])

        assert isinstance(refusal, NotFound)

    def test_refuse_closed_members(self, ada: Member, bob: Member, verb: str) -> None:
        Member.objects.filter(pk=ada.pk).update(status=Member.Status.CLOSED)

        refusal = nothing_written(verbs(ada.number, bob.number, 10)[verb])

        assert isinstance(refusal, MemberClosed)

    def test_refuse_more_than_there_is(self, ada: Member, bob: Member, verb: str) -> None:
        program(transfer={**TRANSFERS, "per_transfer": None, "per_day": None})
        points = -1001 if verb == "adjust" else 1001

        refusal = nothing_written(verbs(ada.number, bob.number, points)[verb])

        assert isinstance(refusal, InsufficientPoints)
        assert refusal.data == {"needed": 1001, "available": 1000}


class TestMoments:
    def test_an_adjustment_cannot_have_expired_before_it_is_made(self, ada: Member) -> None:
        facts = AdjustmentFacts(
            member=ada.number, points=5, reason="other", reference="new", expires_at=NOON
        )
        refusal = nothing_written(
            lambda: adjustments.adjust(facts=facts, requested_by="eve", at=NOON)
        )

        assert isinstance(refusal, InvalidInput)
        assert (refusal.pointer, refusal.code) == ("/expires_at", "in_the_past")

    def test_an_award_cannot_expire_before_it_is_active(self, ada: Member) -> None:
        each = Award(
            member=ada.pk,
            points=5,
            reference="new",
            at=NOON,
            active_from=day(2),
            expires_at=day(1),
        )
        refusal = nothing_written(lambda: awarding.award_all(awards=[each], at=NOON))

        assert isinstance(refusal, InvalidInput)
        assert refusal.pointer == "/expires_at"

    @pytest.mark.parametrize("seconds", [0, -1, 1.5, True, "60", None])
    def test_a_hold_lasts_a_whole_number_of_seconds(self, ada: Member, seconds: Any) -> None:
        request = HoldRequest(member=ada.number, points=5, reference="new", expires_in=seconds)
        refusal = nothing_written(lambda: holds.hold(request=request, at=NOON))

        assert isinstance(refusal, InvalidInput)
        assert refusal.pointer == "/expires_in"

    def test_a_spend_has_a_moment_with_its_zone(self, ada: Member) -> None:
        words: dict[str, Any] = {"reference": "new", "details": {}, "explanation": []}

        refusal = nothing_written(lambda: spending.spend(member=ada, points=5, at=NAIVE, **words))

        assert isinstance(refusal, InvalidInput)


class TestLimitsOfTransfers:
    @pytest.mark.parametrize(
        ("points", "refusal", "data"),
        [
            (4, TransferNotAllowed, {"reason": "minimum", "minimum": 5}),
            (51, TransferLimit, {"limit": 50, "used": None}),
        ],
    )
    def test_are_kept(
        self,
        ada: Member,
        bob: Member,
        points: int,
        refusal: type[Refusal],
        data: dict[str, Any],
    ) -> None:
        program(transfer=TRANSFERS)

        refused = nothing_written(verbs(ada.number, bob.number, points)["transfer"])

        assert isinstance(refused, refusal)
        assert refused.data == data
