"""A go at a draw: a ticket or points for one of the prizes, drawn by the recipe of `draw_recipe`."""

from dataclasses import dataclass
from datetime import datetime

from loyalty import awarding, programs, spending
from members import queries as member_queries
from members import transactions, validation
from members.errors import ReferenceReused
from members.models import Member
from rewards import draw_queries, draw_recipe, draw_rounds, draw_tickets, giving, queries
from rewards.draw_errors import DrawNotForTier, DrawNotOpen, DrawOver, GoesUsedUp, TicketNeeded
from rewards.errors import MonthlyCapReached
from rewards.giving import Gift
from rewards.models import Draw, DrawPlay, DrawPrize, DrawRound, Redemption, Voucher

# A round may be closed while one waits for it; then the next one is looked for, so often.
TRIES = 5

_REFERENCE = validation.text(longest=100, shortest=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlayRequest:
    """Who has a go at what: `member` is a number, `draw` a code, `reference` unique for the member for ever."""

    member: str
    draw: str
    reference: str


@dataclass(frozen=True, slots=True)
class Played:
    """A go, and whether this call made it."""

    play: DrawPlay
    is_new: bool


def play(*, request: PlayRequest, at: datetime) -> Played:
    """Use up the member's ticket that expires first, or take points, and draw a prize, which is given at once.

    The same reference again is the same go: nothing is taken. Raises NotFound, InvalidInput, ReferenceReused,
    MemberClosed, WalletFrozen, DrawNotOpen, DrawNotForTier, GoesUsedUp, MonthlyCapReached, DrawOver, TicketNeeded,
    InDebt or InsufficientPoints; then nothing is changed and the reference is not used up.
    """
    reference = _REFERENCE(request.reference, "/reference")
    found = member_queries.by_number(request.member, "/member")

    def work() -> Played:
        member = spending.lock_member(member=found, at=at)
        draw = draw_queries.draw(request.draw)
        known = draw_queries.play_by_reference(member=member, reference=reference)
        if known is not None:
            if known.round.draw_id != draw.pk:
                raise ReferenceReused(reference=reference)
            return Played(known, is_new=False)
        return Played(_Go(member, draw, reference, at).have(), is_new=True)

    done = transactions.in_transaction(work)
    # Read after the round was let go: others wait for it.
    return Played(draw_queries.plays().get(pk=done.play.pk), is_new=done.is_new)


@dataclass(frozen=True, slots=True)
class _Go:
    """One go, with the member's wallet locked."""

    member: Member
    draw: Draw
    reference: str
    at: datetime

    def have(self) -> DrawPlay:
        spending.check_may_spend(member=self.member)
        _refuse_unfit(self.draw, self.member, self.at)
        ticket = self._ticket()
        points = 0 if ticket else self.draw.points or 0
        _refuse_beyond_limits(self.draw, self.member, points, self.at)
        current = _current(self.draw, self.at)
        if points:
            self._pay(points)
        elif ticket is None:
            raise TicketNeeded
        # Last of all what everybody waits for.
        return self._draw(_locked(current, self.draw, self.at), ticket, points)

    # ---- what it costs --------------------------------------------------------------------------
    def _ticket(self) -> Voucher | None:
        found = draw_queries.tickets_for(member=self.member, draw=self.draw, at=self.at)
        uses = (
            ticket
            for ticket in found
            if draw_tickets.use_up(
                ticket=ticket, draw=self.draw, reference=self.reference, at=self.at
            )
        )
        return next(uses, None)

    def _pay(self, points: int) -> None:
        part = {"rule": self.draw.code, "title": self.draw.name, "kind": "draw", "points": -points}
        spending.spend(
            member=self.member,
            points=points,
            reference=f"draw/{self.reference}",
            details={"draw": self.draw.name},
            explanation=[part],
            at=self.at,
        )

    # ---- what it wins ---------------------------------------------------------------------------
    def _draw(self, round_: DrawRound, ticket: Voucher | None, points: int) -> DrawPlay:
        number = round_.tickets + 1
        digest = draw_recipe.drawn(
            seed=bytes.fromhex(round_.seed),
            round_id=round_.code,
            member=self.member.number,
            number=number,
        )
        left = [each for each in _prizes(round_) if draw_queries.is_left(each)]
        prize = _winner(left, digest)
        if not draw_rounds.take_one(prize):
            raise RuntimeError(f"a piece of prize {prize.pk} went without the lock of its round")
        round_.tickets = number
        round_.save(update_fields=["tickets"])
        made = DrawPlay.objects.create(
            round=round_,
            number=number,
            member=self.member,
            member_number=self.member.number,
            reference=self.reference,
            drawn_at=self.at,
            points=points,
            voucher=ticket,
            digest=digest,
            prize=prize,
            redemption=self._give(round_, number, prize),
        )
        if _was_last(prize, left):
            draw_rounds.close(round_, self.at)
        return made

    def _give(self, round_: DrawRound, number: int, prize: DrawPrize) -> Redemption | None:
        if prize.kind == DrawPrize.Kind.POINTS:
            self._credit(round_, number, prize)
        if prize.reward is None:
            return None
        draw_rounds.release_one(prize, self.at)
        gift = Gift(
            member=self.member.pk,
            reward=prize.reward.code,
            pieces=1,
            reference=f"draw/{round_.code}/{number}",
            title=self.draw.name,
        )
        made = giving.give(gift=gift, at=self.at)
        if made is None:
            raise RuntimeError(f"prize {prize.pk} was won but could not be given")
        return made

    def _credit(self, round_: DrawRound, number: int, prize: DrawPrize) -> None:
        assert prize.points is not None
        won = awarding.Award(
            member=self.member.pk,
            points=prize.points,
            reference=f"draw/{round_.code}/{number}",
            at=self.at,
            details={"title": f"{self.draw.name} · {prize.name}", "draw": self.draw.code},
            explanation=[
                {
                    "rule": self.draw.code,
                    "title": prize.name,
                    "kind": "bonus",
                    "points": prize.points,
                }
            ],
        )
        awarding.award_all(awards=[won], at=self.at)


# ---- may the member have a go? ----------------------------------------------------------------------
def _refuse_unfit(draw: Draw, member: Member, at: datetime) -> None:
    if not draw_queries.is_running(draw, at):
        raise DrawNotOpen
    if not draw_queries.is_for(draw, member):
        raise DrawNotForTier(tiers=draw.tiers)


def _refuse_beyond_limits(draw: Draw, member: Member, points: int, at: datetime) -> None:
    taken = draw_queries.goes_taken(member=member, draws=[draw], at=at)[draw.pk]
    if draw.per_member is not None and taken >= draw.per_member:
        raise GoesUsedUp(limit=draw.per_member, used=taken)
    program = programs.current()
    cap = program.monthly_redemption_cap
    if points and cap is not None:
        spent = queries.points_redeemed_this_month(member=member, at=at, zone=program.zone)
        if spent + points > cap:
            raise MonthlyCapReached(limit=cap, used=spent)


# ---- the round ------------------------------------------------------------------------------------
def _current(draw: Draw, at: datetime) -> DrawRound:
    """The round that is open, after one that is over was closed and the next one opened."""
    found = draw_queries.open_round(draw)
    if found is None or draw_rounds.is_over(found, at):
        found = draw_rounds.turn(draw=draw.pk, at=at)
    if found is None:
        prizes = draw_queries.prizes_of(draw)
        is_gone = bool(prizes) and not any(draw_queries.is_left(each) for each in prizes)
        raise DrawOver(left=0) if is_gone else DrawNotOpen
    return found


def _locked(current: DrawRound, draw: Draw, at: datetime) -> DrawRound:
    """The open round, locked: tickets are numbered one after the other."""
    for _try in range(TRIES):
        found = draw_rounds.lock_open(current.pk)
        if found is not None:
            return found
        current = _current(draw, at)
    raise DrawNotOpen


def _prizes(round_: DrawRound) -> list[DrawPrize]:
    """The prizes as they were published, with what is left of them."""
    found = DrawPrize.objects.select_related("reward").in_bulk(
        [each["id"] for each in round_.prizes]
    )
    return [found[each["id"]] for each in round_.prizes]


def _winner(left: list[DrawPrize], digest: str) -> DrawPrize:
    by_id = {each.pk: each for each in left}
    prizes = [draw_recipe.Prize(id=each.pk, weight=each.weight, stock=each.stock) for each in left]
    return by_id[draw_recipe.winner(digest=digest, in_stock=prizes).id]


def _was_last(prize: DrawPrize, left: list[DrawPrize]) -> bool:
    """Whether the last piece of all prizes was just won."""
    return left == [prize] and prize.stock == 1
