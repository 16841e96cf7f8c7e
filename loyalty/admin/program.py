from collections.abc import Mapping
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from loyalty import programs, switching
from loyalty.admin import payment_settings, transfer_settings
from loyalty.models import Program
from loyalty.switching import Changed
from members.admin.base import VerbAdmin

EXPIRIES = ("expiry", "status_expiry")
PARTS = ("policy", "months", "date")


class ProgramForm(transfer_settings.TransferSettingsForm, payment_settings.PaymentSettingsForm):
    class Meta:
        model = Program
        fields = "__all__"
        help_texts = {
            "earn_rate": _("1 gives one point per unit of money, before multipliers."),
            "point_value": _("What members see as the worth of their points."),
            "expiry_policy": _(
                "A change holds for points earned from now on. Points that never expired get an expiry when it is "
                "switched on, at least one full period from then."
            ),
            "expiry_months": _("Counts for the policies in months."),
            "expiry_date": _("Counts for a fixed day each year."),
            "status_expiry_months": _("Counts for the policies in months."),
            "status_expiry_date": _("Counts for a fixed day each year."),
            "return_grace_days": _(
                "So long points returned after their expiry can still be used."
            ),
            "monthly_redemption_cap": _("Empty: unlimited."),
            "campaigns_need_approval": _(
                "Who asks for a campaign to run never approves it; a running campaign is paused before it is changed."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for expiry in EXPIRIES:
            if field := self.fields.get(f"{expiry}_policy"):
                known = dict(Program.ExpiryPolicy.choices)
                field.choices = [(policy, known[policy]) for policy in programs.POLICIES]  # type: ignore[attr-defined]

    def _to_save(self) -> list[str]:
        """An expiry is changed as a whole: its policy, months and date together."""
        names = super()._to_save()
        for expiry in EXPIRIES:
            group = [f"{expiry}_{part}" for part in PARTS]
            if any(name in names for name in group):
                names = [name for name in names if name not in group] + group
        return names


@admin.register(Program)
class ProgramAdmin(
    transfer_settings.TransferSettingsShown, payment_settings.PaymentSettingsShown, VerbAdmin
):
    """The one row of settings: the list leads straight to it."""

    form = ProgramForm
    readonly_fields = ("payment_words",)
    fieldsets = (
        (None, {"fields": (("name", "currency", "time_zone"),)}),
        (
            _("Earning"),
            {
                "fields": (
                    ("earn_rate", "status_rate"),
                    ("rounding", "stacking"),
                    "award_on",
                )
            },
        ),
        (_("Worth and use"), {"fields": (("point_value", "monthly_redemption_cap"),)}),
        payment_settings.FIELDSET,
        transfer_settings.FIELDSET,
        (
            _("Validity"),
            {
                "fields": (
                    ("expiry_policy", "expiry_months", "expiry_date"),
                    ("status_expiry_policy", "status_expiry_months", "status_expiry_date"),
                    "pending_days",
                )
            },
        ),
        (_("Campaigns"), {"fields": ("campaigns_need_approval",)}),
        (_("Refunds"), {"fields": (("reversal", "return_grace_days"),)}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        address = reverse("admin:loyalty_program_change", args=[programs.current().pk])
        return HttpResponseRedirect(address)

    def change(self, request: HttpRequest, row: Program, values: Mapping[str, Any]) -> Program:
        changes = payment_settings.together(transfer_settings.together(values))
        for expiry in EXPIRIES:
            if f"{expiry}_policy" in changes:
                changes[expiry] = {part: changes.pop(f"{expiry}_{part}") for part in PARTS}
        changed = switching.change_program(changes=changes, at=timezone.now())
        if changed.dated != 0:
            messages.info(request, _said(changed))
        return changed.program


def _said(changed: Changed) -> str:
    """What switching expiry on did to the lots that never expired."""
    if changed.dated is None:
        return gettext(
            "The points that never expired get an expiry within minutes, at least one full period from now."
        )
    return ngettext(
        "%(lots)d lot that never expired got an expiry, at least one full period from now.",
        "%(lots)d lots that never expired got an expiry, at least one full period from now.",
        changed.dated,
    ) % {"lots": changed.dated}
