"""The look of the console (django-unfold): brand, colours and what stands in the sidebar."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

MOST_COUNTED = 100


def _style(_request: HttpRequest) -> str:
    return static("console/console.css")


def _campaigns_style(_request: HttpRequest) -> str:
    return static("console/campaigns.css")


def _favicon(_request: HttpRequest) -> str:
    return static("img/favicon.svg")


def _may(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)


def _to_decide(request: HttpRequest) -> int:
    """How many adjustments wait for this person's decision."""
    if not request.user.has_perm("loyalty.approve_adjustment"):
        return 0
    from loyalty import queries  # the settings are read before there are models

    waiting = queries.adjustments_to_decide(by=request.user.get_username())
    return len(waiting.values_list("pk")[:MOST_COUNTED])


def _to_approve(request: HttpRequest) -> int:
    """How many campaigns wait for this person's approval."""
    if not request.user.has_perm("campaigns.approve_campaign"):
        return 0
    from campaigns import queries  # the settings are read before there are models

    waiting = queries.to_approve(by=request.user.get_username())
    return len(waiting.values_list("pk")[:MOST_COUNTED])


def _badged(item: dict[str, Any], request: HttpRequest) -> dict[str, Any]:
    """The item with the number of what waits there, if anything does."""
    count = item["count"](request) if "count" in item else 0
    return {**item, "badge": count, "badge_variant": "warning"} if count else item


def _item(title: Any, icon: str, screen: str, permission: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{screen}_changelist"),
        "permission": _may(permission),
    }


