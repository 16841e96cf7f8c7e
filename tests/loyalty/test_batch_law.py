"""A batch gives exactly what the same postings give one by one in the same order."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st

from loyalty import ledger, queries
from loyalty.errors import InDebt, InsufficientPoints
from loyalty.ledger import Posting
from loyalty.models import Lot, Wallet
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    FIGURES,
    assert_clean,
    books,
    credit,
    day,
    debit,
    examples,
    give_back,
    post,
    reversal,
    sandbox,
    wallet_of,
)

Plan = list[tuple[Any, ...]]

POINTS = st.integers(1, 60)
SPANS = st.sampled_from([None, 1, 2, 3, 5, 8])
WALLETS = st.integers(0, 2)
PICKS = st.integers(0, 9)
STEPS = st.one_of(
    st.tuples(st.just("credit"), WALLETS, POINTS, st.integers(-6, 4), SPANS, st.booleans()),
    st.tuples(st.just("debit"), WALLETS, POINTS),
    st.tuples(st.just("reverse"), PICKS, POINTS, st.booleans()),
    st.tuples(st.just("give_back"), PICKS, st.sampled_from([None, 2])),
    st.tuples(st.just("again"), PICKS),
)
PLANS = st.lists(STEPS, min_size=1, max_size=14)


class _Writer:
    """Turns a plan into postings, leaving out what could not be meant: refunds of nothing and the like."""

    def __init__(self, wallets: list[int]) -> None:
        self.wallets = wallets
        self.prefix = ""
        self.now = NOON
        self.postings: list[Posting] = []
        self.earned: list[tuple[int, str]] = []
        self.left: dict[tuple[int, str], int] = {}
        self.redeemed: list[tuple[int, str, int]] = []

    def later(self, accepted: list[Posting], now: datetime) -> "_Writer":
        """A writer of more postings, some of which refer to what was accepted before."""
        done = {(each.wallet, each.reference) for each in accepted}
        writer = _Writer(self.wallets)
        writer.prefix, writer.now = "later-", now
        writer.postings = list(accepted)
        writer.earned, writer.left = list(self.earned), dict(self.left)
        writer.redeemed = [each for each in self.redeemed if each[:2] in done]
        return writer

    def write(self, plan: Plan) -> list[Posting]:
        written = []
        for number, step in enumerate(plan):
            made = getattr(self, step[0])(f"{self.prefix}{number}", *step[1:])
            if made is not None:
                self.postings.append(made)
                written.append(made)
        return written

    def credit(
        self, name: str, wallet: int, points: int, starts: int, span: int | None, is_earn: bool
    ) -> Posting:
        pk = self.wallets[wallet]
        if is_earn:
            self.earned.append((pk, name))
            self.left[pk, name] = points
        start = self.now + timedelta(days=starts)
        return credit(
            pk,
            points,
            name,
            kind="earn" if is_earn else "adjust",
            active_from=start,
            expires_at=None if span is None else start + timedelta(days=span),
            at=start,
        )

    def debit(self, name: str, wallet: int, points: int) -> Posting:
        self.redeemed.append((self.wallets[wallet], name, points))
        return debit(self.wallets[wallet], points, name, at=self.now)

    def reverse(self, name: str, pick: int, points: int, clamp: bool) -> Posting | None:
        if not self.earned:
            return None
        key = self.earned[pick % len(self.earned)]
        taken = min(points, self.left[key])
        self.left[key] -= taken
        if not taken:
            return None
        return reversal(key[0], taken, name, of=key[1], clamp=clamp, at=self.now)

    def give_back(self, name: str, pick: int, grace: int | None) -> Posting | None:
        if not self.redeemed:
            return None
        wallet, of, points = self.redeemed.pop(pick % len(self.redeemed))
        until = None if grace is None else self.now + timedelta(days=grace)
        return give_back(wallet, points, name, of=of, grace_until=until, at=self.now)

    def again(self, _name: str, pick: int) -> Posting | None:
        return self.postings[pick % len(self.postings)] if self.postings else None


def _without_refusals(postings: list[Posting], at: datetime) -> list[Posting]:
    """The postings that are accepted one by one; what hangs on a refused one is left out with it."""
    accepted: list[Posting] = []
    refused: set[tuple[int, str]] = set()
    # A reversal that took nothing leaves no entry, so the ledger cannot know it again: refunds remember it.
    traceless: list[Posting] = []
    for posting in postings:
        if (posting.wallet, getattr(posting, "of", posting.reference)) in refused:
            continue
        if posting in traceless:
            continue
        try:
            answer = post(posting, at=at)[0]
        except (InDebt, InsufficientPoints):
            refused.add((posting.wallet, posting.reference))
        else:
            accepted.append(posting)
            if not answer.points:
                traceless.append(posting)
    return accepted


@pytest.fixture
def wallets(ada: Member, bob: Member, mallory: Member) -> list[int]:
    return [wallet_of(each) for each in (ada, bob, mallory)]


def _outcome(work: Callable[[], Any]) -> dict[str, Any]:
    with sandbox():
        work()
        assert_clean()
        return books()


class TestPost:
    @given(before=PLANS, plan=PLANS, pause=st.integers(0, 9))
    @examples(20)
    def test_gives_for_a_batch_what_the_postings_give_one_by_one(
        self, wallets: list[int], before: Plan, plan: Plan, pause: int
    ) -> None:
        with sandbox():
            writer = _Writer(wallets)
            accepted = _without_refusals(writer.write(before), NOON)
            now = day(pause)
            with sandbox():
                postings = _without_refusals(writer.later(accepted, now).write(plan), now)
            together = _outcome(lambda: post(*postings, at=now))
            one_by_one = _outcome(lambda: [post(each, at=now) for each in postings])
            assert together == one_by_one


class TestFiguresOf:
    @given(plan=PLANS, moment=st.floats(-1, 15))
    @examples(20)
    def test_says_what_a_settlement_at_that_moment_leaves(
        self, wallets: list[int], plan: Plan, moment: float
    ) -> None:
        at = day(moment)
        with sandbox():
            _without_refusals(_Writer(wallets).write(plan), NOON)
            members = list(Member.objects.filter(name__in=["Ada", "Bob", "Mallory"]))
            said = queries.figures_of(members=members, at=max(at, NOON))
            lots = {each.pk: queries.lots_of(member=each, at=max(at, NOON)) for each in members}
            with transaction.atomic():
                ledger.lock(members=[each.pk for each in members], at=max(at, NOON))
            assert_clean()
            for member in members:
                wallet = Wallet.objects.get(member=member, point_type__code="points")
                figures = said[member.pk]
                assert {name: getattr(figures, name) for name in FIGURES} == {
                    name: getattr(wallet, name) for name in FIGURES
                }
                real = Lot.objects.filter(wallet=wallet, remaining__gt=0)
                assert {
                    (each.id, each.remaining, each.is_pending) for each in lots[member.pk]
                } == {(each.pk, each.remaining, each.is_pending) for each in real}
                expiring = real.filter(is_pending=False, expires_at__isnull=False)
                soonest = expiring.order_by("expires_at").first()
                if soonest is None:
                    assert figures.next_expiry is None
                else:
                    assert figures.next_expiry is not None
                    assert figures.next_expiry.expires_at == soonest.expires_at
                    assert figures.next_expiry.points == sum(
                        each.remaining for each in expiring.filter(expires_at=soonest.expires_at)
                    )


class TestOnce:
    @given(plan=PLANS)
    @examples(10)
    def test_posting_everything_again_gives_the_same_answers_and_changes_nothing(
        self, wallets: list[int], plan: Plan
    ) -> None:
        with sandbox():
            with sandbox():
                accepted = _without_refusals(_Writer(wallets).write(plan), NOON)
            first = post(*accepted)
            left_entries = [pair for pair in zip(accepted, first, strict=True) if pair[1].points]
            before = books()
            again = post(*(posting for posting, _ in left_entries))
            assert [(each.points, each.balance) for each in again] == [
                (answer.points, answer.balance) for _, answer in left_entries
            ]
            assert not any(each.is_new for each in again)
            assert books() == before
