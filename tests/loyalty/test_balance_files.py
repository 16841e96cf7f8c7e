"""Opening balances from files: what goes in, what is reported, and that a repeat changes nothing."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import translation

from loyalty import balance_files, opening, queries
from loyalty.management.commands import import_balances
from loyalty.models import Entry, Lot
from members import enrolment
from members.cells import BadCell
from members.models import ImportRun, Member
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean, books, figures, lot_of, program, wallet_of

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"), time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def write(tmp_path: Path):
    def write(content: str | bytes, name: str = "balances.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def run(path: Path, *options: str) -> str:
    output = StringIO()
    call_command("import_balances", str(path), *options, stdout=output)
    return output.getvalue()


def run_with_bad_rows(path: Path, *options: str) -> str:
    output = StringIO()
    with pytest.raises(CommandError) as ending:
        call_command("import_balances", str(path), *options, stdout=output)
    assert ending.value.returncode == 1
    return output.getvalue() + str(ending.value)


@pytest.mark.django_db
class TestImportBalances:
    def test_credits_members_by_number_external_id_or_phone(
        self, write, bob: Member, mallory: Member
    ):
        carol = enrolment.enrol(
            newcomer=enrolment.Newcomer(phone="+8613800000007", external_id="C7"), at=NOON
        )
        path = write(
            "member,external_id,phone,points,earned_at,reference,title\n"
            f"{bob.number[:4]} {bob.number[4:]},,,1250,2026-03-01,old-1,Old card\n"
            ",C7,,300,2026-03-01T10:00:00+09:00,,\n"
            ",,138 0000 0003,20,2026-03-01 10:00,,\n"
        )

        assert "3 rows read, 3 new, 0 there already, 0 rows left out" in run(path)

        assert [figures(wallet_of(each))["active"] for each in (bob, carol, mallory)] == [
            1250,
            300,
            20,
        ]
        starts = list(Lot.objects.order_by("id").values_list("active_from", flat=True))
        assert starts == [
            datetime(2026, 3, 1, tzinfo=SHANGHAI),
            datetime(2026, 3, 1, 1, tzinfo=UTC),
            datetime(2026, 3, 1, 10, tzinfo=SHANGHAI),
        ]
        assert Entry.objects.get(reference="opening-balance/old-1").details["title"] == "Old card"
        assert_clean()

    def test_the_same_file_again_changes_nothing(self, write, bob: Member):
        path = write(
            "member,points,status_points,earned_at\n"
            f"{bob.number},10,20,2026-03-01\n{bob.number},11,,2026-03-01\n"
        )
        run(path)
        before = books()

        assert "2 rows read, 0 new, 2 there already" in run(path)
        assert books() == before
        assert ImportRun.objects.get(kind="balances").created == 2

    def test_a_run_that_was_stopped_goes_on(
        self, write, bob: Member, monkeypatch: pytest.MonkeyPatch
    ):
        path = write(
            "member,points,earned_at\n"
            + "".join(f"{bob.number},{points},2026-03-01\n" for points in (1, 2, 4, 8, 16))
        )
        monkeypatch.setattr(import_balances, "BATCH", 2)
        as_it_is = opening.open_all
        calls = []

        def stopped_in_the_second(**words):
            calls.append(words)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return as_it_is(**words)

        monkeypatch.setattr(opening, "open_all", stopped_in_the_second)
        with pytest.raises(CommandError) as ending:
            run(path)
        assert ending.value.returncode == 130
        assert figures(wallet_of(bob)) == {"active": 3, "earned": 3}

        assert "5 rows read, 3 new, 2 there already" in run(path)
        assert figures(wallet_of(bob)) == {"active": 31, "earned": 31}

    def test_bad_rows_are_told_with_their_line_and_the_good_ones_go_in(
        self, write, bob: Member, mallory: Member, tmp_path: Path
    ):
        Member.objects.filter(pk=mallory.pk).update(status="closed")
        rows = [
            "10,2026-03-01,,,x1",
            "ten,2026-03-01,,,x2",
            "1.5,2026-03-01,,,x3",
            "-5,2026-03-01,,,x4",
            "0,2026-03-01,,,x5",
            "9223372036854775808,2026-03-01,,,x6",
            "10,,,,x7",
            "10,2026-13-01,,,x8",
            "10,2026-12-01,,,x9",
            "10,2026-03-01,,2026-02-01,x10",
            "11,2026-03-01,,,x1",
            "12,2026-03-01,,,x12",
        ]
        content = "member,points,earned_at,active_from,expires_at,reference\n"
        content += "".join(f"{bob.number},{row}\n" for row in rows)
        content += f"{mallory.number},5,2026-03-01,,,m\n999999999999,5,2026-03-01,,,n\n,5,2026-03-01,,,o\n"
        errors = tmp_path / "errors.csv"

        said = run_with_bad_rows(write(content), "--errors", str(errors))

        with errors.open(encoding="utf-8-sig") as stream:
            told = {row["line"]: row["column"] for row in csv.DictReader(stream)}
        assert told == {
            "3": "points",
            "4": "points",
            "5": "points",
            "6": "points",
            "7": "points",
            "8": "earned_at",
            "9": "earned_at",
            "10": "earned_at",
            "11": "expires_at",
            "12": "reference",
            "14": "member",
            "15": "member",
            "16": "member",
        }
        assert "15 rows read, 2 new, 0 there already, 13 rows left out" in said
        assert figures(wallet_of(bob)) == {"active": 22, "earned": 22}
        assert figures(wallet_of(mallory)) == {}
        assert_clean()

    def test_a_row_that_stands_there_twice_needs_a_reference(self, write, bob: Member):
        row = f"{bob.number},10,2026-03-01"
        said = run_with_bad_rows(write(f"member,points,earned_at\n{row}\n{row}\n{row}\n"))
        assert "Line 3: The same balance stands in line 2 already." in said
        assert figures(wallet_of(bob)) == {"active": 10, "earned": 10}

        both = f"member,points,earned_at,reference\n{row},a\n{row},b\n"
        assert "2 rows read, 2 new" in run(write(both))
        assert figures(wallet_of(bob)) == {"active": 30, "earned": 30}

    def test_what_is_over_lapses_at_once(self, write, bob: Member):
        path = write(
            "member,points,earned_at,expires_at\n"
            f"{bob.number},10,2020-03-01,\n"
            f"{bob.number},20,2026-03-01,2026-11-20\n"
            f"{bob.number},30,2026-03-01,2026-11-21\n"
        )

        run(path)

        assert figures(wallet_of(bob)) == {"active": 30, "earned": 60, "expired": 30}
        ends = Entry.objects.filter(kind="expire").order_by("id").values_list("at", flat=True)
        assert list(ends) == [
            datetime(2022, 3, 2, tzinfo=SHANGHAI),
            datetime(2026, 11, 21, tzinfo=SHANGHAI),
        ]
        end = datetime(
            2026, 11, 22, tzinfo=SHANGHAI
        )  # a day is the last on which they can be used
        shown = [
            queries.figures(member=bob, at=at).active
            for at in (end - timedelta(microseconds=1), end)
        ]
        assert shown == [30, 0]

    def test_times_without_offset_are_those_of_the_program(self, write, bob: Member):
        program(time_zone="America/New_York")
        path = write(f"member,points,earned_at,reference\n{bob.number},10,2026-03-01 08:30,a\n")

        run(path)

        lot = lot_of(wallet_of(bob), "opening-balance/a")
        assert lot.active_from == datetime(2026, 3, 1, 13, 30, tzinfo=UTC)

    @pytest.mark.parametrize(
        "header", ["points,earned_at", "member,points", "member;points;earned_on"]
    )
    def test_refuses_a_file_without_its_columns(self, write, header: str):
        with pytest.raises(CommandError, match="Line 1 does not name"):
            call_command("import_balances", str(write(f"{header}\n1,2\n")), stdout=StringIO())

    def test_takes_the_same_statements_for_a_few_and_for_many(
        self, write, bob: Member, mallory: Member
    ):
        def rows(numbers: range) -> str:
            lines = [f"{(bob, mallory)[n % 2].number},{n + 1},2026-03-01,s{n}\n" for n in numbers]
            return "member,points,earned_at,reference\n" + "".join(lines)

        def statements(path: Path) -> int:
            seen = []

            def count(execute, sql, params, many, context):
                seen.append(sql)
                return execute(sql, params, many, context)

            with connection.execute_wrapper(count):
                run(path)
            return len(seen)

        run(write(rows(range(2)), "0.csv"))
        assert statements(write(rows(range(10, 12)), "1.csv")) == statements(
            write(rows(range(20, 500)), "2.csv")
        )


class TestMoment:
    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("2026-03-01", datetime(2026, 3, 1, tzinfo=SHANGHAI)),
            ("2026-03-01T08:30", datetime(2026, 3, 1, 8, 30, tzinfo=SHANGHAI)),
            ("2026-03-01 08:30:15", datetime(2026, 3, 1, 8, 30, 15, tzinfo=SHANGHAI)),
            ("2026-03-01T08:30:15Z", datetime(2026, 3, 1, 8, 30, 15, tzinfo=UTC)),
            ("2026-03-01T08:30:15-0500", datetime(2026, 3, 1, 13, 30, 15, tzinfo=UTC)),
        ],
    )
    def test_is_read_by_the_programs_clock(self, text: str, moment: datetime):
        assert balance_files.moment(text, SHANGHAI) == moment

    @pytest.mark.parametrize("text", ["1.3.2026", "2026-02-30", "2026-03-01T25:00", "1899-12-31"])
    def test_refuses_what_is_none(self, text: str):
        with pytest.raises(BadCell):
            balance_files.moment(text, SHANGHAI)
