"""Members as CSV files: in, with a preview, through the verb that enrols everybody; out, safe to open."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from import_export import fields
from import_export.admin import ImportExportMixin
from import_export.formats import base_formats
from import_export.results import Result, RowResult
from tablib import Dataset
from unfold.contrib.import_export.forms import ExportForm

from members import enrolment, member_files, tiering
from members.admin import uploads
from members.admin.uploads import Outcome, Upload, UploadAdmin, UploadFormat, UploadResource
from members.csv_files import Row
from members.imports import Calendar
from members.models import Member

COLUMNS = (*member_files.LAYOUT.required, *member_files.LAYOUT.optional)
LARGEST_EXPORT = 20_000
# A spreadsheet takes a text that begins like this for a formula and runs it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")


class MemberImportForm(uploads.UploadForm):
    command = "import_members"

    def help_text(self) -> str:
        return _(
            "A CSV file with a header line. Only the column phone is needed; up to %(rows)s rows. "
            "A preview comes first, and nothing is imported while a row is wrong."
        ) % {"rows": f"{uploads.LARGEST_IMPORT:,}"}


class MemberCsv(UploadFormat):
    layout = member_files.LAYOUT
    command = "import_members"


class _Enroller(member_files.MemberFile):
    def enrol(self, rows: Sequence[Row], *, at: datetime) -> Mapping[int, Outcome]:
        """What became of each good row, by its line; the bad ones are in the report."""
        read = [(row, self._newcomer(row)) for row in rows]
        people = [(row, newcomer) for row, newcomer in read if newcomer is not None]
        outcomes = enrolment.enrol_all(newcomers=[newcomer for _row, newcomer in people], at=at)
        enrolled = {}
        for (row, _newcomer), outcome in zip(people, outcomes, strict=True):
            if outcome.problem is not None:
                self.report.reject(row, [self._problem(row, outcome.problem)])
            elif outcome.member is not None:
                enrolled[row.line] = Outcome(outcome.is_new, outcome.member)
        return enrolled


class MemberResource(UploadResource):
    """Members in, through the verb that enrols everybody, and out."""

    def __init__(self, *, unmasked: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unmasked = unmasked
        self.fields = {name: fields.Field(column_name=name) for name in COLUMNS}

    @classmethod
    def get_display_name(cls) -> str:
        return str(Member._meta.verbose_name)

    # ---- in -----------------------------------------------------------------------------------
    def get_import_id_fields(self) -> list[str]:
        return ["phone"]

    def import_all(self, dataset: Upload) -> Mapping[int, Outcome]:
        at = timezone.now()
        calendar = Calendar(shift=timedelta(0), now=at, is_moved=False)
        enroller = _Enroller(file=dataset.file, calendar=calendar, report=self.report)
        return enroller.enrol(dataset.places, at=at)

    # ---- out ----------------------------------------------------------------------------------
    def get_export_headers(self, selected_fields: Any = None) -> list[str]:
        return ["number", *COLUMNS[:-1], "tier", "status", "referral_code"]

    def export(self, queryset: QuerySet[Member], **_kwargs: Any) -> Dataset:
        members = list(queryset)
        tiering.show(members=members, at=timezone.now())
        rows = (self._exported(member) for member in members)
        return Dataset(*rows, headers=self.get_export_headers())

    def _exported(self, member: Member) -> list[str]:
        cells = (
            member.number,
            member.phone if self.unmasked else member.masked_phone,
            member.external_id,
            member.name,
            timezone.localtime(member.enrolled_at).isoformat(timespec="seconds"),
            member.email if self.unmasked else _masked_email(member.email),
            member.birthday.isoformat() if member.birthday and self.unmasked else "",
            member.store.code if member.store else "",
            member.channel,
            member.tier.code,
            member.status,
            member.referral_code,
        )
        return [harmless(cell or "") for cell in cells]


class MemberTransfer(UploadAdmin, ImportExportMixin):
    """The import and export of the members' screen."""

    resource_classes = [MemberResource]
    import_form_class = MemberImportForm
    export_form_class = ExportForm
    to_encoding = "utf-8-sig"
    nothing_imported = gettext_lazy(
        "Nothing was imported: a row is no longer right. Upload the file again."
    )

    def get_import_formats(self) -> list[type[MemberCsv]]:
        return [MemberCsv]

    def get_export_formats(self) -> list[type[base_formats.CSV]]:
        return [base_formats.CSV]

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_add_permission(request))

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_view_permission(request))

    def add_success_message(self, result: Result, request: HttpRequest) -> None:
        new = result.totals[RowResult.IMPORT_TYPE_NEW]
        known = result.totals[RowResult.IMPORT_TYPE_SKIP]
        said = ngettext(
            "Imported: %(new)d new member, %(known)d known already.",
            "Imported: %(new)d new members, %(known)d known already.",
            new,
        )
        messages.success(request, said % {"new": new, "known": known})

    # ---- out ----------------------------------------------------------------------------------
    def get_export_resource_kwargs(self, request: HttpRequest, **_kwargs: Any) -> dict[str, Any]:
        return {"unmasked": self.has_change_permission(request)}

    def get_export_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        found: QuerySet[Member] = super().get_export_queryset(request)
        if found[LARGEST_EXPORT : LARGEST_EXPORT + 1].exists():
            said = _(
                "The file holds the first %(most)d members only. Filter the list for the rest."
            )
            messages.warning(request, said % {"most": LARGEST_EXPORT})
        return found.select_related("tier", "store")[:LARGEST_EXPORT]


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula: such a beginning gets a quote before it.

    A phone number in E.164 is none: a plus and digits are a number.
    """
    if text.startswith(FORMULA_STARTS) and not text.removeprefix("+").isdigit():
        return f"'{text}"
    return text


def _masked_email(email: str) -> str:
    name, at, domain = email.partition("@")
    return f"{name[:1]}***{at}{domain}" if at else ""
