"""Importing a CSV file at the console: read with the same eyes as the import commands, a preview first."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from import_export import resources
from import_export.formats import base_formats
from import_export.instance_loaders import BaseInstanceLoader
from import_export.results import Result, RowResult
from import_export.tmp_storages import CacheStorage
from tablib import Dataset
from unfold.contrib.import_export.forms import ImportForm

from members import csv_files
from members.cells import Problem
from members.csv_files import CsvFile, Row
from members.csv_headers import Layout
from members.encodings import UnreadableFile
from members.import_reports import ImportReport

LARGEST_IMPORT = 5_000
LARGEST_FILE_MB = 5


class UploadForm(ImportForm):
    """Asks for the file; larger ones are left to the `command`."""

    command: str

    def help_text(self) -> str:
        """What the file has to look like."""
        raise NotImplementedError

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["import_file"].help_text = self.help_text()

    def clean_import_file(self) -> Any:
        file = self.cleaned_data["import_file"]
        if file.size > LARGEST_FILE_MB * 1024 * 1024:
            raise ValidationError(
                _(
                    "The file is larger than %(most)d MB. "
                    "Split it, or have it imported with manage.py %(command)s."
                )
                % {"most": LARGEST_FILE_MB, "command": self.command}
            )
        return file


class Upload(Dataset):
    """The rows of one uploaded file, and where each stands in it."""

    file: CsvFile
    places: Sequence[Row]


class UploadFormat(base_formats.CSV):
    """CSV read with the same eyes as `manage.py` reads it with the `command`."""

    layout: Layout
    command: str

    def is_binary(self) -> bool:
        return True

    def get_read_mode(self) -> str:
        return "rb"

    def create_dataset(self, in_stream: bytes | None, **_kwargs: Any) -> Upload:
        if in_stream is None:
            raise UnreadableFile(_("The uploaded file is gone. Choose it once more."))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "upload.csv"
            path.write_bytes(in_stream)
            file = csv_files.opened(path, self.layout)
            places = list(csv_files.rows(file))
        if len(places) > LARGEST_IMPORT:
            raise UnreadableFile(
                _(
                    "The file has %(rows)d rows, and this page takes %(largest)d at most. "
                    "Split it, or have it imported with manage.py %(command)s."
                )
                % {"rows": len(places), "largest": LARGEST_IMPORT, "command": self.command}
            )
        width = len(file.columns)
        cells = [[*row.cells[:width], *[""] * (width - len(row.cells))] for row in places]
        dataset = Upload(*cells, headers=list(file.columns))
        dataset.file, dataset.places = file, places
        return dataset


class Rejections(ImportReport):
    """Keeps what is wrong with each row, by its line."""

    def __init__(self) -> None:
        self.problems: dict[int, Sequence[Problem]] = {}

    def reject(self, row: Row, problems: Sequence[Problem]) -> None:
        self.problems[row.line] = problems


class Outcome(NamedTuple):
    """What became of a good row: whether it was new, and whose it is."""

    is_new: bool
    about: Model


class UploadResource(resources.Resource):
    """django-import-export walks the rows; they are imported in one batch before it begins."""

    class Meta:
        instance_loader_class = BaseInstanceLoader

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.columns: Sequence[str] = ()
        self.places: Sequence[Row] = ()
        self.report = Rejections()
        self.outcomes: Mapping[int, Outcome] = {}

    def import_all(self, dataset: Upload) -> Mapping[int, Outcome]:
        """Import the rows: outcomes of the good ones by line, the bad ones to `report`."""
        raise NotImplementedError

    def import_data(self, dataset: Upload, **kwargs: Any) -> Result:
        self.columns = dataset.file.columns
        return super().import_data(dataset, **kwargs)

    def before_import(self, dataset: Upload, **kwargs: Any) -> None:
        self.places = dataset.places
        self.outcomes = self.import_all(dataset)

    def get_diff_headers(self) -> list[str]:
        """What the preview shows: the columns the file has."""
        return [name for name in super().get_diff_headers() if name in self.columns]

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
        answer.instance = outcome.about
        answer.add_instance_info(outcome.about)
        return answer


class UploadAdmin:
    """What the import of a screen does beside django-import-export's mixin, which follows it."""

    tmp_storage_class = CacheStorage
    nothing_imported: str | Promise

    def import_address(self) -> str:
        """Where the upload begins."""
        meta = self.model._meta  # type: ignore[attr-defined]
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_import")

    def get_import_data_kwargs(self, **_kwargs: Any) -> dict[str, Any]:
        # Between preview and confirmation the same may have come in elsewhere.
        return {"rollback_on_validation_errors": True}

    def add_data_read_fail_error_to_form(self, form: Any, problem: Exception) -> None:
        if isinstance(problem, UnreadableFile):
            form.add_error("import_file", str(problem))
        else:
            super().add_data_read_fail_error_to_form(form, problem)  # type: ignore[misc]

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            answer: HttpResponse = super().process_import(request, **kwargs)  # type: ignore[misc]
        except UnreadableFile as problem:
            messages.error(request, str(problem))
            return HttpResponseRedirect(self.import_address())
        return answer

    def process_result(self, result: Result, request: HttpRequest) -> HttpResponse:
        if result.has_validation_errors() or result.has_errors():
            messages.error(request, str(self.nothing_imported))
            return HttpResponseRedirect(self.import_address())
        answer: HttpResponse = super().process_result(result, request)  # type: ignore[misc]
        return answer


def _by_column(line: int, problems: Sequence[Problem]) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for problem in problems:
        place = _("Line %(line)d") % {"line": line}
        column = f"{place} · {problem.column}" if problem.column else place
        told.setdefault(column, []).append(f"{problem.cause} {problem.remedy}".strip())
    return told