def _navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups with what this person may open; a group without anything is left out."""
    groups = [
        {
            **group,
            "items": [
                _badged(item, request) for item in group["items"] if item["permission"](request)
            ],
        }
        for group in NAVIGATION
    ]
    home = {"title": _("Today"), "icon": "monitoring", "link": reverse("admin:index")}
    return [{"items": [home]}, *(group for group in groups if group["items"])]


NAVIGATION: list[dict[str, Any]] = [
    {
        "title": _("Counter"),
        "separator": True,
        "items": [
            _item(_("Vouchers"), "qr_code_scanner", "rewards_voucher", "rewards.view_voucher"),
            _item(_("Members"), "group", "members_member", "members.view_member"),
            _item(
                pgettext_lazy("inbox", "Messages"),
                "notifications",
                "members_message",
                "members.view_message",
            ),
            _item(
                _("Tier history"), "trending_up", "members_tierchange", "members.view_tierchange"
            ),
        ],
    },
    {
        "title": _("Points"),
        "separator": True,
        "items": [
            _item(_("Orders"), "receipt_long", "loyalty_order", "loyalty.view_order"),
            _item(_("Entries"), "swap_vert", "loyalty_entry", "loyalty.view_entry"),
            {
                **_item(_("Adjustments"), "tune", "loyalty_adjustment", "loyalty.view_adjustment"),
                "count": _to_decide,
            },
            _item(_("Books"), "menu_book", "loyalty_daysheet", "loyalty.view_daysheet"),
            _item(_("Holds"), "lock_clock", "loyalty_hold", "loyalty.view_hold"),
            _item(_("Transfers"), "send", "loyalty_transfer", "loyalty.view_transfer"),
            _item(
                _("Donations"), "volunteer_activism", "loyalty_donation", "loyalty.view_donation"
            ),
            _item(_("Buy-backs"), "currency_exchange", "loyalty_buyback", "loyalty.view_buyback"),
        ],
    },
    {
        "title": _("Campaigns"),
        "separator": True,
        "items": [
            {
                **_item(
                    _("Campaigns"), "campaign", "campaigns_campaign", "campaigns.view_campaign"
                ),
                "count": _to_approve,
            },
            _item(_("Segments"), "groups", "campaigns_segment", "campaigns.view_segment"),
            _item(
                _("Points for segments"),
                "featured_seasonal_and_gifts",
                "campaigns_handout",
                "campaigns.view_handout",
            ),
            _item(_("Events"), "bolt", "campaigns_act", "campaigns.view_act"),
            _item(
                _("Campaign awards"),
                "loyalty",
                "campaigns_campaignaward",
                "campaigns.view_campaignaward",
            ),
            _item(
                _("Referrals"), "diversity_3", "campaigns_conversion", "campaigns.view_conversion"
            ),
            _item(_("Sign-ins"), "event_available", "campaigns_checkin", "campaigns.view_checkin"),
            _item(
                _("Benefits given"),
                "card_giftcard",
                "campaigns_benefitgrant",
                "campaigns.view_benefitgrant",
            ),
            _item(
                _("Sign-in settings"),
                "edit_calendar",
                "campaigns_signinsettings",
                "campaigns.view_signinsettings",
            ),
        ],
    },
    {
        "title": _("Rewards"),
        "separator": True,
        "items": [
            _item(_("Reward catalogue"), "redeem", "rewards_reward", "rewards.view_reward"),
            _item(_("Variants and sessions"), "style", "rewards_variant", "rewards.view_variant"),
            _item(_("Offers"), "local_fire_department", "rewards_offer", "rewards.view_offer"),
            _item(
                _("Voucher batches"),
                "local_activity",
                "rewards_voucherbatch",
                "rewards.view_voucherbatch",
            ),
            _item(
                _("Redemptions"),
                "confirmation_number",
                "rewards_redemption",
                "rewards.view_redemption",
            ),
            _item(
                _("Partners' codes"),
                "vpn_key",
                "rewards_partnercode",
                "rewards.view_partnercode",
            ),
            _item(
                _("Popularity and cost"),
                "bar_chart",
                "rewards_rewardreport",
                "rewards.view_rewardreport",
            ),
            _item(
                _("Donation projects"),
                "volunteer_activism",
                "rewards_donationproject",
                "rewards.view_donationproject",
            ),
            _item(
                pgettext_lazy("prize draw", "Draws"), "casino", "rewards_draw", "rewards.view_draw"
            ),
            _item(
                _("Draw rounds"),
                "history_toggle_off",
                "rewards_drawround",
                "rewards.view_drawround",
            ),
            _item(
                _("Goes at draws"), "playing_cards", "rewards_drawplay", "rewards.view_drawplay"
            ),
        ],
    },
    {
        "title": _("Rules"),
        "separator": True,
        "items": [
            _item(_("Program"), "settings", "loyalty_program", "loyalty.view_program"),
            _item(_("Tiers"), "military_tech", "members_tier", "members.view_tier"),
            _item(_("Stores"), "storefront", "members_store", "members.view_store"),
            _item(
                _("Message templates"),
                "edit_note",
                "members_messagetemplate",
                "members.view_messagetemplate",
            ),
        ],
    },
    {
        "title": _("Administration"),
        "separator": True,
        "items": [
            _item(_("Staff"), "badge", "members_user", "members.view_user"),
            _item(_("Roles"), "shield_person", "auth_group", "auth.view_group"),
            _item(_("API keys"), "key", "members_apiclient", "members.view_apiclient"),
            _item(_("Background jobs"), "hourglass_top", "members_job", "members.view_job"),
            _item(
                _("Timetable"),
                "schedule",
                "django_celery_beat_periodictask",
                "django_celery_beat.view_periodictask",
            ),
        ],
    },
]

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Jifen",
    "SITE_HEADER": "Jifen 积分",
    "SITE_SUBHEADER": _("Console"),
    "SITE_SYMBOL": "loyalty",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _favicon}],
    "SITE_URL": "/",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "SHOW_LANGUAGES": False,
    "ENVIRONMENT": "config.console.environment",
    "DASHBOARD_CALLBACK": "config.console.dashboard",
    "LOGIN": {"form": "config.console.SignInForm"},
    "STYLES": [_style, _campaigns_style],
    "BORDER_RADIUS": "8px",
    # The portal's jade (#1f6a55) and warm greys.
    "COLORS": {
        "base": {
            "50": "oklch(98.2% .003 95)",
            "100": "oklch(96.2% .005 95)",
            "200": "oklch(91.8% .007 95)",
            "300": "oklch(86.2% .009 95)",
            "400": "oklch(69% .012 120)",
            "500": "oklch(53.5% .012 140)",
            "600": "oklch(43.5% .012 150)",
            "700": "oklch(36% .012 155)",
            "800": "oklch(26.8% .011 160)",
            "900": "oklch(20.4% .01 165)",
            "950": "oklch(14.5% .008 165)",
        },
        "primary": {
            "50": "oklch(97.2% .016 170)",
            "100": "oklch(93.8% .03 168)",
            "200": "oklch(88.5% .052 167)",
            "300": "oklch(80.5% .082 166)",
            "400": "oklch(70.5% .098 166)",
            "500": "oklch(58.5% .096 166)",
            "600": "oklch(47.6% .083 166)",
            "700": "oklch(41.5% .073 166)",
            "800": "oklch(35.8% .062 166)",
            "900": "oklch(30.5% .051 166)",
            "950": "oklch(22% .037 166)",
        },
    },
    "SIDEBAR": {"show_search": False, "show_all_applications": False, "navigation": _navigation},
}
