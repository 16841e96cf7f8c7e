"""Questions about rewards, redemptions and vouchers."""

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from loyalty import queries as loyalty_queries
from members import codes, validation
from members.errors import NotFound
from members.models import Member
from rewards.models import Offer, Redemption, Reward, RewardPicture, Variant, Voucher
from rewards.voucher_errors import VoucherNotFound

# ---- rewards --------------------------------------------------------------------------------------


def reward(code: str, pointer: str = "") -> Reward:
    """The reward with this code, on sale or not. Raises NotFound."""
    found = rewards().filter(code=code).first() if validation.is_storable(code) else None
    if found is None:
        raise NotFound(_("Reward"), pointer)
    return found


def rewards() -> QuerySet[Reward]:
    """All rewards, the cheapest first."""
    return Reward.objects.order_by("points", "id")


def on_sale(at: datetime) -> QuerySet[Reward]:
    """What can be redeemed at a moment, sold out or not, the cheapest first."""
    has_begun = Q(starts_at=None) | Q(starts_at__lte=at)
    goes_on = Q(ends_at=None) | Q(ends_at__gt=at)
    return rewards().filter(has_begun, goes_on, of_open_projects(at), active=True)


def of_open_projects(at: datetime, *, begun_by: datetime | None = None) -> Q:
    """Not what gives to a project that takes nothing at a moment; one that begins by a later moment may count too."""
    has_begun = Q(project__starts_at=None) | Q(project__starts_at__lte=begun_by or at)
    goes_on = Q(project__ends_at=None) | Q(project__ends_at__gt=at)
    return Q(project=None) | Q(has_begun, goes_on, project__active=True)


def coming(at: datetime) -> QuerySet[Reward]:
    """What is announced and not on sale yet at a moment."""
    goes_on = Q(ends_at=None) | Q(ends_at__gt=at)
    return rewards().filter(goes_on, starts_at__gt=at, active=True)


def is_on_sale(reward: Reward, at: datetime) -> bool:
    """Whether the reward can be redeemed at a moment: on offer, begun, and not ended."""
    has_begun = reward.starts_at is None or reward.starts_at <= at
    goes_on = reward.ends_at is None or at < reward.ends_at
    return reward.active and has_begun and goes_on


def is_for(reward: Reward, member: Member) -> bool:
    """Whether the member's tier may have the reward."""
    return not reward.tiers or member.tier.code in reward.tiers


def on_sale_for(member: Member, at: datetime) -> QuerySet[Reward]:
    """What a member can redeem at a moment: what is on sale and what the member's tier may have early."""
    has_begun = Q(starts_at=None) | Q(starts_at__lte=at)
    is_early = Q(early_from__lte=at, early_tiers__contains=[member.tier.code])
    goes_on = Q(ends_at=None) | Q(ends_at__gt=at)
    return rewards().filter(has_begun | is_early, goes_on, of_open_projects(at), active=True)


def opens_at(reward: Reward, member: Member) -> datetime | None:
    """From when the member may have the reward; None: since ever."""
    is_early = reward.early_from is not None and member.tier.code in reward.early_tiers
    return reward.early_from if is_early else reward.starts_at


def shown(found: QuerySet[Reward]) -> QuerySet[Reward]:
    """Rewards with all that is shown of them; of the picture only what its address needs."""
    choices = Variant.objects.filter(reward=OuterRef("pk"), active=True)
    return found.select_related("draw", "project").annotate(
        needs_variant=Exists(choices),
        picture_digest=F("picture__digest"),
        picture_width=F("picture__width"),
        picture_height=F("picture__height"),
    )


def picture_digests(rewards: Iterable[int]) -> dict[int, str]:
    """What names the pictures of rewards (ids), by reward id, for those that have one."""
    found = RewardPicture.objects.filter(reward__in=list(rewards))
    return dict(found.values_list("reward", "digest"))


def shown_reward(code: str) -> Reward:
    """The reward with this code and all that is shown of it. Raises NotFound."""
    return shown(rewards()).get(pk=reward(code).pk)


def nearest(*, member: Member, at: datetime, available: int) -> Reward | None:
    """The cheapest reward that the member could have but for the points; None when there is none."""
    dearer = list(on_sale(at).filter(points__gt=available).exclude(stock=0))
    wished = [each for each in dearer if is_for(each, member)]
    taken = pieces_taken(member=member, rewards=wished, at=at)
    return next((each for each in wished if not _is_used_up(each, taken[each.pk])), None)


def _is_used_up(reward: Reward, taken: int) -> bool:
    return reward.per_member is not None and taken >= reward.per_member


# ---- variants and offers ----------------------------------------------------------------------------


def variants_of(reward: Reward) -> QuerySet[Variant]:
    """The reward's variants and sessions in the order they are shown."""
    return Variant.objects.filter(reward=reward).order_by("position", "id")


def variant(reward: Reward, code: str, pointer: str = "") -> Variant:
    """The reward's variant with this code, on offer or not. Raises NotFound."""
    found = variants_of(reward).filter(code=code).first() if validation.is_storable(code) else None
    if found is None:
        raise NotFound(pgettext("of a reward", "Variant"), pointer)
    return found


def offers() -> QuerySet[Offer]:
    """All offers with their reward, the newest first."""
    return Offer.objects.select_related("reward").order_by("-id")


def offer(code: str, pointer: str = "") -> Offer:
    """The offer with this code, running or not. Raises NotFound."""
    found = offers().filter(code=code).first() if validation.is_storable(code) else None
    if found is None:
        raise NotFound(_("Offer"), pointer)
    return found


# ---- limits ---------------------------------------------------------------------------------------


