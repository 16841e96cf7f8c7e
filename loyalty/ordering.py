"""Orders: reported by tills, shops and imports, one at a time or a thousand at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError
from django.utils.translation import gettext as _

from loyalty import (
    activity,
    earning,
    ledger,
    order_awards,
    order_holds,
    order_people,
    order_rows,
    paying,
    programs,
    promotions,
    queries,
    tiers,
)
from loyalty.earning import Earned, Facts
from loyalty.errors import out_of_range
from loyalty.ledger import MAX_POINTS, Credit
from loyalty.models import Entry, Hold, Order
from loyalty.order_facts import Line, OrderFacts
from loyalty.paying import Payable
from members import queries as member_queries
from members.errors import InvalidInput, MemberClosed, NotFound, ReferenceReused, Refusal
from members.models import Member, Tier
from members.transactions import in_transaction

__all__ = ["Line", "OrderFacts", "Placed", "Quote", "place", "place_all", "quote"]

Problem = Refusal | InvalidInput | NotFound


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of one order: stored (`is_new`), known from before, or refused (`problem`)."""

    order: Order | None
    is_new: bool
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """What an order would earn: an unsaved order, the rules with their conditions, what points could pay of it."""

    order: Order
    rules: list[dict[str, Any]]
    payable: Payable


def place(*, order: OrderFacts, at: datetime) -> Placed:
    """Store one order and post its points; raises the problem if it is refused."""
    placed = place_all(orders=[order], at=at)[0]
    if placed.problem is not None:
        raise placed.problem
    return placed


def place_all(*, orders: Sequence[OrderFacts], at: datetime) -> list[Placed]:
    """Store a batch of orders in one transaction; one bad order never stops the others.

    Each earns as of its own `placed_at`, if it has come as far as the program's `award_on`; answers come in the order
    given. The same order again (source, number) has no second effect, whatever became of it; with other content its
    problem is ReferenceReused. Other problems: NotFound (member, hold), InvalidInput (store, status, out_of_range),
    MemberClosed, HoldClosed, WalletFrozen (only with a hold), ShareReached (too much paid with points).
    """
    try:
        return in_transaction(lambda: _place_all(orders, at))
    except IntegrityError:
        # Somebody stored one of these numbers meanwhile for another member or for none: now it can be seen.
        return in_transaction(lambda: _place_all(orders, at))


def _place_all(orders: Sequence[OrderFacts], at: datetime) -> list[Placed]:
    """In one go, or in several where rules ask the database about a member's orders: each then sees those before it."""
    batch = _Batch(orders, at)
    if not batch.promotions.looks_again:
        return batch.place()
    batch.lock()  # all at once, in id order
    waves = batch.people.waves(orders)
    return [placed for wave in waves for placed in _Batch(wave, at).place()]


def quote(*, order: OrderFacts, at: datetime) -> Quote:
    """What the order would earn if it were placed now with this status; same code, nothing written. Raises the problem."""
    return in_transaction(lambda: _Batch([order], at).quote(order))


