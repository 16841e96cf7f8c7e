"""Opening balances as a CSV file, with a preview, through the verb that the command uses too."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from import_export import fields
from import_export.admin import ImportMixin
from import_export.results import Result, RowResult

from loyalty import balance_files, programs
from loyalty.balance_files import BalanceFile, Contents
from members.admin import uploads
from members.admin.uploads import Outcome, Upload, UploadAdmin, UploadFormat, UploadResource
from members.imports import Calendar

COLUMNS = (
    *balance_files.MEMBER_COLUMNS,
    *balance_files.LAYOUT.required,
    *balance_files.LAYOUT.optional,
)


class BalanceImportForm(uploads.UploadForm):
    command = "import_balances"

    def help_text(self) -> str:
        return _(
            "Opening balances: a CSV file with a header line and up to %(rows)s rows: member (the number), external_id or phone; points "
            "and earned_at; if you like status_points, active_from, expires_at, reference, title and note. Times "
            "without an offset are those of the program, a day in expires_at is the last one. A preview comes first, "
            "and nothing is credited while a row is wrong."
        ) % {"rows": f"{uploads.LARGEST_IMPORT:,}"}


class BalanceCsv(UploadFormat):
    layout = balance_files.LAYOUT
    command = "import_balances"


class BalanceResource(UploadResource):
    """Opening balances in, one row each."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields = {name: fields.Field(column_name=name) for name in COLUMNS}

    @classmethod
    def get_display_name(cls) -> str:
        return _("Opening balances")

    def get_import_id_fields(self) -> list[str]:
        return ["earned_at"]

    def import_all(self, dataset: Upload) -> Mapping[int, Outcome]:
        at = timezone.now()
        reader = BalanceFile(
            file=dataset.file,
            calendar=Calendar(shift=timedelta(0), now=at, is_moved=False),
            zone=programs.current().zone,
            repeated=Contents(dataset.file).repeated(dataset.places),
        )
        good = reader.credit(dataset.places, self.report, at=at)
        return {row.line: Outcome(is_new, member) for row, member, is_new in good}


class BalanceTransfer(UploadAdmin, ImportMixin):
    """The import of opening balances on the ledger's screen, for who keeps the program."""

    resource_classes = [BalanceResource]
    import_form_class = BalanceImportForm
    # Its log would name members by the numbers of entries.
    skip_admin_log = True
    nothing_imported = gettext_lazy(
        "Nothing was credited: a row is no longer right. Upload the file again."
    )

    def get_import_formats(self) -> list[type[BalanceCsv]]:
        return [BalanceCsv]

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("loyalty.change_program"))

    def add_success_message(self, result: Result, request: HttpRequest) -> None:
        new = result.totals[RowResult.IMPORT_TYPE_NEW]
        known = result.totals[RowResult.IMPORT_TYPE_SKIP]
        said = ngettext(
            "Opening balances: %(new)d credited, %(known)d known already.",
            "Opening balances: %(new)d credited, %(known)d known already.",
            new,
        ) % {"new": new, "known": known}
        self.log_change(request, programs.current(), said)
        messages.success(request, said)