def period_of(period: str, at: datetime, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """First moment of the program's day or month around `at`, and first moment after it; None: ever."""
    today = at.astimezone(zone).date()
    if period == Reward.Period.DAY:
        first, after = today, today + timedelta(days=1)
    elif period == Reward.Period.MONTH:
        first = today.replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)
    else:
        return None
    return datetime.combine(first, time.min, zone), datetime.combine(after, time.min, zone)


def pieces_taken(*, member: Member, rewards: Iterable[Reward], at: datetime) -> dict[int, int]:
    """How many pieces the member has had in the current period of each reward, by reward id.

    Cancelled redemptions and drafts that have timed out do not count, nor do rewards without a limit (0).
    """
    taken = {each.pk: 0 for each in rewards}
    limited = [each for each in rewards if each.per_member is not None]
    if limited:
        zone = loyalty_queries.program().zone
        counted = Q(pk__in=())
        for period in Reward.Period.values:
            of_period = [each.pk for each in limited if each.per_member_period == period]
            counted |= Q(reward__in=of_period) & _redeemed_within(period_of(period, at, zone))
        sums = (
            _counting(member, at).filter(counted).values_list("reward").annotate(Sum("quantity"))
        )
        taken |= dict(sums)
    return taken


def points_redeemed_this_month(*, member: Member, at: datetime, zone: ZoneInfo) -> int:
    """What the member redeemed, or paid with points, in the program's month around `at`; open holds count too."""
    wallet = loyalty_queries.wallet_of(member=member)
    return loyalty_queries.points_redeemed_this_month(
        wallets=[wallet.pk, *wallet.merged_from], at=at, zone=zone
    )


def _counting(member: Member, at: datetime) -> QuerySet[Redemption]:
    """What counts for limits: not what was cancelled, nor drafts that have timed out, noted or not."""
    state = Redemption.State
    timed_out = Q(state__in=[state.RESERVED, state.EXPIRED], reserved_until__lte=at)
    of_member = Redemption.objects.filter(member=member).order_by()
    return of_member.exclude(Q(state=state.CANCELLED) | timed_out)


def _redeemed_within(period: tuple[datetime, datetime] | None) -> Q:
    if period is None:
        return Q()
    return Q(redeemed_at__gte=period[0], redeemed_at__lt=period[1])


# ---- redemptions and vouchers ---------------------------------------------------------------------


def redemptions() -> QuerySet[Redemption]:
    """All redemptions with reward, member and store, the newest first."""
    found = Redemption.objects.select_related("member__tier", "reward", "store")
    return found.order_by("-redeemed_at", "-id")


def redemptions_of(member: Member) -> QuerySet[Redemption]:
    """The member's redemptions, the newest first."""
    return redemptions().filter(member=member)


def open_drafts_of(*, member: Member, at: datetime) -> QuerySet[Redemption]:
    """What is set aside for the member until it is paid, the first to time out on top."""
    reserved = Redemption.objects.filter(
        member=member, state=Redemption.State.RESERVED, reserved_until__gt=at
    )
    return reserved.select_related("reward").order_by("reserved_until", "id")


def last_address_of(member: Member) -> dict[str, Any] | None:
    """Where something was sent to the member last, if ever."""
    sent = Redemption.objects.filter(
        member=member, delivery=Reward.Delivery.SHIPPING, address__isnull=False
    )
    last = sent.order_by("-redeemed_at", "-id").values_list("address", flat=True).first()
    return last if isinstance(last, dict) else None


def redemption(number: str, pointer: str = "") -> Redemption:
    """The redemption with this number. Raises NotFound."""
    plain = number.strip().upper()
    found = redemptions().filter(number=plain).first() if validation.is_storable(plain) else None
    if found is None:
        raise NotFound(_("Redemption"), pointer)
    return found


def redemption_by_reference(*, member: Member, reference: str) -> Redemption | None:
    """What the member redeemed under this reference, if anything."""
    known = Redemption.objects.filter(member=member, reference=reference)
    for pk in known.values_list("pk", flat=True):
        return redemptions().get(pk=pk)
    return None


def vouchers() -> QuerySet[Voucher]:
    """All vouchers with what is shown of them, the newest first."""
    found = Voucher.objects.select_related(
        "redemption__variant", "reward", "member__tier", "used_store", "used_order", "given_by"
    )
    return found.order_by("-issued_at", "-id")


def vouchers_of(member: Member) -> QuerySet[Voucher]:
    """The member's vouchers, the newest first."""
    return vouchers().filter(member=member)


def usable_vouchers_of(*, member: Member, at: datetime) -> QuerySet[Voucher]:
    """The member's vouchers that can be used at a moment or later, the newest first."""
    still_open = Q(state__in=[Voucher.State.ACTIVE, Voucher.State.INACTIVE])
    return vouchers_of(member).filter(still_open).exclude(expires_at__lte=at)


def vouchers_by_redemption(redemptions: Sequence[Redemption]) -> dict[int, list[Voucher]]:
    """The vouchers of many redemptions by redemption id, in one query."""
    found: dict[int, list[Voucher]] = {each.pk: [] for each in redemptions}
    for voucher in Voucher.objects.filter(redemption__in=redemptions).order_by("id"):
        found[voucher.redemption_id].append(voucher)
    return found


def voucher(code: str, pointer: str = "") -> Voucher:
    """The voucher with this code; case, blanks and dashes do not matter. Raises VoucherNotFound."""
    found = vouchers().filter(lookup=codes.tidy(code)).first()
    if found is None:
        raise VoucherNotFound(_("Voucher"), pointer)
    return found
