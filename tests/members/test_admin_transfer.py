"""Members in and out of the console as CSV files."""

import csv
from io import StringIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from members import enrolment
from members.admin import transfer, uploads
from members.models import Member
from tests.conftest import NOON
from tests.console import desk

IMPORT = "/console/members/member/import/"
PROCESS = "/console/members/member/process_import/"
EXPORT = "/console/members/member/export/"


def upload(client: Client, content: str | bytes) -> Any:
    data = content if isinstance(content, bytes) else content.encode()
    file = SimpleUploadedFile("members.csv", data, content_type="text/csv")
    return client.post(IMPORT, {"import_file": file, "format": "0", "resource": "0"})


def confirm(client: Client, preview: Any, **changes: Any) -> Any:
    form = preview.context["confirm_form"]
    return client.post(PROCESS, {**form.initial, **changes}, follow=True)


def file_errors(page: Any) -> str:
    return " ".join(page.context["form"].errors["import_file"])


class TestImport:
    def test_previews_good_rows_and_writes_nothing(self, bob: Member):
        page = upload(desk("manager"), "phone,name\n13800000009,Eve\n13800000002,Bob\n")
        kinds = [row.import_type for row in page.context["result"].rows]
        assert kinds == ["new", "skip"]
        assert "confirm_form" in page.context
        assert Member.objects.count() == 1

    def test_confirmed_it_enrols_through_the_verb(self, bob: Member):
        client = desk("manager")
        preview = upload(client, "phone,name\n13800000009,Eve\n13800000002,Bob\n")
        page = confirm(client, preview)
        eve = Member.objects.get(phone="+8613800000009")
        assert eve.tier_changes.count() == 1
        assert [str(each) for each in page.context["messages"]] == [
            "导入完成：新增 1 位会员，1 位已存在。"
        ]

    def test_each_bad_row_is_told_with_line_column_and_reason(self, bob: Member):
        rows = (
            "phone,name,birthday\n13800000009,Eve,\n1.38E+10,Carol,\n13800000007,Dan,1990-02-30\n"
        )
        page = upload(desk("manager"), rows)
        told = [row.error_dict for row in page.context["result"].invalid_rows]
        assert [list(each) for each in told] == [["第 3 行 · phone"], ["第 4 行 · birthday"]]
        assert "confirm_form" not in page.context
        assert Member.objects.count() == 1

    def test_a_row_that_means_somebody_else_is_told(self, bob: Member):
        page = upload(desk("manager"), "phone,name\n13800000002,Somebody else\n")
        (row,) = page.context["result"].invalid_rows
        assert bob.number in str(row.error_dict["第 2 行 · phone"])

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"phone,name\n",
            b"name\nEve\n",
            b"PK\x03\x04 a workbook",
            "phone,name\n".encode("utf-16"),
        ],
        ids=["empty", "header alone", "no phone", "workbook", "utf-16"],
    )
    def test_an_unreadable_file_is_explained(self, db: None, content: bytes):
        page = upload(desk("manager"), content)
        assert file_errors(page)
        assert "confirm_form" not in page.context

    def test_reads_the_encoding_of_chinese_windows(self, db: None):
        page = upload(desk("manager"), "phone,name\n13800000009,王小明\n".encode("gb18030"))
        assert page.context["result"].rows[0].row_values["name"] == "王小明"

    def test_too_many_rows_are_sent_to_the_command(
        self, db: None, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(uploads, "LARGEST_IMPORT", 1)
        page = upload(desk("manager"), "phone\n13800000009\n13800000008\n")
        assert "manage.py import_members" in file_errors(page)

    def test_too_large_a_file_is_not_even_read(self, db: None):
        page = upload(desk("manager"), b"phone\n" + b"x" * (5 * 1024 * 1024))
        assert "5 MB" in file_errors(page)

    def test_what_changed_since_the_preview_imports_nothing(self, db: None):
        client = desk("manager")
        preview = upload(client, "phone,name\n13800000008,Dan\n13800000009,Eve\n")
        other = enrolment.Newcomer(phone="+8613800000009", name="Other")
        enrolment.enrol(newcomer=other, at=NOON)
        page = confirm(client, preview)
        assert "没有导入任何会员" in str(next(iter(page.context["messages"])))
        assert [member.name for member in Member.objects.all()] == ["Other"]

    def test_an_upload_that_is_gone_is_asked_for_again(self, db: None):
        client = desk("manager")
        preview = upload(client, "phone\n13800000009\n")
        page = confirm(client, preview, import_file_name="gone")
        assert "请重新选择" in str(next(iter(page.context["messages"])))
        assert Member.objects.count() == 0

    def test_a_clerk_may_not(self, db: None):
        client = desk("clerk")
        assert upload(client, "phone\n13800000009\n").status_code == 403
        assert client.post(PROCESS, {}).status_code == 403


def exported(role: str) -> list[dict[str, str]]:
    answer = desk(role).post(EXPORT, {"format": "0", "resource": "0"})
    assert answer.content.startswith(b"\xef\xbb\xbf"), "spreadsheets need the mark to read Chinese"
    return list(csv.DictReader(StringIO(answer.content.decode("utf-8-sig"))))


class TestExport:
    def test_a_clerk_gets_masked_rows(self, bob: Member):
        enrolment.change(member=bob, changes={"email": "bob@example.com"}, at=NOON)
        (row,) = exported("clerk")
        assert row["phone"] == "'+86138****0002"
        assert row["email"] == "b***@example.com"

    def test_who_may_change_members_gets_what_can_be_imported_again(self, bob: Member):
        (row,) = exported("manager")
        assert (row["number"], row["phone"], row["name"]) == (bob.number, "+8613800000002", "Bob")
        assert row["enrolled_at"] == "2026-11-21T12:00:00+08:00"

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\0"])
    def test_no_cell_is_a_formula(self, start: str):
        assert transfer.harmless(f"{start}1+1") == f"'{start}1+1"

    @pytest.mark.parametrize("text", ["", "Bob", "+8613800000002", "a=b", "2026-01-01"])
    def test_other_text_stays_as_it_is(self, text: str):
        assert transfer.harmless(text) == text

    def test_a_name_that_is_a_formula_is_disarmed(self, bob: Member):
        enrolment.change(member=bob, changes={"name": '=HYPERLINK("http://x","y")'}, at=NOON)
        assert exported("manager")[0]["name"].startswith("'=HYPERLINK")
