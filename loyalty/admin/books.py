"""The books at the console: the roll-forward, the seals and what the last verification found."""

import csv
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from loyalty.admin.books_page import Page, PeriodForm
from loyalty.models import DaySheet, Seal, VerificationRun
from members.admin.base import ReadOnlyAdmin

SEALS = 7


@admin.register(DaySheet)
class BooksAdmin(ReadOnlyAdmin):
    """Not a list of sheets but the page made of them; `?format=csv` and `?format=json` give its table."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = PeriodForm.of(request.GET, at=timezone.now())
        page = Page(form.asked(), form.point_type)
        if request.GET.get("format") == "json":
            return JsonResponse(page.as_json(), json_dumps_params={"ensure_ascii": False})
        if request.GET.get("format") == "csv":
            return _as_csv(page)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Books"),
            "form": form,
            "page": page,
            "seals": Seal.objects.order_by("-day")[:SEALS],
            "run": VerificationRun.objects.order_by("-finished_at", "-id").first(),
        }
        return TemplateResponse(request, "admin/loyalty/books/page.html", context)


def _as_csv(page: Page) -> HttpResponse:
    """The table as a file that spreadsheets open as it is (UTF-8 with a mark)."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{page.file_name}.csv"'
    answer.write("\ufeff")
    csv.writer(answer).writerows(page.as_rows())
    return answer


@admin.register(Seal)
class SealAdmin(ReadOnlyAdmin):
    """The chain of sealed days, the newest first."""

    list_display = ("day", "starts_at", "ends_at", "entries", "moved", "short_digest")
    ordering = ("-day",)
    fieldsets = (
        (None, {"fields": (("day", "starts_at", "ends_at"), ("entries", "moved", "last_entry"))}),
        (_("Chain"), {"fields": ("full_digest", "full_previous", "created_at")}),
    )
    readonly_fields = ("moved", "full_digest", "full_previous")

    @display(description=_("points"))
    def moved(self, seal: Seal) -> str:
        return f"{seal.points:+,}".replace("-", "−")

    @display(description=_("seal"))
    def short_digest(self, seal: Seal) -> str:
        return seal.short

    @display(description=_("seal"))
    def full_digest(self, seal: Seal) -> str:
        return bytes(seal.digest).hex()

    @display(description=_("seal before"))
    def full_previous(self, seal: Seal) -> str:
        return bytes(seal.previous).hex() or "—"


@admin.register(VerificationRun)
class VerificationRunAdmin(ReadOnlyAdmin):
    """Each check of the books: when, by whom, what it found."""

    list_display = ("finished_at", "by", "wallets", "verdict", "frozen")
    ordering = ("-finished_at", "-id")
    change_form_outer_after_template = "admin/loyalty/books/differences.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("started_at", "finished_at", "by"),
                    ("wallets", "verdict", "frozen"),
                    "sealed_until",
                )
            },
        ),
    )
    readonly_fields = ("verdict",)

    @display(description=_("differences"), label={"clean": "success", "broken": "danger"})
    def verdict(self, run: VerificationRun) -> tuple[str, str]:
        return "broken" if run.differences else "clean", f"{run.differences:,}"
