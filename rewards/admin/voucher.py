"""The voucher check: a code is typed or scanned, its state is said in words, and it is used once."""

from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from members import queries as member_queries
from members.admin.base import ReadOnlyAdmin
from members.errors import InvalidInput, NotFound, Refusal
from rewards import queries, vouchers
from rewards.models import Voucher

LAST_STORE = "console-last-store"
WORDS = {
    "inactive": _("Not active yet"),
    "active": _("Good: can be used now"),
    "used": _("Used already"),
    "expired": _("Expired"),
    "void": _("Void: its redemption was cancelled"),
}


class CodeForm(forms.Form):
    code = forms.CharField(
        label=capfirst(_("voucher code")),
        max_length=64,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autofocus": True, "autocomplete": "off", "spellcheck": "false"}
        ),
        help_text=_("Type it or scan the QR code. Blanks and case do not matter."),
    )


class UseForm(forms.Form):
    code = forms.CharField(widget=forms.HiddenInput)
    # Made once with the form: sent twice by a double click, it is one use.
    reference = forms.CharField(widget=forms.HiddenInput)
    store = forms.ChoiceField(
        label=capfirst(_("store")), required=False, widget=UnfoldAdminSelectWidget
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stores = [(store.code, str(store.name)) for store in member_queries.stores()]
        self.fields["store"].choices = [("", gettext("No store")), *stores]  # type: ignore[attr-defined]


@admin.register(Voucher)
class VoucherAdmin(ReadOnlyAdmin):
    """The list of vouchers is the check page: codes are money and are never listed."""

    def has_use_permission(self, request: HttpRequest) -> bool:
        """Whether this person may use vouchers up."""
        return request.user.has_perm("rewards.change_voucher")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        if request.method == "POST" and "use" in request.POST:
            self._use(request)
        form = CodeForm(request.POST or None)
        found = self._found(form) if form.is_valid() else None
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Voucher check"),
            "opts": self.opts,
            "form": form,
            **(self._shown(request, found) if found else {}),
        }
        return TemplateResponse(request, "admin/rewards/voucher/check.html", context)

    def _found(self, form: CodeForm) -> Voucher | None:
        try:
            return queries.voucher(vouchers.normalise(form.cleaned_data["code"]))
        except (NotFound, InvalidInput):
            form.add_error(
                "code", gettext("There is no voucher with this code. Check the letters.")
            )
            return None

    def _shown(self, request: HttpRequest, found: Voucher) -> dict[str, Any]:
        state = vouchers.state_of(found, timezone.now())
        use_form = UseForm(
            initial={
                "code": found.code,
                "reference": f"console-{uuid4().hex}",
                "store": request.session.get(LAST_STORE, ""),
            }
        )
        return {
            "voucher": found,
            "pretty_code": vouchers.pretty(found.code),
            "state": state,
            "state_words": WORDS[state],
            "use_form": use_form
            if state == "active" and self.has_use_permission(request)
            else None,
        }

    def _use(self, request: HttpRequest) -> None:
        form = UseForm(request.POST)
        if not self.has_use_permission(request) or not form.is_valid():
            messages.error(request, gettext("The voucher was not used: you may not do this."))
            return
        said = form.cleaned_data
        try:
            used = vouchers.use(
                code=said["code"],
                store=said["store"] or None,
                reference=said["reference"],
                used_by=request.user.get_username(),
                at=timezone.now(),
            )
        except (Refusal, InvalidInput, NotFound) as refusal:
            messages.error(request, str(refusal))
            return
        request.session[LAST_STORE] = said["store"]
        self.log_change(request, used, gettext("Used at the counter"))
        messages.success(
            request, gettext("Used: %(reward)s. Hand it over now.") % {"reward": used.reward.name}
        )
