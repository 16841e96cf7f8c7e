"""Campaigns at the console: list, page, editor, steps, versions."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from campaigns import editing
from campaigns.admin import contents, inputs
from campaigns.admin.campaign_form import CampaignForm
from campaigns.admin.campaign_page import Page
from campaigns.admin.quick import QuickCampaign, new_code
from campaigns.admin.replay import ReplayPages
from campaigns.admin.setup import SetupPages
from campaigns.admin.steps import CampaignSteps
from campaigns.admin.versions import CampaignVersions
from campaigns.models import Campaign
from campaigns.occasions import ORDER

FOR_ORDERS, FOR_EVENTS = "j-for-order", "j-for-event"


def _lines(prefix: str, section: tuple[inputs.Input, ...]) -> list[Any]:
    """The fields of a section: what belongs together stands side by side."""
    return [tuple(each.names(prefix).values()) for each in section]


#: The sections of the editor: title, lines of fields, classes.
SECTIONS: tuple[tuple[Any, list[Any], tuple[str, ...]], ...] = (
    (None, ["version", ("name", "code"), ("trigger", "trigger_other")], ()),
    (
        _("What it gives"),
        [
            "effect_type",
            ("effect_value", "effect_scope"),
            ("effect_points", "effect_amount", "effect_field"),
            ("effect_to", "effect_pending_days"),
            "effect_multiplied",
            "effect_reward",
            "effect_tickets",
            "effect_draw",
        ],
        (),
    ),
    (_("When"), [("starts_at", "ends_at"), *_lines("conditions", inputs.WHEN)], ()),
    (_("Who"), _lines("conditions", inputs.WHO), ("collapse",)),
    (_("Where"), [*_lines("conditions", inputs.WHERE)], ("collapse",)),
    (
        _("Which orders"),
        [
            ("conditions_min_amount", "conditions_max_amount"),
            *_lines("conditions", inputs.ORDERS[2:]),
        ],
        ("collapse", FOR_ORDERS),
    ),
    (
        _("Which items"),
        [
            ("conditions_categories", "conditions_exclude_categories"),
            ("conditions_skus", "conditions_exclude_skus"),
            ("conditions_brands", "conditions_exclude_brands"),
            ("conditions_tags", "conditions_exclude_tags"),
        ],
        ("collapse", FOR_ORDERS),
    ),
    (_("Which events"), _lines("conditions", inputs.EVENTS), ("collapse", FOR_EVENTS)),
    (_("How often before"), _lines("conditions", inputs.OFTEN), ("collapse",)),
    (
        _("Limits"),
        [
            ("limits_per_member_per_day", "limits_per_member_per_month", "limits_per_member"),
            ("limits_budget_points", "limits_on_exceed"),
        ],
        (),
    ),
    (
        _("Beside other campaigns"),
        [("combine_group", "combine_mode", "combine_priority")],
        ("collapse",),
    ),
    (_("Partner"), [("partner", "partner_share")], ("collapse",)),
    (_("For members"), ["description", "is_public"], ("collapse",)),
)


@admin.register(Campaign)
class CampaignAdmin(SetupPages, QuickCampaign, CampaignSteps, CampaignVersions, ReplayPages):
    """A campaign opens with its page; `?edit=1` is the form."""

    form = CampaignForm
    list_before_template = "admin/campaigns/campaign/before_list.html"
    actions_detail = (*CampaignSteps.actions_detail, "versions", "replay")
    change_form_outer_before_template = "admin/campaigns/campaign/before_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        return super().get_queryset(request).select_related("budget")

    def get_fieldsets(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        """The sections; those in which something is set are open."""
        filled = _filled(obj or _copied(request)) | _sent(request)
        return [
            (title, {"fields": lines, "classes": _classes(lines, classes, filled)})
            for title, lines, classes in SECTIONS
        ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new campaign doubles points; made from another one it says the same, without a window."""
        original = _copied(request)
        if original is None:
            return {**contents.shown({}), "trigger": ORDER}
        return {
            **contents.shown(contents.stored_parts(original)),
            "name": gettext("%(name)s (copy)") % {"name": original.name[:90]},
            "trigger": original.trigger,
            "description": original.description,
            "is_public": original.is_public,
            "partner": original.partner or "",
            "partner_share": contents.share_shown(original.partner_share),
        }

    # ---- page and form --------------------------------------------------------------------------
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method == "GET" and not self._is_editing(request):
            return self._page(request, object_id)
        titled = {**(extra_context or {}), "show_save_and_add_another": False}
        return super().change_view(request, object_id, form_url, titled)

    def _is_editing(self, request: HttpRequest) -> bool:
        return "edit" in request.GET and request.user.has_perm("campaigns.change_campaign")

    def _page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        campaign = get_object_or_404(self.get_queryset(request), pk=_key(object_id))
        if not self.has_view_permission(request, campaign):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": campaign.name,
            "model_admin": self,
            "page": Page(campaign, request.user, timezone.now()),
            "campaign": campaign,
        }
        return TemplateResponse(request, "admin/campaigns/campaign/page.html", context)

    # ---- saving ---------------------------------------------------------------------------------
    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> Campaign:
        at = timezone.now()
        said = {"code": new_code("campaign", at), **values}
        return editing.create(changes=said, by=request.user.get_username(), at=at)

    def change(self, request: HttpRequest, row: Campaign, values: Mapping[str, Any]) -> Campaign:
        by = request.user.get_username()
        return editing.change(campaign=row, changes=values, by=by, at=timezone.now())

    def response_add(
        self, request: HttpRequest, obj: Campaign, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._after(request, obj, super().response_add(request, obj, post_url_continue))

    def response_change(self, request: HttpRequest, obj: Campaign) -> HttpResponse:
        return self._after(request, obj, super().response_change(request, obj))

    def _after(
        self, request: HttpRequest, campaign: Campaign, usual: HttpResponse
    ) -> HttpResponse:
        """The campaign's page, or the form again."""
        if "_addanother" in request.POST:
            return usual
        address = reverse("admin:campaigns_campaign_change", args=[campaign.pk])
        return HttpResponseRedirect(
            f"{address}?edit=1" if "_continue" in request.POST else address
        )


def _key(object_id: str) -> int:
    return int(object_id) if object_id.isascii() and object_id.isdigit() else 0


def _copied(request: HttpRequest) -> Campaign | None:
    """The campaign from which a new one is made."""
    key = request.GET.get("from", "")
    return Campaign.objects.filter(pk=_key(key)).first() if key else None


def _filled(campaign: Campaign | None) -> set[str]:
    """The fields in which something is set."""
    if campaign is None:
        return set()
    shown = contents.shown(contents.stored_parts(campaign))
    plain = {name: getattr(campaign, name) for name in ("description", "partner")}
    usual = {
        "combine_mode": "stack",
        "combine_priority": 0,
        "conditions_period_count_unit": "orders",
    }
    return {
        name
        for name, value in {**shown, **plain}.items()
        if not inputs.is_empty(value) and usual.get(name) != value
    }


def _sent(request: HttpRequest) -> set[str]:
    """The fields that come filled in, so that a section with an error is open."""
    known = [name for _title, lines, _classes in SECTIONS for name in _names(lines)]
    sent = [name for name, value in request.POST.items() if value not in ("", "orders", "stack")]
    return {name for name in known for each in sent if each == name or each.startswith(f"{name}_")}


def _names(lines: list[Any]) -> set[str]:
    return {name for line in lines for name in ((line,) if isinstance(line, str) else line)}


def _classes(lines: list[Any], classes: tuple[str, ...], filled: set[str]) -> list[str]:
    is_open = bool(_names(lines) & filled)
    return [each for each in classes if not (is_open and each == "collapse")]
