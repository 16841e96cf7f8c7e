"""Histories of a few wallets, lived through by the ledger and by its reference model side by side.

Hypothesis draws the steps, each from a seed of its own, so that a failing history can be shortened step by step; what
a step does hangs on the wallets as they are then: most spends can be paid, most refunds meet points already spent.
"""

from calendar import monthrange
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from loyalty import (
    adjustments,
    awarding,
    buy_backs,
    closing,
    donations,
    expiry,
    holds,
    ledger,
    merging,
    ordering,
    queries,
    refunds,
    spending,
    transfers,
)
from loyalty.adjustments import AdjustmentFacts
from loyalty.awarding import Award
from loyalty.buy_backs import BuyBackRequest
from loyalty.closing import Closing
from loyalty.donations import DonationRequest
from loyalty.holds import HoldRequest
from loyalty.models import Entry, Hold, Lot, Program
from loyalty.refunds import RefundFacts
from loyalty.transfers import TransferRequest
from members import lifecycle
from members.errors import Refusal
from members.models import Member
from tests.conftest import NOON
from tests.loyalty import model
from tests.loyalty.builders import (
    FIGURES,
    assert_clean,
    figures,
    give_back,
    order,
    post,
    reversal,
    sandbox,
    wallet_of,
)
from tests.loyalty.model import Refused

Verb = Callable[[int], Any]

SHANGHAI = ZoneInfo("Asia/Shanghai")
SEEDS = st.integers(0, 2**64 - 1)
# Of what there is, in percent: now and then more than there is.
PARTS = [1, 20, 50, 80, 100, 100, 100, 110]
# How often each thing happens.
WEIGHTS = {
    "time_passes": 14,
    "night": 3,
    "look": 2,
    "award": 12,
    "order": 6,
    "adjust": 4,
    "redeem": 12,
    "take": 4,
    "refund": 8,
    "refund_order": 8,
    "freeze": 2,
    "cancel": 12,
    "hold": 12,
    "capture": 6,
    "release": 6,
    "transfer": 7,
    "merge": 2,
    "close": 1,
}


def outcome(verb: Verb, points: int) -> Any:
    """What a verb answers, or its refusal as data."""
    try:
        return verb(points)
    except (Refusal, Refused) as refusal:
        # Who of two is frozen is not the model's business.
        return refusal.code, {} if refusal.code == "wallet_frozen" else refusal.data


