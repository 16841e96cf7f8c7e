"""What a reward costs: the price of the member's tier, floating, a running offer, a variant's points on top."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q, Sum

from loyalty import queries as loyalty_queries
from members import validation
from members.models import Member
from rewards import floating
from rewards.floating import Facts, Step
from rewards.models import Offer, PriceQuote, Redemption, Reward, Variant

#: How long a floating price stands that a member was told.
QUOTE_STANDS = timedelta(minutes=10)

_CALLED_OFF = Q(state=Redemption.State.CANCELLED) | Q(
    state=Redemption.State.EXPIRED, reserved_until__isnull=False
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What one piece costs; `regular` would be its points without the offer.

    `steps` explain the points: each tells its `kind`, its figures and the `points` up to there, the last one the price.
    `stands_until` is the end of the member's quote.
    """

    points: int
    cash: Decimal
    offer: Offer | None
    steps: list[Step]
    regular: int
    stands_until: datetime | None


def price_for(
    *,
    reward: Reward,
    member: Member | None,
    variant: Variant | None,
    at: datetime,
    offer: Offer | None = None,
) -> Price:
    """The price of one piece for a member (None: for nobody in particular) at a moment.

    `offer` is the one that was named: its price counts, also where another one (or none) would be cheaper.
    """
    return _priced(reward, variant, _around([reward], member, at, named=offer))


def prices_for(
    *, rewards: Sequence[Reward], member: Member | None, at: datetime
) -> dict[int, Price]:
    """The prices of many rewards by reward id, in the same number of queries for any number."""
    around = _around(rewards, member, at)
    return {each.pk: _priced(each, None, around) for each in rewards}


def prices_by_tier(
    *, rewards: Sequence[Reward], tiers: Iterable[str], at: datetime
) -> dict[tuple[int, str], Price]:
    """The prices of rewards (ids) for tiers (codes), whatever a single member was told or has used up."""
    around = _around(rewards, None, at)
    return {
        (each.pk, tier): _priced(each, None, replace(around, tier=tier))
        for tier in tiers
        for each in rewards
    }


def quote(*, reward: Reward, member: Member, variant: Variant | None, at: datetime) -> Price:
    """The price as the member is told it: a floating one is noted and stands for ten minutes."""
    standing = PriceQuote.objects.filter(member=member, reward=reward)
    if reward.pricing and not standing.filter(expires_at__gt=at).exists():
        steps = _floated(reward, _around([reward], None, at, tier=member.tier.code))
        told = {
            "points": steps[-1]["points"],
            "steps": steps,
            "quoted_at": at,
            "expires_at": at + QUOTE_STANDS,
        }
        # Whoever else tells the member a price at this very moment: the first one stands.
        if not standing.filter(expires_at__lte=at).update(**told):
            row = PriceQuote(member=member, reward=reward, **told)
            PriceQuote.objects.bulk_create([row], ignore_conflicts=True)
    return price_for(reward=reward, member=member, variant=variant, at=at)


# ---- what prices depend on --------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class _Around:
    """What was read for the prices of some rewards, each by reward id."""

    tier: str | None
    named: Offer | None = None
    day: date | None = None
    offers: dict[int, list[Offer]] = field(default_factory=dict)
    quotes: dict[int, PriceQuote] = field(default_factory=dict)
    lately: dict[int, int] = field(default_factory=dict)
    before: dict[int, int] = field(default_factory=dict)


def _around(
    rewards: Iterable[Reward],
    member: Member | None,
    at: datetime,
    *,
    tier: str | None = None,
    named: Offer | None = None,
) -> _Around:
    rewards = list(rewards)
    around = _Around(tier=member.tier.code if member else tier, named=named)
    for offer in _running(rewards, member, at) if named is None else ():
        around.offers.setdefault(offer.reward_id, []).append(offer)
    floating_ones = [each for each in rewards if each.pricing]
    if floating_ones:
        around.day = at.astimezone(loyalty_queries.program().zone).date()
        if member is not None:
            told = PriceQuote.objects.filter(
                member=member, reward__in=floating_ones, expires_at__gt=at
            )
            around.quotes = {each.reward_id: each for each in told}
        # What a member was told already need not be counted again.
        open_ones = [each for each in floating_ones if each.pk not in around.quotes]
        followed = [each.pk for each in open_ones if floating.asks_for_demand(each.pricing)]
        if followed:
            _read_demand(around, followed, at)
    return around