class _Batch:
    """One call of `place_all`: lock, read, then walk the orders as they come."""

    def __init__(self, orders: Sequence[OrderFacts], at: datetime) -> None:
        self.orders = orders
        self.at = at
        self.program = programs.current()
        self.people = order_people.named_by(self.orders)
        self.held = ledger.Held({}, at)
        self.walks: dict[int, tiers.Walk] = {}
        self.known: dict[tuple[str, str], Order] = {}
        self.rows: list[tuple[Order, OrderFacts, Earned]] = []
        self.holds: dict[str, Hold] = {}
        self.captured: list[tuple[Order, Hold]] = []
        self.postings: list[Credit] = []
        self.coming: dict[int, int] = {}
        self.promotions = promotions.of_batch(
            orders=self.orders, members=self._members_by_place(), at=at
        )

    def _members_by_place(self) -> dict[int, Member]:
        """The member of each order that has one, by its place in the batch."""
        found = ((place, self.people.member_of(facts)) for place, facts in enumerate(self.orders))
        return {place: member for place, member in found if member is not None}

    def lock(self) -> dict[int, Member]:
        """Lock everybody who may get points; returns the orders' members."""
        members = {member.pk: member for member in self.people.by_number.values()}
        self.held = ledger.lock(members={*members, *self.promotions.lock_too()}, at=self.at)
        return members

    def place(self) -> list[Placed]:
        members = self.lock()
        for pk, status in member_queries.statuses(members).items():
            members[pk].status = status  # as it is under the lock
        self.known = queries.orders_by_key(keys=[facts.key for facts in self.orders])
        self.holds = order_holds.named_by(self.orders)
        self.promotions.load(program=self.program, held=self.held)
        self._start_walks()
        answers = [self._place(facts) for facts in self.orders]
        order_rows.write(rows=self.rows)
        for order, hold in self.captured:
            order_holds.link(order=order, hold=hold)
        promotions.orders_placed(orders=[order for order, _, _ in self.rows], held=self.held)
        self._post_all()
        self.promotions.write(held=self.held)
        activity.keep_alive(held=self.held, program=self.program)
        tiers.record(walks=self.walks, at=self.at)
        return answers

    def _post_all(self) -> None:
        ledger.post(postings=self.postings, at=self.at, held=self.held)
        self.postings, self.coming = [], {}

    def quote(self, facts: OrderFacts) -> Quote:
        self.holds = order_holds.named_by([facts])
        self.promotions.load(program=self.program, held=None)
        self._start_walks()
        self._check(facts)
        facts = self._with_hold(facts)
        order, _earned = self._earn(facts)
        payable = paying.payable(
            amount=facts.amount,
            member=self.people.member_of(facts),
            hold=self.holds.get(facts.hold or ""),
            program=self.program,
            at=self.at,
        )
        return Quote(order, order_awards.rules(self._seen(facts)), payable)

    # ---- reading ------------------------------------------------------------------------------
    def _start_walks(self) -> None:
        expected: dict[int, int] = {}
        for facts in self.orders:
            member = self.people.member_of(facts)
            if member is not None and facts.key not in self.known:
                most = int(facts.amount * self.program.status_rate) + 1
                most += self.promotions.most_status
                expected[member.pk] = expected.get(member.pk, 0) + most
        if expected:
            self.walks = tiers.load_walks(
                expected=expected,
                lifetimes={member: self._lifetime(member) for member in expected},
                since=min(self.at, *(facts.placed_at for facts in self.orders)),
                at=self.at,
                program=self.program,
            )

    def _lifetime(self, member: int) -> int:
        return self.held.of(member, "status").earned if self.held.wallets else 0

    # ---- one order ----------------------------------------------------------------------------
    def _place(self, facts: OrderFacts) -> Placed:
        try:
            return self._place_or_raise(facts)
        except (Refusal, InvalidInput, NotFound) as problem:
            return Placed(None, is_new=False, problem=problem)

    def _place_or_raise(self, facts: OrderFacts) -> Placed:
        known = self.known.get(facts.key)
        if known is not None:
            said = order_holds.as_known(facts, known)
            if known.digest != order_awards.digest(said, self.people.member_of(facts)):
                raise ReferenceReused(reference="/".join(facts.key))
            return Placed(known, is_new=False)
        self._check(facts)
        said, facts = facts, self._with_hold(facts)
        order, earned = self._earn(facts)
        order.digest = order_awards.digest(facts, self.people.member_of(facts))
        self._capture(order, said)
        activity.note_order(held=self.held, order=order)
        self._post(order)
        if order.awarded_at is not None:
            self.promotions.note(order=order, facts=self._seen(facts), earned=earned)
        self.known[facts.key] = order
        self.rows.append((order, facts, earned))
        return Placed(order, is_new=True)

    def _check(self, facts: OrderFacts) -> None:
        member = self.people.member_of(facts)
        if member is None and (facts.member, facts.member_external_id) != (None, None):
            raise NotFound(_("Member"), "/member")
        if facts.store is not None and facts.store not in self.people.stores:
            raise InvalidInput(
                "/store",
                "unknown_store",
                _("There is no store %(code)s. Create it or correct the code.")
                % {"code": facts.store},
            )
        order_awards.refuse_unsound(facts)
        if member is not None and member.status == Member.Status.CLOSED:
            raise MemberClosed

    def _tier_of(self, facts: OrderFacts) -> Tier:
        member = self.people.member_of(facts)
        if member is None:
            return member_queries.lowest_tier()
        return self.walks[member.pk].held_at(facts.placed_at)

    def _with_hold(self, facts: OrderFacts) -> OrderFacts:
        hold = self.holds.get(facts.hold or "")
        if facts.hold is not None:
            member = self.people.member_of(facts)
            facts = order_holds.paid_with(facts, hold, member, self.program, self.at)
        order_holds.refuse_beyond_share(facts, hold, self.program)
        return facts

    def _earn(self, facts: OrderFacts) -> tuple[Order, Earned]:
        member = self.people.member_of(facts)
        store = self.people.stores[facts.store] if facts.store is not None else None
        order = order_awards.as_reported(facts, member, store)
        if member is None or not order_awards.is_due(facts.status, self.program):
            return order, order_awards.nothing(facts)
        earned = earning.evaluate(self._seen(facts))
        self._limit(member, earned)
        order_awards.note(order, earned, self.program, at=facts.placed_at, held=self.held)
        return order, earned

    def _seen(self, facts: OrderFacts) -> Facts:
        """The order as the rules look at it."""
        return order_awards.seen(
            facts=facts,
            tier=self._tier_of(facts),
            program=self.program,
            member=self.people.member_of(facts),
            promotions=self.promotions,
        )

    def _limit(self, member: Member, earned: Earned) -> None:
        if max(earned.points, earned.status_points) > MAX_POINTS:
            raise out_of_range("/lines")
        if not self.held.wallets:
            return
        coming = {}
        for code, points in (("points", earned.points), ("status", earned.status_points)):
            wallet = self.held.of(member.pk, code)
            coming[wallet.id] = self.coming.get(wallet.id, 0) + points
            if not wallet.has_room(coming[wallet.id], Entry.Kind.EARN):
                raise out_of_range("/lines")
        self.coming |= coming

    def _capture(self, order: Order, said: OrderFacts) -> None:
        if said.hold is None:
            return
        # What was earned before stands before it in the books, as if the orders had come one by one.
        self._post_all()
        hold = self.holds[said.hold]
        points = order_holds.needed(said, hold, self.program)
        hold = order_holds.capture(order=order, hold=hold, points=points, held=self.held)
        self.holds[said.hold] = hold
        self.captured.append((order, hold))

    def _post(self, order: Order) -> None:
        if order.member_id is None or order.awarded_at is None:
            return
        self.postings += order_awards.postings(order, self.program, self.held)
        if order.status_points:
            count = order_awards.counted(order, self.program, self.held)
            self.walks[order.member_id].add(count)