class Histories(RuleBasedStateMachine):
    """Three members' wallets and their models; every history is undone."""

    cast: list[Member]
    is_watched = False  # look after every step, to find out where a history goes wrong
    seen: Counter[str] = Counter()  # what happened in all histories so far

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block.__enter__()
        self.members = list(self.cast)
        self.ids = [wallet_of(each) for each in self.members]
        self.models = [model.Wallet() for _ in self.members]
        # Where the wallet of each member has gone by merges.
        self.heirs = [0, 1, 2]
        self.now = NOON
        self.count = 0
        self.earns: dict[str, int] = {}
        self.orders: dict[str, int] = {}
        self.frozen: set[int] = set()
        self.closed: set[int] = set()
        self.holds: list[str] = []
        self.owners: dict[str, int] = {}
        self.seen["histories"] += 1

    @initialize(seeds=st.lists(SEEDS, min_size=3, max_size=6))
    def begin(self, seeds: list[int]) -> None:
        self.is_kept_alive = seeds[0] % 3 == 0
        Program.objects.update(
            expiry_policy="inactivity" if self.is_kept_alive else "never",
            expiry_months=1,
            status_rate=0,
        )
        for seed in seeds:
            self.random = Random(seed)
            self.award()

    # ---- what a step is ------------------------------------------------------------------------
    @rule(seed=SEEDS)
    def step(self, seed: int) -> None:
        self.random = Random(seed)
        verb = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        getattr(self, verb)()
        self.seen["steps"] += 1
        if self.is_watched:
            self.look()

    def both(self, name: str, points: int, verb: Verb, expected: Verb, *fates: str) -> bool:
        """Do it in the ledger and in the model; says whether it was accepted.

        Most things happen once; some come again, come again with other content, or are undone from outside.
        """
        fate = self.random.choice(fates or ("once", "once", "once", "twice", "changed", "undone"))
        if fate == "undone":
            with sandbox():
                note(f"    undone: {outcome(verb, points)}")
            return False
        said = outcome(verb, points)
        note(f"    {fate}: {said}")
        same(said, outcome(expected, points))
        if isinstance(said, tuple) and isinstance(said[0], str):
            self.seen[said[0]] += 1
            return False
        if fate == "twice":
            same(outcome(verb, points), said)
        if fate == "changed":
            same(outcome(verb, points + 1)[0], "reference_reused")
        self.seen[fate] += 1
        return True

    def heir(self, who: int) -> int:
        while self.heirs[who] != who:
            who = self.heirs[who]
        return who

    def somebody(self) -> tuple[int, int]:
        """A wallet, and some part of what is active in it."""
        for each in self.models:
            each.pass_until(self.now)
        rich = [who for who, each in enumerate(self.models) if each.active]
        who = self.random.choice(rich * 5 + self.open())
        return who, max(1, self.models[who].active * self.random.choice(PARTS) // 100)

    def open(self) -> list[int]:
        """Whose membership goes on; the first of them most often."""
        found = [who for who in (0, 1, 2) if self.heirs[who] == who and who not in self.closed]
        return [found[0], *found]

    def check_may_spend(self, *people: int) -> None:
        if self.frozen & set(people):
            raise Refused("wallet_frozen")

    def living(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if self.heir(self.owners[name]) not in self.closed]

    def one_of(self, names: list[str]) -> tuple[str, int]:
        """One of these names, and whose wallet it is about by now."""
        name = self.random.choice(sorted(names))
        return name, self.heir(self.owners[name])

    def part_of(self, points: int) -> int:
        return max(1, points * self.random.choice(PARTS) // 100)

    def name(self, who: int, what: str) -> str:
        self.count += 1
        name = f"n{self.count}"
        self.owners[name] = who
        note(f"  {self.now:%d %H:%M} {name}: {what} at wallet {who}")
        return name

    # ---- time ----------------------------------------------------------------------------------
    def time_passes(self) -> None:
        hours = [1, 4, 12, 24, 24, 36, *([500, 800] if self.is_kept_alive else [])]
        self.now += timedelta(hours=self.random.choice(hours))
        for each in self.models:
            each.pass_until(self.now)

    def night(self) -> None:
        expiry.expire_due(at=self.now)

    def be_active(self, who: int, moment: datetime) -> None:
        """An own order, redemption or capture, where that keeps points alive."""
        if self.is_kept_alive:
            self.models[who].stay_alive(moment, self.now, end_of_period)

    def end_by_policy(self, who: int, moment: datetime) -> datetime | None:
        last = self.models[who].last_activity
        return end_of_period(max(moment, last or moment)) if self.is_kept_alive else None

    # ---- points in -----------------------------------------------------------------------------
    def award(self) -> None:
        who = self.random.choice(self.open())
        points = self.random.randint(1, 50)
        start = self.now + timedelta(days=self.random.choice([-3, -1, 0, 0, 0, 0, 1, 1, 2]))
        days = self.random.choice([None, 1, 2, 3, 4])
        end = None if days is None else start + timedelta(days=days)
        name = self.name(who, f"award {points} from {start:%d %H:%M} to {end}")

        def verb(points: int) -> int:
            each = Award(
                member=self.members[who].pk,
                points=points,
                reference=name,
                at=self.now,
                active_from=start,
                expires_at=end,
            )
            return awarding.award_all(awards=[each], at=self.now)[0].balance

        def expected(points: int) -> int:
            lot = model.Lot(name, points, start, end)
            return self.models[who].credit("earn", self.now, lot)

        if self.both(name, points, verb, expected):
            self.earns[name] = points

    def order(self) -> None:
        """An order of so much money is worth so many points; it may be reported days later."""
        who = self.random.choice(self.open())
        points = self.random.randint(1, 50)
        placed = self.now - timedelta(days=self.random.choice([0, 0, 0, 1, 5]))
        name = self.name(who, f"order {points} placed {placed:%d %H:%M}")

        def verb(points: int) -> int:
            number = self.members[who].number
            facts = order(name, f"{points}.00", member=None, placed_at=placed)
            ordering.place(order=replace(facts, member=number), at=self.now)
            return self.balance_of(who, "earn", f"default/{name}")

        def expected(points: int) -> int:
            lot = model.Lot(f"default/{name}", points, placed, self.end_by_policy(who, placed))
            balance = self.models[who].credit("earn", self.now, lot)
            self.be_active(who, placed)
            return balance

        if self.both(name, points, verb, expected):
            self.orders[name] = points

    def adjust(self) -> None:
        who, points = self.somebody()
        sign = self.random.choice([1, -1])
        days = self.random.choice([None, 1, 2, 3]) if sign > 0 else None
        end = None if days is None else self.now + timedelta(days=days)
        name = self.name(who, f"adjust by {points * sign} until {end}")

        def verb(points: int) -> int:
            facts = AdjustmentFacts(
                member=self.members[who].number,
                points=points * sign,
                reason="other",
                reference=name,
                expires_at=end,
            )
            adjustments.adjust(facts=facts, requested_by="owner", at=self.now)
            return self.balance_of(who, "adjust", name)

        def expected(points: int) -> int:
            if sign < 0:
                return self.models[who].debit("adjust", name, points, self.now)
            lot = model.Lot(name, points, self.now, end or self.end_by_policy(who, self.now))
            return self.models[who].credit("adjust", self.now, lot)

        self.both(name, points, verb, expected)

    def balance_of(self, who: int, kind: str, reference: str) -> int:
        return Entry.objects.get(wallet=self.ids[who], kind=kind, reference=reference).balance

    # ---- points out ----------------------------------------------------------------------------
    def redeem(self) -> None:
        who, points = self.somebody()
        name = self.name(who, f"redeem {points}")

        def verb(points: int) -> int:
            return spending.spend(
                member=self.members[who],
                points=points,
                reference=name,
                details={},
                explanation=[{"rule": "mug", "kind": "reward", "points": -points}],
                at=self.now,
            ).balance

        def expected(points: int) -> int:
            self.check_may_spend(who)
            balance = self.models[who].debit("redeem", name, points, self.now)
            self.be_active(who, self.now)
            return balance

        self.both(name, points, verb, expected)

    def take(self) -> None:
        who, points = self.somebody()
        kind = self.random.choice(["donate", "buy_back"])
        name = self.name(who, f"{kind} {points}")

        def verb(points: int) -> int:
            words: Any = {"member": self.members[who].number, "points": points, "reference": name}
            if kind == "donate":
                donations.donate(request=DonationRequest(**words, project="trees"), at=self.now)
            else:
                buy_backs.buy_back(request=BuyBackRequest(**words), at=self.now)
            return self.balance_of(who, kind, name)

        def expected(points: int) -> int:
            self.check_may_spend(who)
            return self.models[who].debit(kind, name, points, self.now)

        self.both(name, points, verb, expected)

    # ---- corrections -----------------------------------------------------------------------------
    def refund(self) -> None:
        if not self.living(self.earns):
            return
        of, who = self.one_of(self.living(self.earns))
        points = min(self.part_of(self.earns[of]), self.earns[of])
        clamp = self.random.choice([False, False, True])
        name = self.name(who, f"reverse {points} of {of}, clamp {clamp}")

        def verb(points: int) -> tuple[int, int]:
            posting = reversal(self.ids[who], points, name, of=of, clamp=clamp, at=self.now)
            answer = post(posting, at=self.now)[0]
            return answer.points, answer.debt_added

        def expected(points: int) -> tuple[int, int]:
            return self.models[who].reverse(of, points, self.now, clamp=clamp)

        # Not twice: what was taken is remembered by the verb around it.
        if self.both(name, points, verb, expected, "once", "once", "undone"):
            left = self.earns.pop(of) - points
            if left:
                self.earns[of] = left

    def refund_order(self) -> None:
        """By money: as an order gave a point for each unit of it, so many points."""
        if not self.living(self.orders):
            return
        number, who = self.one_of(self.living(self.orders))
        points = min(self.part_of(self.orders[number]), self.orders[number])
        policy = self.random.choice(["debt", "debt", "clamp"])
        name = self.name(who, f"refund {points} of order {number}, {policy}")

        def verb(points: int) -> tuple[int, int]:
            Program.objects.update(reversal=policy)
            facts = RefundFacts(reference=name, amount=Decimal(points))
            made = refunds.refund(source="default", number=number, facts=facts, now=self.now)
            return -made.refund.points_reversed, made.refund.debt_added

        def expected(points: int) -> tuple[int, int]:
            wallet, of = self.models[who], f"default/{number}"
            return wallet.reverse(of, points, self.now, clamp=policy == "clamp")

        if self.both(name, points, verb, expected):
            left = self.orders.pop(number) - points
            if left:
                self.orders[number] = left

    def cancel(self) -> None:
        redeems = self.living([name for each in self.models for name in each.taken])
        if not redeems:
            return
        of, who = self.one_of(redeems)
        points = self.part_of(sum(part for _, part in self.models[who].taken[of]))
        grace = self.random.choice([None, None, 2])
        until = None if grace is None else self.now + timedelta(days=grace)
        name = self.name(who, f"return {points} of {of}, grace {grace}")

        def verb(points: int) -> int:
            dates: Any = {"grace_until": until, "at": self.now}
            posting = give_back(self.ids[who], points, name, of=of, **dates)
            return post(posting, at=self.now)[0].balance

        def expected(points: int) -> int:
            return self.models[who].give_back(of, points, self.now, grace=until)

        self.both(name, points, verb, expected)

    # ---- holds -----------------------------------------------------------------------------------
    def hold(self) -> None:
        who, points = self.somebody()
        hours = self.random.choice([1, 12, 24, 24, 48, 72])
        name = self.name(who, f"hold {points} for {hours} h")

        def verb(points: int) -> int:
            request = HoldRequest(
                member=self.members[who].number,
                points=points,
                reference=name,
                expires_in=hours * 3600,
            )
            return holds.hold(request=request, at=self.now).hold.points

        def expected(points: int) -> int:
            self.check_may_spend(who)
            until = self.now + timedelta(hours=hours)
            self.models[who].hold(name, points, self.now, until=until)
            return points

        if self.both(name, points, verb, expected):
            self.holds.append(name)

    def capture(self) -> None:
        if not self.living(self.holds):
            return
        name, who = self.one_of(self.living(self.holds))
        hold = self.models[who].holds[name]
        points = self.part_of(hold.points)
        row = Hold.objects.get(reference=name)
        entry = holds.capture_reference(row.pk)
        self.owners[entry] = self.owners[name]
        self.name(who, f"capture {points} of {name} as {entry}")

        def verb(points: int) -> int:
            holds.capture(hold=row.pk, points=points, order=None, at=self.now)
            return Entry.objects.get(kind="redeem", reference=entry).balance

        def expected(points: int) -> int:
            self.models[who].check_open(hold, self.now)
            self.check_may_spend(who)
            balance = self.models[who].capture(hold, entry, points, self.now)
            self.be_active(who, self.now)
            return balance

        self.both(name, points, verb, expected, "once", "once", "undone")

    def release(self) -> None:
        if not self.living(self.holds):
            return
        name, who = self.one_of(self.living(self.holds))
        hold = self.models[who].holds[name]
        row = Hold.objects.get(reference=name)
        self.name(who, f"release {name}")

        def verb(_: int) -> str:
            return holds.release(hold=row.pk, at=self.now).state

        def expected(_: int) -> str:
            if hold.state != "released":
                self.models[who].release(hold, self.now)
            return hold.state

        self.both(name, 0, verb, expected, "once", "twice", "undone")

    # ---- people --------------------------------------------------------------------------------
    def transfer(self) -> None:
        who, points = self.somebody()
        to, _ = self.somebody()
        if who == to:
            return
        fee = self.random.choice([0, 0, 3])
        name = self.name(who, f"give {points} and a fee of {fee} to wallet {to}")
        rules = {"enabled": True, "min": None, "per_transfer": None, "per_day": None, "fee": fee}

        def verb(points: int) -> int:
            Program.objects.update(transfer=rules)
            request = TransferRequest(
                sender=self.members[who].number,
                receiver=self.members[to].number,
                points=points,
                reference=name,
            )
            transfers.transfer(request=request, at=self.now)
            return self.balance_of(who, "transfer_out", name)

        def expected(points: int) -> int:
            self.check_may_spend(who, to)
            giver, taker = self.models[who], self.models[to]
            there = f"{self.members[who].number}/{name}"
            return model.transfer(giver, taker, there, points, fee, self.now)

        self.both(name, points, verb, expected)

    def freeze(self) -> None:
        who = self.random.choice(self.open())
        self.name(who, "unfreeze" if who in self.frozen else "freeze")
        verb = lifecycle.unfreeze if who in self.frozen else lifecycle.freeze
        verb(member=self.members[who], reason="", by="owner", at=self.now)
        self.frozen ^= {who}

    def merge(self) -> None:
        who, to = self.somebody()[0], self.somebody()[0]
        if who == to or self.count < 10:
            return
        name = self.name(who, f"merge into wallet {to}")

        def verb(_: int) -> None:
            numbers = [self.members[each].number for each in (who, to)]
            merging.merge(source=numbers[0], into=numbers[1], by="owner", at=self.now)

        def expected(_: int) -> None:
            model.merge(self.models[who], self.models[to], self.now)

        if self.both(name, 0, verb, expected, "once", "twice", "undone"):
            self.heirs[who] = to
            self.frozen |= {to} if who in self.frozen else set()
            self.seen["merged"] += 1

    def close(self) -> None:
        """What is left is forfeited; what still comes of it is another story."""
        who, _ = self.somebody()
        if self.count < 10 or len(self.open()) < 3:
            return
        name = self.name(who, "close")
        request = Closing(member=self.members[who].number, forfeit=True)

        def verb(_: int) -> None:
            closing.close(closing=request, by="owner", at=self.now)

        def expected(_: int) -> None:
            self.models[who].forfeit(self.now)

        if self.both(name, 0, verb, expected, "once", "twice", "undone"):
            self.closed.add(who)

    # ---- what always holds -----------------------------------------------------------------------
    def look(self) -> None:
        for member, wallet in zip(self.members, self.models, strict=True):
            wallet.pass_until(self.now)
            said = queries.figures(member=member, at=self.now)
            same(
                {name: getattr(said, name) for name in FIGURES},
                {name: getattr(wallet, name) for name in FIGURES},
            )
            assert not (wallet.active and wallet.debt)
            same(wallet.balance, wallet.active + wallet.pending + wallet.reserved - wallet.debt)
            lots = queries.lots_of(member=member, at=self.now)
            same(
                [(lot.source, lot.free) for lot in lots if not lot.is_pending and lot.free],
                [(lot.name, lot.free) for lot in wallet.spendable()],
            )

    def teardown(self) -> None:
        try:
            self.look()
            with transaction.atomic():
                ledger.lock_wallets(wallets=self.ids, at=self.now)
            for wallet, expected in zip(self.ids, self.models, strict=True):
                self.compare(wallet, expected)
            # The check of all books takes longer than most histories.
            if self.is_watched or self.seen["histories"] % 10 == 1:
                assert_clean()
        finally:
            transaction.set_rollback(True)
            self.block.__exit__(None, None, None)

    def compare(self, wallet: int, expected: model.Wallet) -> None:
        same(
            figures(wallet),
            {name: getattr(expected, name) for name in FIGURES if getattr(expected, name)},
        )
        rows = Entry.objects.filter(wallet=wallet).order_by("sequence")
        same(
            [(row.kind, row.points, row.balance) for row in rows if row.kind != "expire"],
            [entry for entry in expected.entries if entry[0] != "expire"],
        )
        same(
            sum(row.points for row in rows if row.kind == "expire"),
            sum(points for kind, points, _ in expected.entries if kind == "expire"),
        )
        lots = sorted(expected.lots, key=lambda lot: lot.number)
        same(lots_of(wallet), [said_of(lot) for lot in lots])
        states = dict(Hold.objects.filter(wallet=wallet).values_list("reference", "state"))
        same(states, {name: hold.state for name, hold in expected.holds.items()})


def end_of_period(moment: datetime) -> datetime:
    """The end of the local day one month later."""
    day = moment.astimezone(SHANGHAI).date()
    year, month = divmod(day.year * 12 + day.month, 12)
    last = monthrange(year, month + 1)[1]
    end = datetime(year, month + 1, min(day.day, last), tzinfo=SHANGHAI) + timedelta(days=1)
    return end.astimezone(UTC)


def same(said: Any, expected: Any) -> None:
    """What the ledger said and what the model expected, both shown when they differ."""
    assert said == expected, f"\nledger: {said}\nmodel:  {expected}"


def said_of(lot: model.Lot) -> tuple[Any, ...]:
    kept = sum(lot.kept.values())
    figures = (lot.points, lot.free + kept, kept, lot.lapsed, lot.forgiven)
    return (lot.name, *figures, lot.is_pending, lot.active_from, lot.expires_at)


def lots_of(wallet: int) -> list[tuple[Any, ...]]:
    """The wallet's lots in the order of posting."""
    columns = ("points", "remaining", "reserved", "lapsed", "forgiven", "is_pending")
    rows = Lot.objects.filter(wallet=wallet).order_by("id")
    return list(rows.values_list("entry__reference", *columns, "active_from", "expires_at"))
