"""Rounds of a draw: opened under a new seed with its hash published, closed with the seed, one open at a time.

Locked in this order: the wallet of whoever has a go, the draw, its round, its prizes, rewards by id.
"""

import secrets
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Greatest

from loyalty import programs
from members import transactions
from rewards import draw_queries, draw_recipe
from rewards.draw_errors import DrawOver, DrawWithoutPrizes, PrizeNotCovered
from rewards.errors import NotOnSale
from rewards.models import Draw, DrawPrize, DrawRound, Reward, StockMovement

WEEK = timedelta(days=7)


# ---- verbs ----------------------------------------------------------------------------------------
def open_by_hand(*, draw: Draw, at: datetime) -> DrawRound:
    """Switch a draw on and open its round; the one that is open stays.

    Raises NotOnSale outside the draw's window, DrawWithoutPrizes, DrawOver when every prize is gone, or
    PrizeNotCovered; then nothing is changed.
    """

    def work() -> DrawRound:
        fresh = lock_draw(draw.pk)
        if not fresh.active:
            fresh.active = True
            fresh.save(update_fields=["active"])
        if not draw_queries.is_running(fresh, at):
            raise NotOnSale
        return open_of(fresh) or open_next(fresh, at)

    return transactions.in_transaction(work)


def close_by_hand(*, draw: Draw, at: datetime) -> DrawRound | None:
    """Close the open round of a draw, which publishes its seed; while the draw runs the next one opens at once.

    Returns the round that was closed, None where none was open.
    """

    def work() -> DrawRound | None:
        fresh = lock_draw(draw.pk)
        found = close_open(fresh, at)
        if found is not None:
            _open_if_possible(fresh, at)
        return found

    return transactions.in_transaction(work)


def stop(*, draw: Draw, at: datetime) -> DrawRound | None:
    """Switch a draw off; its open round is closed and returned, if there was one."""

    def work() -> DrawRound | None:
        fresh = lock_draw(draw.pk)
        fresh.active = False
        fresh.save(update_fields=["active"])
        return close_open(fresh, at)

    return transactions.in_transaction(work)


def turn(*, draw: int, at: datetime) -> DrawRound | None:
    """Close the round of a draw (id) that is over at a moment, and open the one that is due; the open one, if any."""

    def work() -> DrawRound | None:
        fresh = lock_draw(draw)
        found = open_of(fresh)
        if found is not None and (is_over(found, at) or not draw_queries.is_running(fresh, at)):
            close(found, at)
            found = None
        return found or _open_if_possible(fresh, at)

    return transactions.in_transaction(work)


def keep_all(*, at: datetime) -> int:
    """Turn the rounds of every draw that runs or has one open; how many there were. Safe to run twice."""
    with_round = DrawRound.objects.filter(closed_at=None).values_list("draw", flat=True)
    due = sorted({*with_round, *draw_queries.running(at).values_list("pk", flat=True)})
    for draw in due:
        turn(draw=draw, at=at)
    return len(due)


# ---- steps, under the lock of the draw ------------------------------------------------------------
def lock_draw(pk: int) -> Draw:
    """Lock a draw, before its round, and return it as read under the lock."""
    return Draw.objects.select_for_update(no_key=True).get(pk=pk)


def lock_open(round_: int) -> DrawRound | None:
    """Lock a round (id) for a ticket; None where it was closed meanwhile."""
    found = DrawRound.objects.select_for_update(no_key=True).filter(pk=round_, closed_at=None)
    return found.first()


def is_over(round_: DrawRound, at: datetime) -> bool:
    """Whether a round's time is up."""
    return round_.closes_at is not None and round_.closes_at <= at


def open_next(draw: Draw, at: datetime) -> DrawRound:
    """Open the next round: draw its seed, publish hash and prizes, set aside what rewards have to cover.

    Raises DrawWithoutPrizes, DrawOver or PrizeNotCovered; then the caller's transaction has to be undone.
    """
    prizes = draw_queries.prizes_of(draw)
    if not prizes:
        raise DrawWithoutPrizes
    if not any(draw_queries.is_left(prize) for prize in prizes):
        raise DrawOver(left=0)
    _set_aside(prizes, at)
    last = DrawRound.objects.filter(draw=draw).aggregate(last=Max("number"))["last"] or 0
    seed = secrets.token_bytes(draw_recipe.SEED_BYTES)
    return DrawRound.objects.create(
        draw=draw,
        number=last + 1,
        code=f"{draw.code}-{last + 1}",
        seed=seed.hex(),
        seed_hash=draw_recipe.seed_hash(seed),
        prizes=[_published(prize) for prize in prizes],
        opened_at=at,
        closes_at=closes_at(draw, at, programs.current().zone),
    )


def close(round_: DrawRound, at: datetime) -> None:
    """Close a locked round: from now on its seed may be told; what is left goes back to the rewards."""
    round_.closed_at = at
    round_.save(update_fields=["closed_at"])
    _put_back(round_.draw_id, at)


