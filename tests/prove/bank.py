"""Clients of a busy bank: each does one thing after another to wallets that they all share."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any

from loyalty import (
    adjustments,
    awarding,
    buy_backs,
    donations,
    expiry,
    holds,
    ledger,
    spending,
    transfers,
)
from loyalty.adjustments import AdjustmentFacts
from loyalty.awarding import Award
from loyalty.buy_backs import BuyBackRequest
from loyalty.donations import DonationRequest
from loyalty.holds import HoldRequest
from loyalty.ledger import Reversal
from loyalty.transfers import TransferRequest
from members.errors import Refusal
from members.models import Member
from members.transactions import in_transaction
from tests.conftest import NOON

Work = Callable[[], Any]


class Bank:
    """The members, one clock for all, and what every client has done so far."""

    def __init__(self, members: Sequence[Member], seed: int) -> None:
        self.members = members
        self.seed = seed
        self.ticks = count(1)
        self.names = count(1)
        self.done: Counter[str] = Counter()
        self.counting = threading.Lock()

    def now(self) -> datetime:
        """Every operation is twenty seconds later than the one before: things fall due all the time."""
        return NOON + timedelta(seconds=20 * next(self.ticks))

    def note(self, what: str) -> None:
        with self.counting:
            self.done[what] += 1


class Client:
    """One caller with a connection of its own; a refusal is an answer, anything else is a fault."""

    VERBS = (
        *("award", "award", "award", "award_all", "spend", "spend", "spend", "reverse"),
        *("give_back", "hold", "hold", "capture", "release", "transfer", "transfer"),
        *("adjust", "donate", "buy_back", "expire"),
    )

    def __init__(self, bank: Bank, number: int) -> None:
        self.bank = bank
        self.random = Random(f"{bank.seed}/{number}")
        self.earned: list[tuple[Member, str, int]] = []
        self.spent: list[tuple[Member, str]] = []
        self.held: list[int] = []

    def work(self, operations: int) -> None:
        for _ in range(operations):
            verb = self.random.choice(self.VERBS)
            try:
                getattr(self, verb)()
                self.bank.note(verb)
            except Refusal as refusal:
                self.bank.note(f"refused: {refusal.code}")

    # ---- what it takes -------------------------------------------------------------------------
    def somebody(self) -> Member:
        # Some members are busier than others: their wallets are waited for.
        return self.bank.members[int(len(self.bank.members) * self.random.random() ** 2)]

    def points(self) -> int:
        return self.random.randint(1, 60)

    def name(self) -> str:
        return f"n{next(self.bank.names)}"

    # ---- points in -----------------------------------------------------------------------------
    def award(self) -> None:
        now, member, name, points = self.bank.now(), self.somebody(), self.name(), self.points()
        awarding.award_all(awards=[self.an_award(member, name, points, now)], at=now)
        self.earned.append((member, name, points))

    def award_all(self) -> None:
        """Several members at once, in whatever order they come."""
        now = self.bank.now()
        chosen = self.random.sample(list(self.bank.members), 4)
        awards = [self.an_award(each, self.name(), self.points(), now) for each in chosen]
        awarding.award_all(awards=awards, at=now)

    def an_award(self, member: Member, name: str, points: int, now: datetime) -> Award:
        start = now + timedelta(hours=self.random.choice([-1, 0, 0, 0, 1]))
        hours = self.random.choice([None, None, 2, 6, 24])
        return Award(
            member=member.pk,
            points=points,
            reference=name,
            at=now,
            active_from=start,
            expires_at=None if hours is None else start + timedelta(hours=hours),
        )

    def give_back(self) -> None:
        if self.spent:
            member, name = self.spent.pop(self.random.randrange(len(self.spent)))
            words: Any = {"reference": name, "return_reference": name, "details": {}}
            spending.give_back(member=member, at=self.bank.now(), **words)

    # ---- points out ----------------------------------------------------------------------------
    def spend(self) -> None:
        member, name = self.somebody(), self.name()
        points = self.points()
        spending.spend(
            member=member,
            points=points,
            reference=name,
            details={},
            explanation=[{"rule": "mug", "kind": "reward", "points": -points}],
            at=self.bank.now(),
        )
        self.spent.append((member, name))

    def reverse(self) -> None:
        if not self.earned:
            return
        member, name, points = self.earned.pop(self.random.randrange(len(self.earned)))
        now = self.bank.now()
        in_transaction(lambda: self.reverse_earn(member, name, points, now))

    def reverse_earn(self, member: Member, name: str, points: int, now: datetime) -> None:
        held = ledger.lock(members=[member.pk], at=now, types=["points"])
        posting = Reversal(
            wallet=held.of(member.pk).id,
            kind="reverse",
            points=points,
            reference=name,
            at=now,
            details={},
            explanation=[{"rule": "refund", "kind": "refund", "points": -points}],
            of=name,
            clamp=self.random.random() < 0.3,
        )
        ledger.post(postings=[posting], at=now, held=held)

    def donate(self) -> None:
        request = DonationRequest(
            member=self.somebody().number,
            points=self.points(),
            project="trees",
            reference=self.name(),
        )
        donations.donate(request=request, at=self.bank.now())

    def buy_back(self) -> None:
        request = BuyBackRequest(
            member=self.somebody().number, points=self.points(), reference=self.name()
        )
        buy_backs.buy_back(request=request, at=self.bank.now())

    def adjust(self) -> None:
        facts = AdjustmentFacts(
            member=self.somebody().number,
            points=self.points() * self.random.choice([1, -1]),
            reason="correction",
            reference=self.name(),
        )
        adjustments.adjust(facts=facts, requested_by="owner", at=self.bank.now())

    # ---- holds, gifts, nights --------------------------------------------------------------------
    def hold(self) -> None:
        request = HoldRequest(
            member=self.somebody().number,
            points=self.points(),
            reference=self.name(),
            expires_in=self.random.choice([600, 7_200, 86_400]),
        )
        self.held.append(holds.hold(request=request, at=self.bank.now()).hold.pk)

    def capture(self) -> None:
        if self.held:
            pk = self.held.pop(self.random.randrange(len(self.held)))
            points = self.random.choice([None, 1, 5])
            holds.capture(hold=pk, points=points, order=None, at=self.bank.now())

    def release(self) -> None:
        if self.held:
            holds.release(hold=self.random.choice(self.held), at=self.bank.now())

    def transfer(self) -> None:
        request = TransferRequest(
            sender=self.somebody().number,
            receiver=self.somebody().number,
            points=self.points(),
            reference=self.name(),
        )
        transfers.transfer(request=request, at=self.bank.now())

    def expire(self) -> None:
        expiry.expire_due(at=self.bank.now(), limit=10)
