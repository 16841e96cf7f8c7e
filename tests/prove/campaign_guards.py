"""What the database refuses of what campaigns keep: a statement that breaks each guard."""

from typing import Any

from django.apps import apps

from campaigns import models
from rewards.models import Redemption, Reward


def again(table: str, **others: str) -> str:
    """The first row once more, under a new id."""
    found = (each for each in apps.get_models() if each._meta.db_table == table)
    (model,) = (each for each in found if not each._meta.proxy)
    columns = [str(each.column) for each in model._meta.concrete_fields if each.column != "id"]
    values = [others.get(column, column) for column in columns]
    quoted = ", ".join(f'"{column}"' for column in columns)
    chosen = ", ".join(f'"{value}"' if value in columns else value for value in values)
    return f"INSERT INTO {table} ({quoted}) SELECT {chosen} FROM {table} ORDER BY id LIMIT 1"


def _set(table: str, change: str) -> str:
    table = f"campaigns_{table}"
    return f"UPDATE {table} SET {change} WHERE id = (SELECT min(id) FROM {table})"


_ACT = "(SELECT min(id) FROM campaigns_act)"

VIOLATIONS: dict[str, list[str]] = {
    "act_once_per_reference": [again("campaigns_act")],
    "act_points_not_negative": [_set("act", "points = -1"), _set("act", "status_points = -1")],
    "benefitgrant_once_per_period": [again("campaigns_benefitgrant")],
    "campaigns_budget_campaign_id_key": [again("campaigns_budget")],
    "budget_not_negative": [_set("budget", "points = -1"), _set("budget", "used = -1")],
    "budget_used_within_points": [_set("budget", "used = points + 1")],
    # campaigns and their versions
    "campaigns_campaign_code_key": [again("campaigns_campaign")],
    "campaign_state_known": [_set("campaign", "state = 'asleep'")],
    "campaign_ends_after_start": [_set("campaign", "starts_at = now(), ends_at = now()")],
    "campaign_share_of_a_partner": [
        _set("campaign", "partner_share = 0.5, partner = NULL"),
        _set("campaign", "partner_share = -0.1, partner = 'bank'"),
        _set("campaign", "partner_share = 1.1, partner = 'bank'"),
    ],
    "campaign_approved_by_somebody_else": [
        _set("campaign", "requested_by = 'eve', approved_by = 'eve'")
    ],
    "campaign_version_positive": [_set("campaign", "version = 0")],
    "campaigns_campaign_version_check": [
        "ALTER TABLE campaigns_campaign DROP CONSTRAINT campaign_version_positive; "
        + _set("campaign", "version = -1")
    ],
    "campaignversion_number": [again("campaigns_campaignversion")],
    "campaignversion_number_positive": [_set("campaignversion", "number = 0")],
    "campaigns_campaignversion_number_check": [_set("campaignversion", "number = -1")],
    # awards
    "campaignaward_once_per_order": [again("campaigns_campaignaward")],
    "campaignaward_once_per_act": [again("campaigns_campaignaward", order_id="NULL", act_id=_ACT)],
    "campaignaward_of_order_or_act": [
        _set("campaignaward", "order_id = NULL"),
        _set("campaignaward", f"act_id = {_ACT}"),
    ],
    "campaignaward_figures_not_negative": [
        _set("campaignaward", "status_points = -1"),
        _set("campaignaward", "cut = -1"),
    ],
    "campaigns_campaignaward_pieces_check": [_set("campaignaward", "pieces = -1")],
    "campaigns_campaignaward_version_check": [_set("campaignaward", "version = -1")],
    "campaigns_campaignaward.act_id": [_set("campaignaward", "order_id = NULL, act_id = -1")],
    # sign-ins
    "checkin_once_per_day": [again("campaigns_checkin")],
    "checkin_figures": [_set("checkin", "streak = 0"), _set("checkin", "points = -1")],
    "campaigns_checkin_streak_check": [_set("checkin", "streak = -1")],
    "signinsettings_single_row": [_set("signinsettings", "id = 2")],
    "campaigns_signinsettings_make_up_cards_check": [_set("signinsettings", "make_up_cards = -1")],
    "campaigns_signinsettings_make_up_days_check": [_set("signinsettings", "make_up_days = -1")],
    "campaigns_signinsettings_make_up_points_check": [
        _set("signinsettings", "make_up_points = -1")
    ],
    # friends
    "conversion_once_per_referee": [again("campaigns_conversion")],
    "conversion_not_of_oneself": [_set("conversion", "referrer_id = referee_id")],
    "conversion_points_not_negative": [
        _set("conversion", "referrer_points = -1"),
        _set("conversion", "referee_points = -1"),
    ],
    "campaigns_conversion_version_check": [_set("conversion", "version = -1")],
    # segments
    "campaigns_segment_code_key": [again("campaigns_segment")],
    "campaigns_segment_position_check": [_set("segment", '"position" = -1')],
    "segment_size_not_negative": [_set("segment", "size = -1")],
    "segmentmember_once": [again("campaigns_segmentmember")],
    "campaigns_handout_code_key": [again("campaigns_handout")],
    "handout_points_positive": [_set("handout", "points = 0")],
}


def rows(*, member: Any, friend: Any, order: Any, at: Any) -> None:
    """A row in every table of the campaigns."""
    day = at.date()
    campaign = models.Campaign.objects.create(code="c", name="C", effect={"type": "bonus"})
    models.CampaignVersion.objects.create(campaign=campaign, number=1, content={}, at=at)
    models.Budget.objects.create(campaign=campaign, points=5)
    act = models.Act.objects.create(member=member, type="review", reference="a", at=at)
    said = {"campaign": campaign, "version": 1, "member": member, "day": day, "at": at}
    models.CampaignAward.objects.create(order=order, **said)
    models.CampaignAward.objects.create(act=act, **said)
    models.CheckIn.objects.create(member=member, day=day, at=at, streak=1)
    models.SignInSettings.objects.get_or_create(pk=1)
    models.Conversion.objects.create(
        campaign=campaign,
        version=1,
        referrer=friend,
        referee=member,
        order=order,
        at=at,
        day=day,
        active_from=at,
    )
    segment = models.Segment.objects.order_by("id")[0]
    models.SegmentMember.objects.create(segment=segment, member=member)
    models.Handout.objects.create(code="h", title="H", segment=segment, points=5)
    redemption = _redemption(member, at)
    models.BenefitGrant.objects.create(
        member=member, tier=member.tier, benefit="b", period="2026", redemption=redemption, at=at
    )


def _redemption(member: Any, at: Any) -> Any:
    reward = Reward.objects.create(code="mug", name="Mug", kind="gift", points=5)
    return Redemption.objects.create(
        number="R1",
        member=member,
        reward=reward,
        quantity=1,
        points=0,
        reference="g",
        redeemed_at=at,
    )
