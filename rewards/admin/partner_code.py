"""Partners' pools: how many codes are free and taken, more of them by file; the codes themselves stay hidden."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from members.admin.base import ReadOnlyAdmin
from members.errors import InvalidInput, NotFound
from rewards import pools, queries, vouchers
from rewards.admin import moments
from rewards.models import PartnerCode, Reward
from rewards.pool_files import LARGEST
from rewards.pools import Added

SHOWN_LINES = 20


class PoolForm(forms.Form):
    reward = forms.ChoiceField(label=_("Reward"), widget=UnfoldAdminSelectWidget)
    file = forms.FileField(
        label=_("CSV file"),
        widget=UnfoldAdminFileFieldWidget,
        help_text=_("code[,expires_at], with a header line or without, up to 5 MB."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rewards = queries.rewards().filter(kind=Reward.Kind.PARTNER_CODE)
        choices = [(each.code, each.name) for each in rewards]
        self.fields["reward"].choices = choices  # type: ignore[attr-defined]

    def clean_file(self) -> bytes:
        upload = self.cleaned_data["file"]
        if upload.size > LARGEST:
            raise forms.ValidationError(gettext("The file is larger than 5 MB. Send it in parts."))
        content: bytes = upload.read()
        return content


@admin.register(PartnerCode)
class PartnerCodeAdmin(ReadOnlyAdmin):
    list_display = (
        "hidden_code",
        "reward_name",
        "state_badge",
        "good_until",
        "added_at",
        "added_by",
    )
    list_display_links = None
    list_select_related = ("reward",)
    list_filter = (("reward", RelatedDropdownFilter), "is_taken")
    list_filter_submit = True
    ordering = ("-id",)
    actions_list = ("add_codes",)
    list_before_template = "admin/rewards/partnercode/pools.html"

    def has_add_codes_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("rewards.add_partnercode"))

    def get_queryset(self, request: HttpRequest) -> QuerySet[PartnerCode]:
        return super().get_queryset(request).select_related("reward")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A page of one code would show it.
        return obj is None and super().has_view_permission(request, obj)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        more = {"pools": pools.figures(), **(extra_context or {})}
        return super().changelist_view(request, more)

    @action(description=_("Add codes"), permissions=["add_codes"], icon="upload")
    def add_codes(self, request: HttpRequest) -> HttpResponse:
        form = PoolForm(request.POST or None, request.FILES or None, initial=request.GET.dict())
        if request.method == "POST" and form.is_valid():
            try:
                added = pools.add(
                    reward=form.cleaned_data["reward"],
                    file=form.cleaned_data["file"],
                    by=request.user.get_username(),
                    at=timezone.now(),
                )
            except (InvalidInput, NotFound) as problem:
                form.add_error("file", str(problem))
            else:
                self._say(request, added)
                return HttpResponseRedirect(reverse("admin:rewards_partnercode_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Add codes"),
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "admin/rewards/partnercode/add.html", context)

    def _say(self, request: HttpRequest, added: Added) -> None:
        said = ngettext("%(count)d code was added.", "%(count)d codes were added.", added.added)
        messages.success(request, said % {"count": added.added})
        lines = added.duplicate_lines
        if lines:
            more = " …" if len(lines) > SHOWN_LINES else ""
            words = {
                "count": len(lines),
                "lines": ", ".join(map(str, lines[:SHOWN_LINES])) + more,
            }
            again = ngettext(
                "%(count)d code was there before and is left out: line %(lines)s.",
                "%(count)d codes were there before and are left out: lines %(lines)s.",
                len(lines),
            )
            messages.warning(request, again % words)

    # ---- columns --------------------------------------------------------------------------------
    @display(description=_("code"))
    def hidden_code(self, found: PartnerCode) -> str:
        return vouchers.masked(found.code)

    @display(description=_("reward"))
    def reward_name(self, found: PartnerCode) -> str:
        return found.reward.name

    @display(description=_("good until"), empty_value="—")
    def good_until(self, found: PartnerCode) -> str | None:
        return None if found.expires_at is None else moments.last(found.expires_at)

    @display(
        description=_("state"), label={"free": "success", "taken": "info", "lapsed": "warning"}
    )
    def state_badge(self, found: PartnerCode) -> tuple[str, str]:
        if not found.is_taken:
            return "free", gettext("Free")
        if found.voucher_id is None:
            return "lapsed", gettext("Lapsed")
        return "taken", gettext("Handed out")
