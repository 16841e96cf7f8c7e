"""Questions about draws, their rounds and the goes at them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

from django.db.models import Count, F, Prefetch, Q, QuerySet, prefetch_related_objects
from django.utils.translation import pgettext

from loyalty import queries as loyalty_queries
from loyalty.queries import Figures
from members import validation
from members.errors import NotFound
from members.models import Member
from rewards import queries
from rewards.models import Draw, DrawPlay, DrawPrize, DrawRound, Reward, Voucher


# ---- draws ----------------------------------------------------------------------------------------
def draws() -> QuerySet[Draw]:
    """All draws, the newest first."""
    return Draw.objects.order_by("-id")


def draw(code: str, pointer: str = "") -> Draw:
    """The draw with this code, running or not. Raises NotFound."""
    found = draws().filter(code=code).first() if validation.is_storable(code) else None
    if found is None:
        raise NotFound(pgettext("prize draw", "Draw"), pointer)
    return found


def running(at: datetime) -> QuerySet[Draw]:
    """What one can have a go at at a moment, the newest first."""
    has_begun = Q(starts_at=None) | Q(starts_at__lte=at)
    goes_on = Q(ends_at=None) | Q(ends_at__gt=at)
    return draws().filter(has_begun, goes_on, active=True)


def is_running(draw: Draw, at: datetime) -> bool:
    """Whether one can have a go at it: switched on, begun, and not ended."""
    has_begun = draw.starts_at is None or draw.starts_at <= at
    goes_on = draw.ends_at is None or at < draw.ends_at
    return draw.active and has_begun and goes_on


def prizes_of(draw: Draw) -> list[DrawPrize]:
    """What can be won in the draw's next or open round, in the order of publishing."""
    return list(_prizes().filter(draw=draw))


def prizes_of_all(draws: Iterable[Draw]) -> dict[int, list[DrawPrize]]:
    """The prizes of many draws by draw id, in one query."""
    prizes: dict[int, list[DrawPrize]] = {each.pk: [] for each in draws}
    for prize in _prizes().filter(draw__in=prizes):
        prizes[prize.draw_id].append(prize)
    return prizes


def _prizes() -> QuerySet[DrawPrize]:
    """What can be won, in the order of publishing, each with `picture_digest`: that of its reward's picture."""
    found: QuerySet[DrawPrize] = DrawPrize.objects.filter(active=True).annotate(
        picture_digest=F("reward__picture__digest")
    )
    return found.select_related("reward").order_by("position")


def load(draws: Sequence[Draw]) -> None:
    """Read for many draws at once what is shown of them: `open_rounds` (one or none) and `prizes_now`."""
    prefetch_related_objects(draws, *with_rounds(), Prefetch("prizes", _prizes(), "prizes_now"))


def with_rounds() -> list[Prefetch[Any]]:
    """For `prefetch_related`: the open round of each draw, as `open_rounds` (one or none)."""
    still_open = DrawRound.objects.filter(closed_at=None)
    return [Prefetch("rounds", still_open, "open_rounds")]


def is_left(prize: DrawPrize) -> bool:
    """Whether the prize can be won still."""
    return prize.stock is None or prize.stock > 0


def odds(prizes: Iterable[DrawPrize]) -> dict[int, Fraction]:
    """The chance of each prize (by id) at the next ticket; 0 for those that are gone."""
    prizes = list(prizes)
    weights = sum(prize.weight for prize in prizes if is_left(prize))
    return {
        prize.pk: Fraction(prize.weight, weights) if is_left(prize) else Fraction(0)
        for prize in prizes
    }


# ---- rounds ---------------------------------------------------------------------------------------
def rounds() -> QuerySet[DrawRound]:
    """All rounds with their draw, the newest first."""
    return DrawRound.objects.select_related("draw").order_by("-opened_at", "-id")


def rounds_of(draw: Draw) -> QuerySet[DrawRound]:
    """The draw's rounds, the newest first."""
    return rounds().filter(draw=draw)


def round_of(code: str) -> DrawRound:
    """The round with this id. Raises NotFound."""
    found = rounds().filter(code=code).first() if validation.is_storable(code) else None
    if found is None:
        raise NotFound(pgettext("prize draw", "Round"))
    return found


def open_round(draw: Draw | int) -> DrawRound | None:
    """The round that tickets are drawn in, if there is one."""
    return DrawRound.objects.filter(draw=draw, closed_at=None).first()


# ---- goes -----------------------------------------------------------------------------------------
def plays() -> QuerySet[DrawPlay]:
    """All goes with what is shown of them, the newest first; `picture_digest` is that of the reward's picture."""
    related = ("round__draw", "member__tier", "prize__reward", "voucher", "redemption")
    found: QuerySet[DrawPlay] = DrawPlay.objects.annotate(
        picture_digest=F("prize__reward__picture__digest")
    )
    return found.select_related(*related).order_by("-drawn_at", "-id")


