"""The voucher check: a code is typed or scanned, its state is said in words, and it is used once."""

from typing import Any
from uuid import uuid4

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from loyalty import programs
from members import queries as member_queries
from members.admin.base import ReadOnlyAdmin
from members.errors import InvalidInput, NotFound, Refusal
from members.models import Member, Store
from rewards import guessing, queries, voucher_rules, voucher_steps, vouchers
from rewards.admin import moments, verdicts
from rewards.admin.verdicts import Verdict
from rewards.admin.voucher_forms import DeskForm, VoidForm
from rewards.models import Voucher
from rewards.voucher_errors import TooManyMisses, VoucherNotFound, day_names, listed

LAST_STORE, AT_ONCE = "console-last-store", "console-use-at-once"
PAGE = 50


@admin.register(Voucher)
class VoucherAdmin(ReadOnlyAdmin):
    """The list of vouchers is the check page: codes are money and are never listed."""

    actions_detail = ("void",)
    change_form_outer_after_template = "admin/rewards/voucher/steps.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("hidden_code", "reward_name", "state_words"),
                    ("owner", "from_redemption", "given_by"),
                    ("issued_at", "active_from", "good_until"),
                    ("used_at", "used_store", "user_name"),
                    ("used_order", "amount"),
                    ("voided_at", "voider_name", "void_reason"),
                )
            },
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Voucher]:
        related = (
            "redemption__variant",
            "reward",
            "member",
            "used_store",
            "used_order",
            "given_by",
        )
        return super().get_queryset(request).select_related(*related)

    def get_urls(self) -> list[URLPattern]:
        history = self.admin_site.admin_view(self.history_view)
        own = [path("of/<int:member_id>/", history, name="rewards_voucher_history")]
        return [*own, *super().get_urls()]

    # ---- the desk -------------------------------------------------------------------------------
    def has_use_permission(self, request: HttpRequest) -> bool:
        """Whether this person may use vouchers up."""
        return request.user.has_perm("rewards.change_voucher")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)
        form = DeskForm(request.POST or None)
        found: Voucher | None = None
        # What no code can be is none.
        said = verdicts.unknown() if form.is_bound else None
        if form.is_valid():
            found, said = self._answer(request, form)
        return self._desk(request, found, said)

    def _answer(
        self, request: HttpRequest, form: DeskForm
    ) -> tuple[Voucher | None, Verdict | None]:
        """The voucher that is meant and what is to be said of it, used by then if that was asked for."""
        asked = form.cleaned_data
        request.session[LAST_STORE] = asked["store"]
        request.session[AT_ONCE] = asked["at_once"]
        # Whatever button Enter stands for: what was typed or scanned is looked at first.
        is_use = not asked["code"].strip() and bool(asked["shown"])
        code = asked["shown"] if is_use else asked["code"]
        if not code.strip():
            return None, None
        try:
            found = self._found(request, code)
        except TooManyMisses as refusal:
            return None, verdicts.slowed(refusal)
        except (NotFound, InvalidInput):
            return None, verdicts.unknown()
        store = member_queries.stores_by_code([asked["store"]]).get(asked["store"])
        said = verdicts.verdict(found, store, timezone.now())
        if is_use or (asked["at_once"] and said.is_good):
            return self._use(request, found, store, asked["reference"])
        return found, said

    def _found(self, request: HttpRequest, code: str) -> Voucher:
        subject, at = f"staff:{request.user.pk}", timezone.now()
        guessing.check(subject=subject, at=at)
        try:
            return queries.voucher(code)
        except VoucherNotFound:
            guessing.miss(subject=subject, at=at)
            raise

    def _use(
        self, request: HttpRequest, found: Voucher, store: Store | None, reference: str
    ) -> tuple[Voucher, Verdict]:
        if not self.has_use_permission(request):
            raise PermissionDenied
        try:
            used = vouchers.use(
                code=found.code,
                store=store.code if store else None,
                reference=reference or f"console-{uuid4().hex}",
                used_by=request.user.get_username(),
                at=timezone.now(),
            )
        except Refusal as refusal:
            fresh = queries.voucher(found.code)
            return fresh, verdicts.refused(refusal, fresh)
        self.log_change(request, used, gettext("Used at the counter"))
        return used, verdicts.used_now(used)

    def _desk(
        self, request: HttpRequest, found: Voucher | None, said: Verdict | None
    ) -> HttpResponse:
        at = timezone.now()
        can_use = bool(
            found is not None
            and said is not None
            and said.can_be_used
            and voucher_rules.state_of(found, at) == Voucher.State.ACTIVE
            and self.has_use_permission(request)
        )
        form = DeskForm(
            initial={
                "store": request.session.get(LAST_STORE, ""),
                "at_once": request.session.get(AT_ONCE, False),
                "shown": found.code if found and can_use else "",
                "reference": f"console-{uuid4().hex}",
            }
        )
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Vouchers"),
            "opts": self.opts,
            "form": form,
            "verdict": said,
            "can_use": can_use,
            "may_use": self.has_use_permission(request),
            **(_about(found) if found else {}),
        }
        status = 429 if said is not None and said.icon == "hourglass_top" else 200
        return TemplateResponse(
            request, "admin/rewards/voucher/check.html", context, status=status
        )

    # ---- what a member had ----------------------------------------------------------------------
    def history_view(self, request: HttpRequest, member_id: int) -> HttpResponse:
        """All vouchers of a member, the newest first, without their codes."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        member = get_object_or_404(Member, pk=member_id)
        page = max(1, int(number)) if (number := request.GET.get("page", "1")).isdecimal() else 1
        begin = (min(page, 10_000) - 1) * PAGE
        found = list(queries.vouchers_of(member)[begin : begin + PAGE + 1])
        names = member_queries.staff_names(each.used_by for each in found)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Vouchers of %(member)s") % {"member": member},
            "opts": self.opts,
            "member": member,
            "rows": [
                (each, vouchers.masked(each.code), names.get(each.used_by, each.used_by))
                for each in found[:PAGE]
            ],
            "next_page": page + 1 if len(found) > PAGE else None,
        }
        return TemplateResponse(request, "admin/rewards/voucher/history.html", context)

    # ---- void -----------------------------------------------------------------------------------
    def has_void_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("rewards.change_redemption")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """The button of voiding, as long as there is something to void."""
        named = Voucher.objects.filter(pk=object_id) if str(object_id).isdecimal() else None
        is_open = named is not None and named.filter(state__in=voucher_rules.OPEN).exists()
        return super().get_actions_detail(request, object_id) if is_open else []

    @action(
        description=_("Void it"),
        permissions=["void"],
        icon="block",
        variant=ActionVariant.DANGER,
    )
    def void(self, request: HttpRequest, object_id: str) -> HttpResponse:
        found = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = VoidForm(request.POST or None)
        if form.is_valid():
            by, reason = request.user.get_username(), form.cleaned_data["reason"]
            try:
                vouchers.void_one(code=found.code, reason=reason, by=by, at=timezone.now())
            except (Refusal, InvalidInput) as refusal:
                messages.error(request, str(refusal))
            else:
                self.log_change(request, found, gettext("Voided: %(why)s") % {"why": reason})
                messages.success(request, gettext("The voucher is void now."))
            return HttpResponseRedirect(reverse("admin:rewards_voucher_change", args=[found.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Void this voucher?"),
            "opts": self.opts,
            "voucher": found,
            "hidden_code": vouchers.masked(found.code),
            "form": form,
        }
        return TemplateResponse(request, "admin/rewards/voucher/void.html", context)

    # ---- fields ---------------------------------------------------------------------------------
    @display(description=_("voucher code"))
    def hidden_code(self, found: Voucher) -> str:
        return vouchers.masked(found.code)

    @display(description=_("reward"))
    def reward_name(self, found: Voucher) -> str:
        variant = found.redemption.variant
        return f"{found.reward.name} · {variant.name}" if variant else found.reward.name

    @display(description=_("expires at"), empty_value="—")
    def good_until(self, found: Voucher) -> str | None:
        return None if found.expires_at is None else moments.last(found.expires_at)

    @display(description=_("used by"), empty_value="—")
    def user_name(self, found: Voucher) -> str:
        return member_queries.staff_names([found.used_by]).get(found.used_by, found.used_by)

    @display(description=_("voided by"), empty_value="—")
    def voider_name(self, found: Voucher) -> str:
        return voucher_steps.voided_by(found)

    @display(description=_("member"))
    def owner(self, found: Voucher) -> str:
        return str(found.member)

    @display(description=_("redemption"))
    def from_redemption(self, found: Voucher) -> str:
        return found.redemption.number

    @display(description=_("state"))
    def state_words(self, found: Voucher) -> str:
        return verdicts.verdict(found, None, timezone.now()).words


def _about(found: Voucher) -> dict[str, Any]:
    """What the desk shows of a voucher beside the verdict."""
    reward = found.reward
    names = member_queries.stores_by_code(reward.stores)
    return {
        "voucher": found,
        "variant": found.redemption.variant,
        "hidden_code": vouchers.masked(found.code),
        "amount": voucher_rules.amount_of(found),
        "stores": listed([names[code].name for code in reward.stores if code in names]),
        "weekdays": day_names(reward.weekdays) if reward.weekdays else "",
        "currency": programs.current().currency,
        "steps": voucher_steps.told(found),
    }
