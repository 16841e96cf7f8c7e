"""Everything that takes from shelves and wallets at once, over 20 connections: no deadlock reaches anybody."""

import random
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError

from loyalty import ordering, refunds, transfers
from loyalty.refunds import RefundFacts
from members import transactions
from members.errors import InvalidInput, NotFound, Refusal
from members.models import Member
from rewards import (
    drafts,
    draw_rounds,
    fulfilment,
    pools,
    redemption,
    timeouts,
    voucher_gifts,
    vouchers,
    wish_telling,
    wishes,
)
from rewards.models import Draw, Redemption, Reward, Voucher
from rewards.voucher_gifts import GiftRequest
from tests.campaigns.builders import campaign
from tests.conftest import NOON, RealDatabase
from tests.interleaving import interleave
from tests.loyalty.builders import assert_clean, order, program
from tests.loyalty.test_races import broken
from tests.prove.sizes import size
from tests.rewards.builders import asked, assert_sums, later, offer, variant
from tests.rewards.conftest import new_reward
from tests.rewards.draws import NOTHING, go, new_draw, reward
from tests.rewards.test_races import members_with_points

CONNECTIONS = 20
SECONDS = size("traffic_seconds", 3)
DEADLOCK = "40P01"
LOCK_NOT_AVAILABLE = "55P03"
TOO_LATE = later(minutes=31)


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is tried again: a deadlock would be seen."""
    monkeypatch.setattr(transactions, "ATTEMPTS", 1)


def state_of(problem: object) -> str | None:
    """The SQLSTATE of what the database raised."""
    return getattr(getattr(problem, "__cause__", None), "sqlstate", None)


class Shop:
    """Shelves of every sort, and few members who want all of it at the same time."""

    def __init__(self) -> None:
        program(transfer={"enabled": True})
        self.members = members_with_points(12, 50_000, NOON)
        self.mug = new_reward("mug", kind="gift", points=10, stock=5_000)
        self.pin = new_reward("pin", points=10, stock=5_000)
        self.shirt = new_reward("shirt", kind="gift", points=10)
        for code in ("small", "large"):
            variant(self.shirt, code, 2_000)
        offer(self.shirt, "flash", 3_000)
        new_reward("film", kind="partner_code", points=10)
        codes = "\n".join(f"code{number:05d}" for number in range(2_000))
        pools.add(reward="film", file=codes.encode(), by="", at=NOON)
        campaign("pin", effect={"type": "grant_reward", "reward": "pin"})
        campaign("mug", effect={"type": "grant_reward", "reward": "mug"})
        prizes = [
            reward("pin", weight=1, stock=500),
            reward("mug", weight=1, stock=500),
            {**NOTHING, "weight": 8},
        ]
        self.draw: Draw = new_draw(prizes=prizes)


class Client:
    """One of the connections: does what comes to mind."""

    def __init__(self, shop: Shop, number: int) -> None:
        self.shop = shop
        self.number = number
        self.dice = random.Random(number)
        self.done = 0
        self.verbs: list[Callable[[], Any]] = [
            self.redeem,
            self.redeem,
            self.redeem_shirt,
            self.redeem_film,
            self.cancel,
            self.fulfil,
            self.use,
            self.use,
            self.hand_on,
            self.order,
            self.order,
            self.refund,
            self.go,
            self.close_round,
            self.transfer,
            self.reserve,
            self.issue_or_time_out,
            self.wish,
        ]

    def work(self, until: float) -> Counter[str]:
        seen: Counter[str] = Counter()
        while time.monotonic() < until:
            verb = self.dice.choice(self.verbs)
            self.done += 1
            try:
                verb()
            except (Refusal, NotFound, InvalidInput) as refusal:
                seen[type(refusal).__name__] += 1
            except DatabaseError as problem:
                seen[state_of(problem) or repr(problem)] += 1
            else:
                seen[verb.__name__] += 1
        return seen

    # ---- who and what --------------------------------------------------------------------------
    @property
    def reference(self) -> str:
        return f"{self.number}/{self.done}"

    def anybody(self) -> Member:
        return self.dice.choice(self.shop.members)

    def some(self, rows: Any) -> Any:
        """One of the latest rows, which others have in mind too."""
        found = list(rows.order_by("-pk")[:30])
        if not found:
            raise NotFound("row")
        return self.dice.choice(found)

    # ---- verbs ---------------------------------------------------------------------------------
    def redeem(self) -> None:
        wanted = self.dice.choice([self.shop.mug, self.shop.pin])
        said = {"quantity": self.dice.choice([1, 2])}
        self._redeem(wanted, **said)

    def redeem_shirt(self) -> None:
        self._redeem(self.shop.shirt, variant=self.dice.choice(["small", "large"]), offer="flash")

    def redeem_film(self) -> None:
        self._redeem(Reward.objects.get(code="film"))

    def _redeem(self, wanted: Reward, **said: Any) -> None:
        request = asked(self.anybody(), wanted, self.reference, **said)
        redemption.redeem(request=request, at=NOON)

    def cancel(self) -> None:
        number = self.some(Redemption.objects.exclude(points=0)).number
        redemption.cancel(number=number, at=NOON)

    def fulfil(self) -> None:
        number = self.some(Redemption.objects.filter(state="issued")).number
        fulfilment.fulfil(number=number, parcel=fulfilment.Parcel(), by="", at=NOON)

    def use(self) -> None:
        code = self.some(Voucher.objects.filter(state="active")).code
        vouchers.use(code=code, store=None, reference="", used_by="", at=NOON)

    def hand_on(self) -> None:
        code = self.some(Voucher.objects.filter(state="active")).code
        request = GiftRequest(code=code, to=self.anybody().number)
        voucher_gifts.give(request=request, by="", at=NOON)

    def order(self) -> None:
        voucher = self.some(Voucher.objects.select_related("member").filter(state="active"))
        facts = order(self.reference, "20.00", member=voucher.member, coupon=voucher.code)
        ordering.place(order=facts, at=NOON)

    def refund(self) -> None:
        used = Voucher.objects.exclude(used_order=None).select_related("used_order")
        found = self.some(used).used_order
        facts = RefundFacts(reference=self.reference, amount=Decimal("20.00"))
        refunds.refund(source=found.source, number=found.number, facts=facts, now=NOON)

    def go(self) -> None:
        go(self.anybody(), self.shop.draw, self.reference)

    def close_round(self) -> None:
        draw_rounds.close_by_hand(draw=self.shop.draw, at=NOON)

    def transfer(self) -> None:
        request = transfers.TransferRequest(
            sender=self.anybody().number,
            receiver=self.anybody().number,
            points=1,
            reference=self.reference,
        )
        transfers.transfer(request=request, at=NOON)

    def reserve(self) -> None:
        said = {"variant": self.dice.choice(["small", "large"]), "offer": "flash"}
        request = asked(self.anybody(), self.shop.shirt, self.reference, **said)
        drafts.reserve(request=request, at=NOON)

    def issue_or_time_out(self) -> None:
        if self.dice.random() < 0.5:
            timeouts.give_back_all(at=TOO_LATE)
        else:
            drafts.issue(
                number=self.some(Redemption.objects.filter(state="reserved")).number, at=NOON
            )

    def wish(self) -> None:
        wishes.add(member=self.anybody(), reward="mug", at=NOON)
        wish_telling.tell(
            at=NOON + timedelta(hours=self.done), link=lambda code: f"/rewards/{code}"
        )


class TestTraffic:
    def test_nobody_meets_a_deadlock(self, committed_db: RealDatabase, once: None) -> None:
        shop = Shop()
        until = time.monotonic() + SECONDS
        seen: Counter[str] = Counter()
        results = committed_db.run_parallel(
            lambda number: Client(shop, number).work(until), CONNECTIONS, CONNECTIONS
        )
        for result in results:
            assert isinstance(result, Counter), result
            seen += result
        # Whoever waits too long for a lock is told to come again (503); anything else may reach nobody.
        problems = {each for each in seen if each[0].isdigit() or "(" in each}
        assert problems <= {LOCK_NOT_AVAILABLE}, seen
        assert sum(seen.values()) > CONNECTIONS
        draw_rounds.stop(draw=shop.draw, at=NOON)
        timeouts.give_back_all(at=TOO_LATE)
        assert_sums()
        assert_clean()


class TestInAnotherOrder:
    """The twin: a verb that locks the redemption before the wallet."""

    def race(self, db: RealDatabase) -> list[Any]:
        (member,) = members_with_points(1, 1_000, NOON)
        made = redemption.redeem(request=asked(member, new_reward("pin")), at=NOON).redemption
        return interleave(
            db,
            first=lambda: vouchers.use(
                code=made.vouchers.get().code, store=None, reference="", used_by="", at=NOON
            ),
            after='FROM "members_member"',
            then=lambda: redemption.cancel(number=made.number, at=NOON),
        )

    @pytest.fixture
    def unlocked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def read_owner(pk: int, _at: Any) -> Member:
            return Redemption.objects.select_related("member").get(pk=pk).member

        monkeypatch.setattr(vouchers, "lock_owner", read_owner)

    def test_somebody_meets_a_deadlock(
        self, committed_db: RealDatabase, unlocked: None, once: None
    ) -> None:
        results = self.race(committed_db)
        assert [state_of(each) for each in results].count(DEADLOCK) == 1
        assert broken(results) == 1

    def test_and_the_verb_that_is_tried_again_hides_it(
        self, committed_db: RealDatabase, unlocked: None
    ) -> None:
        assert broken(self.race(committed_db)) == 0
