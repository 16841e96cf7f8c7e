"""The report on rewards: what was redeemed in a period, what it cost, who bore it."""

import csv
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from members.admin.base import ReadOnlyAdmin
from rewards.admin.report_page import Page, PeriodForm
from rewards.models import RewardReport


@admin.register(RewardReport)
class RewardReportAdmin(ReadOnlyAdmin):
    """Not a list but the page made of it; `?format=csv` and `?format=json` give its table."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = PeriodForm.of(request.GET, at=timezone.now())
        page = Page(form)
        if request.GET.get("format") == "json":
            return JsonResponse(page.as_json(), json_dumps_params={"ensure_ascii": False})
        if request.GET.get("format") == "csv":
            return _as_csv(page)
        context = {
            **self.admin_site.each_context(request),
            "title": page.title,
            "form": form,
            "page": page,
        }
        return TemplateResponse(request, "admin/rewards/report/page.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The report on one reward."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = get_object_or_404(RewardReport, pk=object_id)
        address = reverse("admin:rewards_rewardreport_changelist")
        return HttpResponseRedirect(f"{address}?{urlencode({'reward': found.code})}")


def _as_csv(page: Page) -> HttpResponse:
    """The table as a file that spreadsheets open as it is (UTF-8 with a mark)."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{page.file_name}.csv"'
    answer.write("\ufeff")
    csv.writer(answer).writerows(page.as_rows())
    return answer
