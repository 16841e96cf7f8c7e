"""The ledger against a reference model, through a moving clock."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from loyalty import awarding, expiry, queries, spending
from loyalty.awarding import Award
from loyalty.errors import InDebt, InsufficientPoints
from loyalty.models import Lot, Program
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    FIGURES,
    assert_clean,
    entries,
    examples,
    figures,
    post,
    reversal,
    settle,
    wallet_of,
)
from tests.loyalty.model import Model, Refused

POINTS = st.integers(1, 50)


class Wallets(RuleBasedStateMachine):
    """Bob's wallet and its model; every example is undone."""

    bob: Member

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.wallet = wallet_of(self.bob)
        self.model = Model()
        self.now = NOON
        self.count = 0
        self.left: dict[str, int] = {}

    def name(self) -> str:
        self.count += 1
        return f"n{self.count}"

    # ---- what can happen -----------------------------------------------------------------------
    @rule(hours=st.integers(1, 40))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.model.pass_until(self.now)

    @rule(points=POINTS, starts=st.integers(-3, 2), days=st.sampled_from([None, 1, 2, 4]))
    def award(self, points: int, starts: int, days: int | None) -> None:
        name = self.name()
        start = self.now + timedelta(days=starts)
        end = None if days is None else start + timedelta(days=days)
        each = Award(
            member=self.bob.pk,
            points=points,
            reference=name,
            at=self.now,
            active_from=start,
            expires_at=end,
        )
        awarding.award_all(awards=[each], at=self.now)
        self.model.award(name, points, self.now, active_from=start, expires_at=end)
        self.left[name] = points

    @rule(points=POINTS)
    def spend(self, points: int) -> None:
        name = self.name()
        expected = self.reason(self.model.spend, name, points, self.now)
        refusal = self.reason(
            spending.spend,
            member=self.bob,
            points=points,
            reference=name,
            details={},
            explanation=[{"rule": "mug", "kind": "reward", "points": -points}],
            at=self.now,
        )
        assert refusal == expected

    def reason(self, verb: Any, *arguments: Any, **named: Any) -> str | None:
        try:
            verb(*arguments, **named)
        except (InDebt, InsufficientPoints) as refusal:
            return refusal.code
        except Refused as refusal:
            return refusal.reason
        return None

    @precondition(lambda self: any(self.left.values()))
    @rule(pick=st.integers(0, 99), points=POINTS, clamp=st.booleans())
    def refund(self, pick: int, points: int, clamp: bool) -> None:
        open_earns = sorted(name for name, left in self.left.items() if left)
        name = open_earns[pick % len(open_earns)]
        points = min(points, self.left[name])
        self.left[name] -= points
        post(
            reversal(self.wallet, points, self.name(), of=name, clamp=clamp, at=self.now),
            at=self.now,
        )
        self.model.reverse(name, points, self.now, clamp=clamp)

    @precondition(lambda self: self.model.taken)
    @rule(pick=st.integers(0, 99), grace=st.sampled_from([0, 0, 2]))
    def cancel(self, pick: int, grace: int) -> None:
        redeemed = sorted(self.model.taken)
        name = redeemed[pick % len(redeemed)]
        Program.objects.update(return_grace_days=grace)
        spending.give_back(
            member=self.bob, reference=name, return_reference=name, details={}, at=self.now
        )
        today = self.now.astimezone(Program.objects.get().zone).date()
        until = datetime.combine(
            today + timedelta(days=grace + 1), datetime.min.time(), Program.objects.get().zone
        )
        self.model.give_back(name, self.now, grace_until=until if grace else None)

    @rule()
    def night(self) -> None:
        expiry.expire_due(at=self.now)

    # ---- what always holds ---------------------------------------------------------------------
    @invariant()
    def figures_agree(self) -> None:
        said = queries.figures(member=self.bob, at=self.now)
        assert {
            name: getattr(said, name) for name in FIGURES if getattr(said, name)
        } == self.model.figures()

    @invariant()
    def lots_are_spent_in_the_same_order(self) -> None:
        lots = queries.lots_of(member=self.bob, at=self.now)
        assert [(lot.source, lot.remaining) for lot in lots if not lot.is_pending] == [
            (lot.name, lot.left) for lot in self.model.spendable()
        ]

    def teardown(self) -> None:
        try:
            settle(self.wallet, self.now)
            assert figures(self.wallet) == self.model.figures()
            assert sorted(each[:2] for each in entries(self.wallet)) == sorted(
                each[:2] for each in self.model.entries
            )
            balances = [
                [each[2] for each in of] for of in (entries(self.wallet), self.model.entries)
            ]
            assert balances[0][-1:] == balances[1][-1:]
            real = Lot.objects.filter(wallet=self.wallet).select_related("entry")
            assert {
                lot.entry.reference: (lot.remaining, lot.lapsed, lot.forgiven) for lot in real
            } == {lot.name: (lot.left, lot.lapsed, lot.forgiven) for lot in self.model.lots}
            assert_clean()
        finally:
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)


class TestLedger:
    def test_does_what_the_model_says(self, bob: Member) -> None:
        Wallets.bob = bob
        run_state_machine_as_test(Wallets, settings=examples(15))