def close_open(draw: Draw, at: datetime) -> DrawRound | None:
    """Close the open round of a locked draw and return it, if there was one."""
    found = open_of(draw)
    if found is not None:
        close(found, at)
    return found


def reschedule(draw: Draw) -> None:
    """Let the open round of a locked draw end when the draw, as it is now, says."""
    found = open_of(draw)
    if found is not None:
        found.closes_at = closes_at(draw, found.opened_at, programs.current().zone)
        found.save(update_fields=["closes_at"])


def closes_at(draw: Draw, at: datetime, zone: ZoneInfo) -> datetime | None:
    """When a round that is opened at a moment closes by itself: the end of the program's period or of the draw."""
    after = _day_after(draw.round_period, at.astimezone(zone).date())
    ends = [draw.ends_at, datetime.combine(after, time.min, zone) if after else None]
    return min((each for each in ends if each is not None), default=None)


def _day_after(period: str, today: date) -> date | None:
    """The first day after the day, week or month of today; None: no end."""
    if period == Draw.RoundPeriod.DAY:
        return today + timedelta(days=1)
    if period == Draw.RoundPeriod.WEEK:
        return today - timedelta(days=today.weekday()) + WEEK
    if period == Draw.RoundPeriod.MONTH:
        return (today.replace(day=1) + timedelta(days=31)).replace(day=1)
    return None


def open_of(draw: Draw) -> DrawRound | None:
    """The draw's open round, locked."""
    found = draw_queries.open_round(draw)
    return None if found is None else lock_open(found.pk)


def _open_if_possible(draw: Draw, at: datetime) -> DrawRound | None:
    if not draw_queries.is_running(draw, at):
        return None
    try:
        with transaction.atomic():
            return open_next(draw, at)
    except (DrawWithoutPrizes, DrawOver, PrizeNotCovered):
        return None  # the console says why


# ---- what rewards have to cover -------------------------------------------------------------------
def _set_aside(prizes: list[DrawPrize], at: datetime) -> None:
    """Take the pieces that can be won from the stock of their rewards, so that nobody else gets them."""
    for prize in sorted(prizes, key=lambda prize: (prize.reward_id or 0, prize.pk)):
        reward = prize.reward
        if reward is None or prize.stock == 0:
            continue
        stock = (
            Reward.objects.select_for_update(no_key=True).values_list("stock").get(pk=reward.pk)[0]
        )
        if stock is None:
            continue
        if prize.stock is None or not _take(prize, reward, at):
            raise PrizeNotCovered(prize=prize.name, reward=reward.name, left=stock)


def _take(prize: DrawPrize, reward: Reward, at: datetime) -> bool:
    pieces = prize.stock
    assert pieces is not None
    enough = Reward.objects.filter(pk=reward.pk, stock__gte=pieces)
    if not enough.update(stock=F("stock") - pieces):
        return False
    prize.set_aside = pieces
    prize.save(update_fields=["set_aside"])
    _note(reward.pk, -pieces, prize.draw_id, at)
    return True


def take_one(prize: DrawPrize) -> bool:
    """Take one piece of a prize, if there is one left; the row decides."""
    if prize.stock is None:
        return True
    rows = DrawPrize.objects.filter(pk=prize.pk, stock__gt=0)
    changed = rows.update(stock=F("stock") - 1, set_aside=Greatest(F("set_aside") - 1, 0))
    return changed == 1


def release_one(prize: DrawPrize, at: datetime) -> None:
    """Put the piece that was just won back on the reward's shelf, from which it is given in this transaction.

    What was published stands: where nothing was set aside because the reward had no stock then, it is given all the
    same, and the shelf stays as it is.
    """
    assert prize.reward_id is not None
    if Reward.objects.filter(pk=prize.reward_id, stock__isnull=False).update(stock=F("stock") + 1):
        _note(prize.reward_id, 1, prize.draw_id, at)


def _put_back(draw: int, at: datetime) -> None:
    kept = DrawPrize.objects.filter(draw=draw, set_aside__gt=0).order_by("reward_id", "id")
    for prize in kept:
        assert prize.reward_id is not None
        rewards = Reward.objects.filter(pk=prize.reward_id, stock__isnull=False)
        if rewards.update(stock=F("stock") + prize.set_aside):
            _note(prize.reward_id, prize.set_aside, draw, at)
        prize.set_aside = 0
        prize.save(update_fields=["set_aside"])


def _note(reward: int, pieces: int, draw: int, at: datetime) -> None:
    StockMovement.objects.create(
        reward_id=reward,
        pieces=pieces,
        cause=StockMovement.Cause.SET_ASIDE,
        note=Draw.objects.values_list("code", flat=True).get(pk=draw),
        at=at,
    )


def _published(prize: DrawPrize) -> dict[str, object]:
    return {
        "id": prize.pk,
        "name": prize.name,
        "kind": prize.kind,
        "reward": prize.reward.code if prize.reward else None,
        "points": prize.points,
        "weight": prize.weight,
        "stock": prize.stock,
    }
