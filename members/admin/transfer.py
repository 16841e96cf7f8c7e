"""Members as CSV files: in, with a preview, through the verb that enrols everybody; out, safe to open."""

import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from import_export import fields, resources
from import_export.admin import ImportExportMixin
from import_export.formats import base_formats
from import_export.instance_loaders import BaseInstanceLoader
from import_export.results import Result, RowResult
from import_export.tmp_storages import CacheStorage
from tablib import Dataset
from unfold.contrib.import_export.forms import ExportForm, ImportForm

from members import csv_files, enrolment, member_files
from members.cells import Problem
from members.csv_files import CsvFile, Row
from members.encodings import UnreadableFile
from members.enrolment import Enrolment
from members.import_reports import ImportReport
from members.imports import Calendar
from members.models import Member

COLUMNS = (*member_files.LAYOUT.required, *member_files.LAYOUT.optional)
LARGEST_IMPORT = 5_000
LARGEST_FILE_MB = 5
LARGEST_EXPORT = 20_000
# A spreadsheet takes a text that begins like this for a formula and runs it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")


class MemberImportForm(ImportForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["import_file"].help_text = _(
            "A CSV file with a header line. Only the column phone is needed; up to %(rows)s rows. "
            "A preview comes first, and nothing is imported while a row is wrong."
        ) % {"rows": f"{LARGEST_IMPORT:,}"}

    def clean_import_file(self) -> Any:
        file = self.cleaned_data["import_file"]
        if file.size > LARGEST_FILE_MB * 1024 * 1024:
            raise ValidationError(
                _(
                    "The file is larger than %(most)d MB. "
                    "Split it, or have it imported with manage.py import_members."
                )
                % {"most": LARGEST_FILE_MB}
            )
        return file


class MemberDataset(Dataset):
    """The rows of one uploaded file, and where each stands in it."""

    file: CsvFile
    places: Sequence[Row]


class MemberCsv(base_formats.CSV):
    """CSV read with the same eyes as `manage.py import_members`."""

    def is_binary(self) -> bool:
        return True

    def get_read_mode(self) -> str:
        return "rb"

    def create_dataset(self, in_stream: bytes | None, **_kwargs: Any) -> MemberDataset:
        if in_stream is None:
            raise UnreadableFile(_("The uploaded file is gone. Choose it once more."))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "members.csv"
            path.write_bytes(in_stream)
            file = csv_files.opened(path, member_files.LAYOUT)
            places = list(csv_files.rows(file))
        if len(places) > LARGEST_IMPORT:
            raise UnreadableFile(
                _(
                    "The file has %(rows)d rows, and this page takes %(largest)d at most. "
                    "Split it, or have it imported with manage.py import_members."
                )
                % {"rows": len(places), "largest": LARGEST_IMPORT}
            )
        width = len(file.columns)
        cells = [[*row.cells[:width], *[""] * (width - len(row.cells))] for row in places]
        dataset = MemberDataset(*cells, headers=list(file.columns))
        dataset.file, dataset.places = file, places
        return dataset


class _Rejections(ImportReport):
    """Keeps what is wrong with each row, by its line."""

    def __init__(self) -> None:
        self.problems: dict[int, Sequence[Problem]] = {}

    def reject(self, row: Row, problems: Sequence[Problem]) -> None:
        self.problems[row.line] = problems


class _Enroller(member_files.MemberFile):
    def enrol(self, rows: Sequence[Row], *, at: datetime) -> Mapping[int, Enrolment]:
        """What became of each good row, by its line; the bad ones are in the report."""
        read = [(row, self._newcomer(row)) for row in rows]
        people = [(row, newcomer) for row, newcomer in read if newcomer is not None]
        outcomes = enrolment.enrol_all(newcomers=[newcomer for _row, newcomer in people], at=at)
        for (row, _newcomer), outcome in zip(people, outcomes, strict=True):
            if outcome.problem is not None:
                self.report.reject(row, [self._problem(row, outcome.problem)])
        return {row.line: one for (row, _newcomer), one in zip(people, outcomes, strict=True)}


class MemberResource(resources.Resource):
    """django-import-export walks the rows; they are enrolled in one batch before it begins."""

    class Meta:
        instance_loader_class = BaseInstanceLoader

    def __init__(self, *, unmasked: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unmasked = unmasked
        self.fields = {name: fields.Field(column_name=name) for name in COLUMNS}
        self.places: Sequence[Row] = ()
        self.report = _Rejections()
        self.outcomes: Mapping[int, Enrolment] = {}

    @classmethod
    def get_display_name(cls) -> str:
        return str(Member._meta.verbose_name)

    # ---- in -----------------------------------------------------------------------------------
    def get_import_id_fields(self) -> list[str]:
        return ["phone"]

    def before_import(self, dataset: MemberDataset, **kwargs: Any) -> None:
        at = timezone.now()
        calendar = Calendar(shift=timedelta(0), now=at, is_moved=False)
        enroller = _Enroller(file=dataset.file, calendar=calendar, report=self.report)
        self.places = dataset.places
        self.outcomes = enroller.enrol(dataset.places, at=at)

    def import_row(self, row: Mapping[str, str], _loader: Any, **kwargs: Any) -> RowResult:
        line = self.places[kwargs["row_number"] - 1].line
        answer = RowResult()
        answer.row_values = dict(row)
        answer.diff = [row.get(name, "") for name in self.get_diff_headers()]
        if problems := self.report.problems.get(line):
            answer.import_type = RowResult.IMPORT_TYPE_INVALID
            answer.validation_error = ValidationError(_by_column(line, problems))
            return answer
        outcome = self.outcomes[line]
        answer.import_type = (
            RowResult.IMPORT_TYPE_NEW if outcome.is_new else RowResult.IMPORT_TYPE_SKIP
        )
        answer.instance = outcome.member
        answer.add_instance_info(outcome.member)
        return answer

    # ---- out ----------------------------------------------------------------------------------
    def get_export_headers(self, selected_fields: Any = None) -> list[str]:
        return ["number", *COLUMNS[:-1], "tier", "status", "referral_code"]

    def export(self, queryset: QuerySet[Member], **_kwargs: Any) -> Dataset:
        rows = (self._exported(member) for member in queryset)
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


class MemberTransfer(ImportExportMixin):
    """The import and export of the members' screen."""

    resource_classes = [MemberResource]
    import_form_class = MemberImportForm
    export_form_class = ExportForm
    tmp_storage_class = CacheStorage
    to_encoding = "utf-8-sig"

    def get_import_formats(self) -> list[type[MemberCsv]]:
        return [MemberCsv]

    def get_export_formats(self) -> list[type[base_formats.CSV]]:
        return [base_formats.CSV]

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_add_permission(request))

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_view_permission(request))

    # ---- in -----------------------------------------------------------------------------------
    def get_import_data_kwargs(self, **_kwargs: Any) -> dict[str, Any]:
        # Between preview and confirmation somebody may have enrolled one of them elsewhere.
        return {"rollback_on_validation_errors": True}

    def add_data_read_fail_error_to_form(self, form: Any, problem: Exception) -> None:
        if isinstance(problem, UnreadableFile):
            form.add_error("import_file", str(problem))
        else:
            super().add_data_read_fail_error_to_form(form, problem)

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            return super().process_import(request, **kwargs)
        except UnreadableFile as problem:
            messages.error(request, str(problem))
            return HttpResponseRedirect(reverse("admin:members_member_import"))

    def process_result(self, result: Result, request: HttpRequest) -> HttpResponse:
        if result.has_validation_errors() or result.has_errors():
            messages.error(
                request,
                _("Nothing was imported: a row is not right any more. Upload the file again."),
            )
            return HttpResponseRedirect(reverse("admin:members_member_import"))
        return super().process_result(result, request)

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


def _by_column(line: int, problems: Sequence[Problem]) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for problem in problems:
        place = _("Line %(line)d") % {"line": line}
        column = f"{place} · {problem.column}" if problem.column else place
        told.setdefault(column, []).append(f"{problem.cause} {problem.remedy}".strip())
    return told


def _masked_email(email: str) -> str:
    name, at, domain = email.partition("@")
    return f"{name[:1]}***{at}{domain}" if at else ""
