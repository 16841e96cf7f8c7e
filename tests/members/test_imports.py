"""Stores and members from files: what goes in, what is reported, and that a repeat changes nothing."""

import csv
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import translation

from members.models import ImportRun, Member, Store
from tests.conftest import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"), time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def write(tmp_path: Path):
    def write(content: str | bytes, name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def run(command: str, path: Path, *options: str) -> str:
    output = StringIO()
    call_command(command, str(path), *options, stdout=output)
    return output.getvalue()


def run_with_bad_rows(command: str, path: Path, *options: str) -> tuple[str, str]:
    output = StringIO()
    with pytest.raises(CommandError) as ending:
        call_command(command, str(path), *options, stdout=output)
    assert ending.value.returncode == 1
    return output.getvalue(), str(ending.value)


class TestImportStores:
    def test_opens_stores_and_renames_them(self, write):
        path = write("code,name\nS1,静安寺店\nS2,徐家汇店\n")
        assert "2 rows read, 2 new, 0 there already, 0 rows left out" in run("import_stores", path)
        assert "2 rows read, 0 new, 2 there already" in run("import_stores", path)
        renamed = write("code,name\nS1,静安寺旗舰店\n")
        run("import_stores", renamed)
        assert dict(Store.objects.values_list("code", "name")) == {
            "S1": "静安寺旗舰店",
            "S2": "徐家汇店",
        }

    def test_one_code_twice_is_one_store(self, write):
        run("import_stores", write("code,name\nS1,a\nS1,a\n"))
        assert Store.objects.count() == 1

    def test_reports_bad_rows(self, write):
        path = write(f"code,name\n,a\nS2,\nS3,{'x' * 101}\nS4\nS5,good\n")
        output, ending = run_with_bad_rows("import_stores", path)
        assert "Line 2, column code, “”: The cell is empty. Fill it in." in output
        assert "Line 3, column name" in output
        assert "Line 4, column name" in output
        assert "Line 5: The row has too few cells: 1 of 2." in output
        assert "4 rows were left out" in ending
        assert list(Store.objects.values_list("code", flat=True)) == ["S5"]


MEMBERS = (
    "phone,external_id,name,enrolled_at,email,birthday,channel\n"
    "+8613800138001,H1,林知夏,2026-01-05T09:30:00+08:00,lin@example.com,1996-02-29,app\n"
    "１３８００１３８００２,H2,周予安,2026-02-05T09:30:00+08:00,,,\n"
    "138-0013 8003,,,,,,\n"
)


class TestImportMembers:
    def test_enrols_with_all_that_is_said(self, write):
        output = run("import_members", write(MEMBERS))
        assert "3 rows read, 3 new" in output
        lin = Member.objects.get(external_id="H1")
        assert (lin.name, lin.phone, lin.email) == ("林知夏", "+8613800138001", "lin@example.com")
        assert lin.birthday == date(1996, 2, 29)
        assert lin.enrolled_at == datetime(2026, 1, 5, 1, 30, tzinfo=UTC)
        assert lin.channel == "app"
        assert lin.tier.code == "base"
        assert Member.objects.get(external_id="H2").phone == "+8613800138002"
        assert Member.objects.get(phone="+8613800138003").enrolled_at == NOON

    def test_a_repeat_changes_nothing(self, write):
        run("import_members", write(MEMBERS))
        before = list(Member.objects.order_by("id").values())
        assert "0 new, 3 there already, 0 rows left out" in run("import_members", write(MEMBERS))
        assert list(Member.objects.order_by("id").values()) == before
        assert ImportRun.objects.get().created == 3

    @pytest.mark.parametrize("phone", ["8613800138001", "008613800138001", "+86 138 0013 8001"])
    def test_a_lost_plus_is_understood(self, write, phone):
        run("import_members", write(f"phone\n{phone}\n"))
        assert Member.objects.get().phone == "+8613800138001"

    def test_understands_the_store(self, write):
        run("import_stores", write("code,name\nS1,静安寺店\n"))
        run("import_members", write("phone,store\n13800138001,S1\n"))
        assert str(Member.objects.get().store) == "静安寺店 (S1)"

    @pytest.mark.parametrize(
        ("row", "parts"),
        [
            ("1.38E+10,H1,,", ["column phone", "1.38E+10", "into a number", "column as text"]),
            ("13800138000.0,H1,,", ["column phone", "into a number"]),
            ("12345,H1,,", ["column phone", "not a phone number", "+8613800138000"]),
            ("手机,H1,,", ["column phone", "not a phone number"]),
            (",,王,", ["column phone", "needs a phone number or an external id"]),
            ("13800138000,H1,,2026-01-05T09:30:00", ["enrolled_at", "offset", "+08:00"]),
            ("13800138000,H1,,2026-02-30T09:30:00+08:00", ["enrolled_at", "no such moment"]),
            ("13800138000,H1,,2027-01-05T09:30:00+08:00", ["enrolled_at", "still to come"]),
            (f"13800138000,H1,{'x' * 101},", ["column name", "100 characters"]),
            ("+8613800138009,H1,,", ["column external_id", "belongs to member"]),
            ("+8613800138001,H9,,", ["column phone", "other things are known"]),
            ('"13800138000,H1,,', ["Line 2", "quote", "not closed"]),
            ("13800138000,H1\0,,", ["Line 2", "NUL"]),
        ],
    )
    def test_reports_a_bad_row_while_the_others_go_in(self, write, row, parts):
        run("import_members", write("phone,external_id,name\n13800138001,H1,林知夏\n"))
        header = "phone,external_id,name,enrolled_at\n"
        path = write(f"{header}{row}\n13800138002,H2,周予安,\n", "bad.csv")
        output, ending = run_with_bad_rows("import_members", path)
        for part in [*parts, "Line 2"]:
            assert part in output
        assert "1 row was left out; everything else is imported" in ending
        assert set(Member.objects.values_list("external_id", flat=True)) == {"H1", "H2"}

    def test_names_an_unknown_store_and_the_remedy(self, write):
        output, _ending = run_with_bad_rows(
            "import_members", write("phone,store\n13800138001,S1\n")
        )
        assert "column store, “S1”: There is no store with this code. Import the stores" in output
        assert not Member.objects.exists()

    def test_counts_causes_and_lists_some(self, write):
        rows = "".join(f"1.38E+{number}\n" for number in range(10, 40))
        output, ending = run_with_bad_rows("import_members", write("phone\n" + rows))
        assert output.count("column phone") == 20
        assert "… more are counted at the end." in output
        assert "30 × phone: The spreadsheet turned the phone into a number" in output
        assert "30 rows were left out" in ending

    def test_writes_every_bad_row_to_a_file_that_can_be_corrected_and_imported(
        self, write, tmp_path
    ):
        errors = tmp_path / "errors.csv"
        path = write("phone,name\n1.38E+10,林知夏\n13800138002,周予安\n")
        output, _ending = run_with_bad_rows("import_members", path, "--errors", str(errors))
        assert str(errors) in output
        with errors.open(encoding="utf-8-sig", newline="") as stream:
            table = list(csv.reader(stream))
        assert table[0] == ["phone", "name", "line", "column", "reason"]
        assert table[1][:4] == ["1.38E+10", "林知夏", "2", "phone"]
        assert "Format the column as text" in table[1][4]
        assert len(table) == 2
        errors.write_bytes(errors.read_bytes().replace(b"1.38E+10", b"13800138001"))
        assert "left aside: line, column, reason" in run("import_members", errors)
        assert Member.objects.get(phone="+8613800138001").name == "林知夏"

    def test_refuses_an_errors_file_that_cannot_be_written(self, write, tmp_path):
        with pytest.raises(CommandError, match="cannot be written"):
            run("import_members", write(MEMBERS), "--errors", str(tmp_path / "no" / "e.csv"))
        assert not Member.objects.exists()

    def test_refuses_a_file_that_cannot_be_used_and_writes_nothing(self, write):
        with pytest.raises(CommandError, match="does not name the column phone"):
            run("import_members", write("telephone\n13800138001\n"))
        assert not Member.objects.exists()
        assert not ImportRun.objects.exists()


HISTORY = (
    "number,placed_at,member_external_id,sku,amount\n"
    "1,2017-03-01T10:00:00+08:00,H1,A,1.00\n"
    "2,2017-12-31T23:30:00+08:00,H1,A,1.00\n"
    "3,2017-02-30T10:00:00+08:00,H1,A,1.00\n"
)


class TestUntil:
    def test_moves_by_as_many_days_as_the_history(self, write):
        members = write("phone,enrolled_at\n13800138001,2017-03-01T00:00:00+08:00\n")
        history = write(HISTORY, "orders.csv")
        output = run("import_members", members, "--until", "today", "--history", str(history))
        days = (date(2026, 11, 21) - date(2017, 12, 31)).days
        assert f"All dates are moved by {days} days." in output
        assert Member.objects.get().enrolled_at == datetime(2026, 1, 19, 16, tzinfo=UTC)
        assert ImportRun.objects.get().shift_days == days

    def test_moves_its_own_last_day_without_a_history(self, write):
        members = write(
            "phone,enrolled_at\n"
            "13800138001,2017-03-01T00:00:00+08:00\n13800138002,2017-03-05T08:00:00+08:00\n"
        )
        run("import_members", members, "--until", "2026-11-20")
        moments = Member.objects.order_by("phone").values_list("enrolled_at", flat=True)
        assert [moment.date().isoformat() for moment in moments] == ["2026-11-15", "2026-11-20"]

    def test_a_repeat_after_midnight_moves_by_the_same_days(self, write):
        members = write("phone,enrolled_at\n13800138001,2017-03-01T00:00:00+08:00\n")
        run("import_members", members, "--until", "today")
        before = Member.objects.values().get()
        with time_machine.travel(datetime(2026, 11, 23, tzinfo=UTC), tick=False):
            assert "0 new, 1 there already" in run("import_members", members, "--until", "today")
        assert Member.objects.values().get() == before

    @pytest.mark.parametrize(
        ("word", "part"),
        [
            ("tomorrow", "not a date"),
            ("2026-11-22", "cannot end after today"),
            ("2026-02-30", "no such day"),
        ],
    )
    def test_refuses_other_words(self, write, word, part):
        members = write("phone,enrolled_at\n13800138001,2017-03-01T00:00:00+08:00\n")
        with pytest.raises(CommandError, match=part):
            run("import_members", members, "--until", word)

    def test_refuses_a_file_without_any_time(self, write):
        with pytest.raises(CommandError, match="no last day to move"):
            run("import_members", write("phone\n13800138001\n"), "--until", "today")
