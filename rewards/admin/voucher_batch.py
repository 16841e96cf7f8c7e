"""Voucher batches: handed out to a segment in the background, with figures, an export and voiding as a whole."""

import csv
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget

from members import queries as member_queries
from members.admin.base import VerbAdmin, VerbForm
from members.errors import InvalidInput
from members.models import Job
from rewards import voucher_batches
from rewards.admin.voucher_forms import VoidForm
from rewards.models import Reward, VoucherBatch

FACTS = ("made_at", "made_by", "finished_at", "given", "refused")
# Spreadsheets take it for UTF-8 then.
MARK = "\ufeff"


class BatchForm(VerbForm):
    segment = forms.ChoiceField(
        label=capfirst(_("segment")),
        widget=UnfoldAdminSelectWidget,
        help_text=_("Whoever is in it when the vouchers are given."),
    )

    class Meta:
        model = VoucherBatch
        fields = ("name", "reward", "segment", "pieces")
        help_texts = {
            "name": _("Members read it in their message."),
            "reward": _("Its stock and its rules for vouchers hold here too."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field := self.fields.get("segment"):
            field.choices = list(member_queries.segment_names().items())  # type: ignore[attr-defined]
        if field := self.fields.get("reward"):
            field.queryset = Reward.objects.filter(active=True).order_by("points", "id")  # type: ignore[attr-defined]


@admin.register(VoucherBatch)
class VoucherBatchAdmin(VerbAdmin):
    form = BatchForm
    list_display = ("name", "reward_name", "segment", "reached", "left_out", "moment", "made_by")
    list_select_related = ("reward",)
    ordering = ("-made_at", "-id")
    sortable_by = ()
    readonly_fields = (*FACTS, "segment_name")
    actions_detail = ("follow", "export", "void")
    change_form_outer_after_template = "admin/rewards/voucherbatch/figures.html"
    fieldsets = (
        (None, {"fields": (("name", "reward"), ("segment_name", "pieces"))}),
        (_("How it went"), {"fields": (FACTS,)}),
    )
    add_fieldsets = ((None, {"fields": (("name", "reward"), ("segment", "pieces"))}),)

    def get_fieldsets(self, request: HttpRequest, obj: VoucherBatch | None = None) -> Any:
        return self.add_fieldsets if obj is None else self.fieldsets

    def has_change_permission(self, request: HttpRequest, obj: VoucherBatch | None = None) -> bool:
        # What was handed out stays as it is.
        return False

    def create(self, request: HttpRequest, values: Mapping[str, Any]) -> VoucherBatch:
        by = request.user.get_username()
        return voucher_batches.start(changes=values, by=by, at=timezone.now())

    def response_add(
        self, request: HttpRequest, obj: VoucherBatch, post_url_continue: Any = None
    ) -> HttpResponse:
        messages.success(request, gettext("The vouchers are being given in the background."))
        return HttpResponseRedirect(reverse("admin:rewards_voucherbatch_change", args=[obj.pk]))

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        batch = self.get_object(request, object_id)
        figures = voucher_batches.figures(batch=batch, at=timezone.now()) if batch else None
        context = {**(extra_context or {}), "figures": figures, "job": _last_job(batch)}
        return super().change_view(request, object_id, form_url, context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[VoucherBatch]:
        return super().get_queryset(request).select_related("reward")

    # ---- follow, export, void -------------------------------------------------------------------
    def has_follow_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("members.view_job")

    def has_void_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("rewards.add_voucherbatch")

    @action(description=_("Look at the progress"), permissions=["follow"], icon="hourglass_top")
    def follow(self, request: HttpRequest, object_id: str) -> HttpResponse:
        job = _last_job(get_object_or_404(VoucherBatch, pk=object_id))
        if job is None:
            address = reverse("admin:rewards_voucherbatch_change", args=[object_id])
        else:
            address = reverse("admin:members_job_change", args=[job.pk])
        return HttpResponseRedirect(address)

    @action(description=_("Export the figures"), permissions=["view"], icon="download")
    def export(self, request: HttpRequest, object_id: str) -> HttpResponse:
        batch = get_object_or_404(self.get_queryset(request), pk=object_id)
        found = voucher_batches.figures(batch=batch, at=timezone.now())
        answer = HttpResponse(MARK, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="voucher-batch-{batch.pk}.csv"'
        rows = csv.writer(answer)
        rows.writerow(["what", "day", "store", "vouchers"])
        for what in ("issued", "open", "used", "expired", "void"):
            rows.writerow([what, "", "", getattr(found, what)])
        for day, store, number in voucher_batches.uses(batch=batch):
            rows.writerow(["used", day, store, number])
        return answer

    @action(
        description=_("Void what is not used"),
        permissions=["void"],
        icon="block",
        variant=ActionVariant.DANGER,
    )
    def void(self, request: HttpRequest, object_id: str) -> HttpResponse:
        batch = get_object_or_404(self.get_queryset(request), pk=object_id)
        form = VoidForm(request.POST or None)
        if form.is_valid():
            self._void(request, batch, form.cleaned_data["reason"])
            address = reverse("admin:rewards_voucherbatch_change", args=[batch.pk])
            return HttpResponseRedirect(address)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Void what is not used?"),
            "opts": self.opts,
            "batch": batch,
            "figures": voucher_batches.figures(batch=batch, at=timezone.now()),
            "form": form,
        }
        return TemplateResponse(request, "admin/rewards/voucherbatch/void.html", context)

    def _void(self, request: HttpRequest, batch: VoucherBatch, reason: str) -> None:
        by = request.user.get_username()
        try:
            voucher_batches.start_voiding(batch=batch, reason=reason, by=by, at=timezone.now())
        except InvalidInput as problem:
            messages.error(request, problem.detail)
            return
        self.log_change(request, batch, gettext("Voided: %(why)s") % {"why": reason})
        messages.success(request, gettext("The vouchers are being voided in the background."))

    # ---- columns --------------------------------------------------------------------------------
    @display(description=_("segment"))
    def segment_name(self, batch: VoucherBatch) -> str:
        return member_queries.segment_names().get(batch.segment, batch.segment)

    @display(description=_("reward"))
    def reward_name(self, batch: VoucherBatch) -> str:
        times = f" × {batch.pieces}" if batch.pieces > 1 else ""
        return f"{batch.reward.name}{times}"

    @display(description=_("members who got them"))
    def reached(self, batch: VoucherBatch) -> str:
        return f"{batch.given:,}"

    @display(description=_("members left out"))
    def left_out(self, batch: VoucherBatch) -> str:
        return f"{batch.refused:,}" if batch.finished_at else "—"

    @display(description=_("made at"))
    def moment(self, batch: VoucherBatch) -> str:
        return date_format(timezone.localtime(batch.made_at), "DATETIME_FORMAT")


def _last_job(batch: VoucherBatch | None) -> Job | None:
    return None if batch is None else voucher_batches.jobs_of(batch).first()