def _running(rewards: Sequence[Reward], member: Member | None, at: datetime) -> list[Offer]:
    """The offers that run, have pieces left, and are not used up by the member."""
    found = list(
        Offer.objects.filter(reward__in=rewards, active=True, starts_at__lte=at, ends_at__gt=at)
        .exclude(stock=0)
        .order_by("points", "id")
    )
    limited = [each.pk for each in found if each.per_member is not None]
    if member is None or not limited:
        return found
    had = pieces_on_offers(member=member, offers=limited)
    return [each for each in found if each.per_member is None or had[each.pk] < each.per_member]


def pieces_on_offers(*, member: Member, offers: Collection[int]) -> dict[int, int]:
    """How many pieces the member has had on each of these offers (ids)."""
    taken = Redemption.objects.filter(member=member, offer__in=offers).exclude(_CALLED_OFF)
    sums = taken.order_by().values_list("offer").annotate(Sum("quantity"))
    return dict.fromkeys(offers, 0) | dict(sums)


def _read_demand(around: _Around, rewards: Sequence[int], at: datetime) -> None:
    since = at - floating.RECENT
    redeemed = Redemption.objects.filter(
        reward__in=rewards,
        points__gt=0,  # what was given is no demand
        redeemed_at__gte=since - floating.BEFORE,
        redeemed_at__lt=at,
    ).exclude(_CALLED_OFF)
    sums = (
        redeemed.order_by()
        .values("reward")
        .annotate(
            lately=Sum("quantity", filter=Q(redeemed_at__gte=since), default=0),
            before=Sum("quantity", filter=Q(redeemed_at__lt=since), default=0),
        )
    )
    for reward, lately, before in sums.values_list("reward", "lately", "before"):
        around.lately[reward] = lately
        around.before[reward] = before


# ---- one price --------------------------------------------------------------------------------------


def _priced(reward: Reward, variant: Variant | None, around: _Around) -> Price:
    quoted = around.quotes.get(reward.pk) if reward.pricing else None
    steps = list(quoted.steps) if quoted else _floated(reward, around)
    regular, cash = steps[-1]["points"], reward.cash
    offer = around.named or _cheapest(around.offers.get(reward.pk, ()), regular, cash)
    if offer is not None:
        steps.append({"kind": "offer", "offer": offer.code, "points": offer.points})
        cash = _cash(offer, reward.cash)
    if variant is not None and variant.extra_points:
        points = min(steps[-1]["points"] + variant.extra_points, validation.LARGEST)
        regular = min(regular + variant.extra_points, validation.LARGEST)
        steps.append(
            {
                "kind": "variant",
                "variant": variant.code,
                "extra_points": variant.extra_points,
                "points": points,
            }
        )
    return Price(
        points=steps[-1]["points"],
        cash=cash,
        offer=offer,
        steps=steps,
        regular=regular,
        stands_until=quoted.expires_at if quoted else None,
    )


def _floated(reward: Reward, around: _Around) -> list[Step]:
    """The price before offers: base or tier price, then what makes it float."""
    steps: list[Step] = [{"kind": "base", "points": reward.points}]
    if around.tier is not None and around.tier in reward.tier_prices:
        points = reward.tier_prices[around.tier]
        steps.append({"kind": "tier", "tier": around.tier, "points": points})
    if reward.pricing:
        assert around.day is not None
        facts = Facts(
            left=reward.stock,
            start=reward.stock_start,
            day=around.day,
            lately=around.lately.get(reward.pk, 0),
            before=around.before.get(reward.pk, 0),
        )
        base = steps[-1]["points"]
        steps += floating.steps_of(pricing=reward.pricing, base=base, facts=facts)
    return steps


def _cheapest(offers: Iterable[Offer], points: int, cash: Decimal) -> Offer | None:
    """The offer that costs less than this, in points or in money, and in neither more."""
    cheaper = [
        each
        for each in offers
        if each.points <= points
        and _cash(each, cash) <= cash
        and (each.points < points or _cash(each, cash) < cash)
    ]
    return min(cheaper, key=lambda each: (each.points, _cash(each, cash), each.pk), default=None)


def _cash(offer: Offer, otherwise: Decimal) -> Decimal:
    return otherwise if offer.cash is None else offer.cash