def plays_of(member: Member) -> QuerySet[DrawPlay]:
    """The member's goes, the newest first."""
    return plays().filter(member=member)


def play_by_reference(*, member: Member, reference: str) -> DrawPlay | None:
    """The member's go under this reference, if there was one."""
    return plays_of(member).filter(reference=reference).first()


def tickets_drawn(round_: DrawRound) -> QuerySet[DrawPlay, tuple[int, str, str, int]]:
    """What is published of a round's tickets, in their order: (number, member number, digest, prize id)."""
    found = DrawPlay.objects.filter(round=round_).order_by("number")
    return found.values_list("number", "member_number", "digest", "prize_id")


def goes_taken(*, member: Member, draws: Iterable[Draw], at: datetime) -> dict[int, int]:
    """How many goes the member has had in the current period of each draw (by id) that limits them; else 0."""
    taken = {each.pk: 0 for each in draws}
    limited = [each for each in draws if each.per_member is not None]
    if limited:
        zone = loyalty_queries.program().zone
        counted = Q(pk__in=())
        for period in Reward.Period.values:
            of_period = [each.pk for each in limited if each.per_member_period == period]
            within = queries.period_of(period, at, zone)
            started = Q(drawn_at__gte=within[0], drawn_at__lt=within[1]) if within else Q()
            counted |= Q(round__draw__in=of_period) & started
        counts = DrawPlay.objects.filter(counted, member=member).order_by()
        taken |= dict(counts.values_list("round__draw").annotate(Count("pk")))
    return taken


# ---- tickets --------------------------------------------------------------------------------------
def tickets_of(*, member: Member, at: datetime) -> QuerySet[Voucher]:
    """The member's tickets that can be used at a moment, those that expire first on top."""
    begun = Q(active_from=None) | Q(active_from__lte=at)
    good = Q(expires_at=None) | Q(expires_at__gt=at)
    still_open = Q(state__in=[Voucher.State.ACTIVE, Voucher.State.INACTIVE])
    found = Voucher.objects.filter(
        begun, good, still_open, member=member, reward__kind=Reward.Kind.DRAW_TICKET
    )
    return found.select_related("reward").order_by("expires_at", "id")


def tickets_for(*, member: Member, draw: Draw, at: datetime) -> QuerySet[Voucher]:
    """The member's tickets for a draw: those of this draw and those of any."""
    of_draw = Q(reward__draw=draw) | Q(reward__draw=None)
    return tickets_of(member=member, at=at).filter(of_draw)


# ---- a draw as a member sees it -------------------------------------------------------------------
@dataclass(frozen=True, kw_only=True, slots=True)
class Chance:
    """A draw as one member sees it.

    `tickets` are those good for it, `goes_left` None without a limit, `missing` the points that a go without a ticket
    still needs (a debt included), None where points buy no go.
    """

    draw: Draw
    tickets: int
    goes_left: int | None
    eligible: bool
    missing: int | None

    @property
    def can_pay(self) -> bool:
        """Whether there is a ticket, or points enough."""
        return self.tickets > 0 or self.missing == 0

    @property
    def can_go(self) -> bool:
        """Whether the member may have a go, as far as the member is concerned."""
        return self.eligible and self.can_pay and self.goes_left != 0


def chances_for(
    *, member: Member, draws: Iterable[Draw], figures: Figures, at: datetime
) -> list[Chance]:
    """The draws as a member sees them, in two queries."""
    draws = list(draws)
    taken = goes_taken(member=member, draws=draws, at=at)
    good_for: list[int | None] = [
        draw for (draw,) in tickets_of(member=member, at=at).values_list("reward__draw")
    ]
    owned = figures.active - figures.debt
    return [
        Chance(
            draw=each,
            tickets=good_for.count(each.pk) + good_for.count(None),
            goes_left=None
            if each.per_member is None
            else max(0, each.per_member - taken[each.pk]),
            eligible=is_for(each, member),
            missing=None if each.points is None else max(0, each.points - owned),
        )
        for each in draws
    ]


def is_for(draw: Draw, member: Member) -> bool:
    """Whether the member's tier may have a go."""
    return not draw.tiers or member.tier.code in draw.tiers


def published_prizes(round_: DrawRound) -> list[dict[str, Any]]:
    """The prizes of a round as they were published, with what is left of each of them (None: unlimited)."""
    if round_.closed_at is None:
        ids = [each["id"] for each in round_.prizes]
        left = dict(DrawPrize.objects.filter(pk__in=ids).values_list("pk", "stock"))
        return [{**each, "left": left[each["id"]]} for each in round_.prizes]
    won = won_in(round_)
    return [
        {**each, "left": None if each["stock"] is None else each["stock"] - won.get(each["id"], 0)}
        for each in round_.prizes
    ]


def won_in(round_: DrawRound) -> dict[int, int]:
    """How often each prize (by id) was won in a round."""
    found = DrawPlay.objects.filter(round=round_).order_by().values_list("prize")
    return dict(found.annotate(Count("pk")))
