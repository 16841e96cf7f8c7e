"""Rows are locked in one order everywhere: whoever meets waits, and nobody waits crosswise."""

from datetime import timedelta
from typing import Any

import pytest

from loyalty import closing, ordering, refunds
from loyalty.closing import Closing
from loyalty.refunds import RefundFacts
from members import transactions
from members.errors import NotFound
from members.models import Member
from rewards import (
    drafts,
    giving,
    pools,
    redemption,
    stock,
    timeouts,
    vouchers,
    wish_telling,
    wishes,
)
from rewards.giving import Gift
from rewards.models import Redemption, Reward, Voucher
from tests.campaigns.builders import campaign
from tests.conftest import NOON, RealDatabase
from tests.interleaving import interleave
from tests.loyalty.builders import assert_clean, order
from tests.rewards.builders import asked, assert_sums, later, left, offer, variant
from tests.rewards.conftest import new_reward
from tests.rewards.test_races import members_with_points
from tests.rewards.test_row_locks import give, hand_on, take_back

TOO_LATE = later(minutes=31)
LOCKED_REWARD = 'FROM "rewards_reward".*FOR NO KEY UPDATE'


@pytest.fixture(autouse=True)
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadlock would be seen."""
    monkeypatch.setattr(transactions, "ATTEMPTS", 1)


@pytest.fixture
def cast(committed_db: RealDatabase) -> list[Member]:
    return members_with_points(2, 1_000, NOON)


@pytest.fixture
def pin(cast: list[Member]) -> Reward:
    """What every order brings."""
    made = new_reward("pin", stock=9)
    campaign("pin", effect={"type": "grant_reward", "reward": "pin"})
    return made


def place(number: str, member: Member, voucher: Voucher | None = None) -> None:
    coupon = voucher.code if voucher else ""
    ordering.place(order=order(number, "80.00", member=member, coupon=coupon), at=NOON)


def refund(number: str) -> Any:
    facts = RefundFacts(reference="back", amount=order("1", "80.00", member=None).amount)
    return refunds.refund(source="default", number=number, facts=facts, now=NOON)


def test_an_order_locks_its_voucher_before_what_it_brings(
    committed_db: RealDatabase, cast: list[Member], pin: Reward
) -> None:
    made = give(cast[0], pin)
    assert made is not None
    hand_on(made.vouchers.get(), cast[1])
    placed, is_back = interleave(
        committed_db,
        first=lambda: place("1", cast[1], made.vouchers.get()),
        after=LOCKED_REWARD,
        then=lambda: take_back(cast[0]),
    )
    assert (placed, is_back) == (None, False)
    assert (Voucher.objects.get(redemption=made).state, left(pin)) == ("used", [7])
    assert_sums()


def test_a_refund_gives_vouchers_back_before_pieces(
    committed_db: RealDatabase, cast: list[Member], pin: Reward
) -> None:
    asked_for = asked(cast[1], new_reward("cake"), quantity=2)
    cakes = redemption.redeem(request=asked_for, at=NOON).redemption
    own, other = cakes.vouchers.order_by("id")
    hand_on(own, cast[0])
    place("1", cast[0], Voucher.objects.get(pk=own.pk))
    refunded, placed = interleave(
        committed_db,
        first=lambda: refund("1"),
        after="UPDATE rewards_reward ",
        then=lambda: place("2", cast[1], other),
    )
    assert not isinstance(refunded, Exception)
    assert placed is None
    states = list(cakes.vouchers.order_by("id").values_list("state", flat=True))
    assert (states, left(pin)) == (["active", "used"], [8])
    assert_sums()
    assert_clean()


def test_drafts_that_time_out_lock_all_shelves_before_they_give_back(
    committed_db: RealDatabase, cast: list[Member]
) -> None:
    shirt = new_reward("shirt", kind="gift")
    small, large = variant(shirt, "small", 5), variant(shirt, "large", 5)
    flash = offer(shirt, "flash", 5)
    for code in ("small", "large"):
        wanted = asked(cast[0], shirt, code, variant=code, offer="flash")
        drafts.reserve(request=wanted, at=NOON)
    wanted = asked(cast[1], shirt, "r1", variant="large", offer="flash")
    noted, made = interleave(
        committed_db,
        first=lambda: timeouts.give_back_all(at=TOO_LATE),
        after="UPDATE rewards_offer ",
        then=lambda: redemption.redeem(request=wanted, at=NOON).redemption,
    )
    assert (noted, type(made)) == (2, Redemption)
    assert left(small, large, flash) == [5, 4, 4]
    assert_sums()


def test_gifts_lock_every_reward_before_codes_lapse(
    committed_db: RealDatabase, cast: list[Member]
) -> None:
    mug, film = new_reward("mug", stock=5), new_reward("film", kind="partner_code")
    pools.add(reward="film", file=b"c1,2026-11-22\nc2\n", by="", at=NOON)
    gifts = [
        Gift(member=cast[0].pk, reward=code, pieces=1, reference=code) for code in ("mug", "film")
    ]
    at = NOON + timedelta(days=5)
    both = {mug.pk, film.pk}
    given, locked = interleave(
        committed_db,
        first=lambda: transactions.in_transaction(lambda: giving.give_all(gifts=gifts, at=at)),
        after='UPDATE "rewards_reward"',
        then=lambda: transactions.in_transaction(lambda: stock.lock_shelves(rewards=both)),
    )
    assert [type(each) for each in given] == [Redemption, Redemption]
    assert locked is None
    assert left(mug, film) == [4, 0]
    assert_sums()


def test_wishes_are_told_with_their_members_locked(
    committed_db: RealDatabase, cast: list[Member]
) -> None:
    new_reward("mug", kind="gift", points=2_000)
    wishes.add(member=cast[0], reward="mug", at=NOON)
    Reward.objects.update(points=500)
    told, closed = interleave(
        committed_db,
        first=lambda: wish_telling.tell(at=NOON, link=lambda code: f"/rewards/{code}"),
        after="WITH terms AS",
        then=lambda: closing.close(
            closing=Closing(member=cast[0].number, forfeit=True), by="owner", at=NOON
        ),
    )
    assert (told, type(closed)) == (1, Member)


def test_a_voucher_given_away_meanwhile_is_not_used_for_its_givers_order(
    committed_db: RealDatabase, cast: list[Member]
) -> None:
    made = redemption.redeem(request=asked(cast[0], new_reward("cake")), at=NOON).redemption
    place("1", cast[0])
    voucher = made.vouchers.get()

    def use() -> Voucher:
        return vouchers.use(
            code=voucher.code, store=None, reference="", used_by="", at=NOON, order="1"
        )

    used, _given = interleave(
        committed_db,
        first=use,
        after='FROM "loyalty_order"',
        then=lambda: hand_on(voucher, cast[1]),
    )
    assert type(used) is NotFound
    assert Voucher.objects.get().state == "active"
