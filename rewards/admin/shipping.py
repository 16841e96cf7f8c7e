"""Parcels: addresses out as a file for the post, tracking numbers in, looked at first."""

import csv
import io
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import UnfoldAdminFileFieldWidget

from members.admin.base import ReadOnlyAdmin
from members.admin.transfer import harmless
from members.errors import InvalidInput
from rewards import queries, tracking
from rewards.models import Redemption, Reward
from rewards.pool_files import LARGEST, text_of

COLUMNS = (
    "number",
    "reward",
    "variant",
    "quantity",
    "name",
    "phone",
    "region",
    "address",
    "postcode",
    "carrier",
    "tracking",
)
MOST_PARCELS = 5_000
SHOWN = 200


class TrackingForm(forms.Form):
    file = forms.FileField(
        label=_("CSV file"),
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text=_(
            "The exported file with carrier and tracking filled in; lines without are left."
        ),
    )
    # What was looked at is what is done.
    text = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        upload = said.get("file")
        if upload is not None and upload.size > LARGEST:
            raise forms.ValidationError(gettext("The file is larger than 5 MB. Send it in parts."))
        if upload is None and not said.get("text"):
            raise forms.ValidationError(gettext("Choose a file."))
        said["content"] = upload.read() if upload else said["text"].encode("utf-8")
        return said


class Shipping(ReadOnlyAdmin):
    """The two buttons above the list of redemptions."""

    actions_list = ("export_addresses", "import_tracking")

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Addresses are personal: for those who send parcels and may see members' data unmasked."""
        needed = ("rewards.change_redemption", "members.change_member")
        return bool(request.user.has_perms(needed))

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("rewards.change_redemption"))

    @action(description=_("Addresses to send to (CSV)"), permissions=["export"], icon="download")
    def export_addresses(self, request: HttpRequest) -> HttpResponse:
        """Everything that is to be sent, the oldest first."""
        waiting = queries.redemptions().filter(
            state=Redemption.State.ISSUED, delivery=Reward.Delivery.SHIPPING
        )
        parcels = waiting.select_related("variant").order_by("redeemed_at", "id")
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows(_cells(each) for each in parcels[:MOST_PARCELS])
        body = text.getvalue().encode("utf-8-sig")
        name = f"parcels-{timezone.localdate():%Y%m%d}.csv"
        return HttpResponse(
            body,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    @action(description=_("Import tracking numbers"), permissions=["import"], icon="upload")
    def import_tracking(self, request: HttpRequest) -> HttpResponse:
        form = TrackingForm(request.POST or None, request.FILES or None)
        lines: list[tracking.Sending] = []
        if request.method == "POST" and form.is_valid():
            content = form.cleaned_data["content"]
            try:
                if form.cleaned_data["text"]:
                    return self._imported(request, content)
                lines = tracking.looked_at(file=content, at=timezone.now())
            except InvalidInput as problem:
                form.add_error("file", problem.detail)
            else:
                form = TrackingForm(initial={"text": text_of(content)})
        return TemplateResponse(
            request, "admin/rewards/redemption/tracking.html", self._context(request, form, lines)
        )

    def _imported(self, request: HttpRequest, content: bytes) -> HttpResponse:
        by = request.user.get_username()
        lines = tracking.fulfil_all(file=content, by=by, at=timezone.now())
        done = [each for each in lines if not each.problem]
        for each in done:
            assert each.redemption is not None
            self.log_change(request, each.redemption, gettext("Tracking number imported."))
        said = ngettext("%(count)d parcel is noted.", "%(count)d parcels are noted.", len(done))
        messages.success(request, said % {"count": len(done)})
        wrong = [each for each in lines if each.problem]
        if not wrong:
            return HttpResponseRedirect(reverse("admin:rewards_redemption_changelist"))
        context = self._context(request, TrackingForm(), wrong)
        return TemplateResponse(request, "admin/rewards/redemption/tracking.html", context)

    def _context(
        self, request: HttpRequest, form: TrackingForm, lines: list[tracking.Sending]
    ) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": gettext("Import tracking numbers"),
            "opts": self.opts,
            "form": form,
            "lines": lines[:SHOWN],
            "good": sum(not each.problem for each in lines),
            "wrong": sum(bool(each.problem) for each in lines),
        }


def _cells(parcel: Redemption) -> list[str]:
    said = parcel.address or {}
    variant = parcel.variant.name if parcel.variant else ""
    known = [parcel.number, parcel.reward.name, variant, str(parcel.quantity)]
    where = [str(said.get(name, "")) for name in COLUMNS[4:9]]
    return [harmless(cell) for cell in [*known, *where, parcel.carrier, parcel.tracking]]
