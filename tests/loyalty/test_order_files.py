"""Orders from files: bad rows, torn and unsorted orders, repeats, moved dates, and a kill in the middle."""

import csv
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import translation

from loyalty import order_steps, programs, queries
from loyalty.models import Entry, Order, OrderLine, Wallet
from members import enrolment, stores
from members.models import ImportRun, Member, TierChange
from tests.conftest import NOON

HEADER = "number,placed_at,member_external_id,store,sku,name,category,brand,quantity,amount\n"
AT = "2026-11-01T10:00:00+08:00"


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


@pytest.fixture
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def shop(db: None, _noon: None) -> Member:
    """A store S1 and a member H1."""
    return open_shop()


def open_shop() -> Member:
    stores.create(changes={"code": "S1", "name": "静安寺店"})
    january = datetime(2016, 1, 1, tzinfo=UTC)
    return enrolment.enrol(
        newcomer=enrolment.Newcomer(phone="+8613800138001", external_id="H1", enrolled_at=january),
        at=NOON,
    )


@pytest.fixture
def write(tmp_path: Path):
    def write(content: str | bytes, name: str = "orders.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def line(number: str, amount: str = "10.00", **changes: str) -> str:
    cells = {
        "number": number,
        "placed_at": AT,
        "member": "H1",
        "store": "S1",
        "sku": "A",
        "name": "手冲咖啡",
        "category": "咖啡",
        "brand": "",
        "quantity": "1",
        "amount": amount,
    } | changes
    return ",".join(cells.values()) + "\n"


def run(path: Path, *options: str) -> str:
    output = StringIO()
    call_command("import_orders", str(path), *options, stdout=output)
    return output.getvalue()


def run_with_bad_rows(path: Path, *options: str) -> tuple[str, str]:
    output = StringIO()
    with pytest.raises(CommandError) as ending:
        call_command("import_orders", str(path), *options, stdout=output)
    assert ending.value.returncode == 1
    return output.getvalue(), str(ending.value)


def numbers() -> set[str]:
    return set(Order.objects.values_list("number", flat=True))


def books() -> dict[str, list[tuple[object, ...]]]:
    """Everything an import makes, without ids and moments of posting."""
    orders = Order.objects.order_by("source", "number")
    entries = Entry.objects.order_by(
        "wallet__member__external_id", "wallet__point_type", "sequence"
    )
    return {
        "orders": list(
            orders.values_list(
                "number",
                "member__external_id",
                "placed_at",
                "amount",
                "points",
                "status_points",
                "explanation",
                "active_from",
                "expires_at",
            )
        ),
        "lines": list(
            OrderLine.objects.order_by("order__number", "position").values_list(
                "order__number", "position", "sku", "quantity", "amount", "share"
            )
        ),
        "entries": list(
            entries.values_list("kind", "points", "balance", "sequence", "reference", "at")
        ),
        "wallets": list(
            Wallet.objects.order_by("member__external_id", "point_type").values_list(
                "active", "earned", "expired", "sequence"
            )
        ),
        "tiers": list(
            TierChange.objects.order_by("member__external_id", "at", "tier__rank").values_list(
                "member__external_id", "tier__code", "at"
            )
        ),
    }


@pytest.mark.usefixtures("shop")
class TestImport:
    def test_stores_orders_with_lines_points_and_explanation(self, shop, write):
        content = HEADER + line("1", "10.50") + line("1", "9.99", sku="B", quantity="2")
        output = run(write(content + line("2", "0.00", quantity="0")))
        assert "2 orders in 3 rows." in output
        assert "3 rows read, 2 new, 0 there already, 0 rows left out." in output
        order = Order.objects.get(number="1")
        assert (order.points, order.status_points, str(order.amount)) == (20, 20, "20.49")
        assert order.explanation[0]["points"] == 20
        assert (str(order.store), order.member, order.source) == ("静安寺店 (S1)", shop, "default")
        assert order.placed_at == datetime(2026, 11, 1, 2, tzinfo=UTC)
        told = order.lines.order_by("position").values_list("sku", "quantity", "name", "category")
        assert list(told) == [("A", 1, "手冲咖啡", "咖啡"), ("B", 2, "手冲咖啡", "咖啡")]
        free = Order.objects.get(number="2")
        assert (free.points, free.active_from, free.lines.get().quantity) == (0, None, 0)
        assert queries.figures(member=shop, at=NOON).active == 20

    def test_a_repeat_changes_nothing(self, write):
        path = write(HEADER + line("1") + line("2") + line("3", member=""))
        run(path)
        before = books()
        assert "3 rows read, 0 new, 3 there already, 0 rows left out." in run(path)
        assert books() == before
        assert ImportRun.objects.get().created == 3

    def test_several_orders_of_a_day_stay_apart(self, shop, write):
        run(write(HEADER + line("1-1") + line("1-2") + line("1-3")))
        assert numbers() == {"1-1", "1-2", "1-3"}
        assert queries.figures(member=shop, at=NOON).active == 30

    def test_an_order_without_a_member_is_kept_and_earns_nothing(self, write):
        run(write(HEADER + line("1", member="")))
        order = Order.objects.get()
        assert (order.member, order.points, order.lines.count()) == (None, 0, 1)

    def test_understands_the_optional_columns(self, shop, write):
        header = "number,placed_at,member_phone,member_number,source,channel,tags,sku,amount\n"
        rows = (
            f"1,{AT},138 0013 8001,,mall,app,new|夏季,A,10.00\n2,{AT},,{shop.number},,,,A,10.00\n"
        )
        run(write(header + rows))
        first = Order.objects.get(source="mall", number="1")
        assert (first.member, first.channel) == (shop, "app")
        assert (first.lines.get().tags, first.lines.get().quantity) == (["new", "夏季"], 1)
        assert Order.objects.get(source="default", number="2").member == shop

    def test_what_has_lapsed_since_has_lapsed(self, shop, write):
        run(write(HEADER + line("1", placed_at="2017-01-01T10:00:00+08:00") + line("2")))
        figures = queries.figures(member=shop, at=NOON)
        assert (figures.active, figures.expired) == (10, 10)
        call_command("verify_ledger", stdout=StringIO())

    def test_an_unknown_phone_is_reported(self, write):
        header = "number,placed_at,member_phone,sku,amount\n"
        path = write(header + f"1,{AT},13800138009,A,1.00\n2,{AT},13800138001,A,1.00\n")
        output, _ending = run_with_bad_rows(path)
        assert "Line 2, column member_phone, “13800138009”: There is no such member." in output
        assert numbers() == {"2"}


BAD_ROWS = [
    (line("1", ""), ["column amount, “”", "The cell is empty"]),
    (line("1", "12.345"), ["column amount, “12.345”", "more than two decimals"]),
    (line("1", '"1,234.50"'), ["column amount", "Write it without them: 1234.50."]),
    (line("1", "1,234.50"), ["too many cells: 11 instead of 10", "in quotes"]),
    (line("1", "¥12.50"), ["column amount", "currency sign", "such as 12.50"]),
    (line("1", quantity="-1"), ["column quantity, “-1”", "negative", "refund"]),
    (line("1", quantity="1.5"), ["column quantity", "not a whole number"]),
    (line("1", sku=""), ["column sku", "empty"]),
    (line("1", sku="x" * 101), ["column sku", "longer than 100 characters", "Shorten"]),
    (line("1", name="x" * 201), ["column name", "longer than 200"]),
    (line(""), ["column number", "empty"]),
    (line("1", placed_at=""), ["column placed_at", "empty"]),
    (line("1", placed_at="2026-11-01T10:00:00"), ["placed_at", "Add it, such as 2026-11-01T10"]),
    (line("1", placed_at="2017-02-30T10:00:00+08:00"), ["placed_at", "no such moment"]),
    (line("1", placed_at="1/11/2026"), ["placed_at", "Write it like 2026-11-30T18:46"]),
    (line("1", placed_at="2026-11-21T12:06:00+08:00"), ["placed_at", "to come", "--until today"]),
    (line("1", member="H9"), ["member_external_id, “H9”", "no such member", "Import the members"]),
    (
        line("1", store="S9"),
        ["column store, “S9”", "no store with this code", "Import the stores"],
    ),
    (line("1").replace(",1,", ',"1,'), ["opened", "not closed"]),
    (line("1", name='"a"b'), ["stray quote"]),
    (line("1", name="a\0b"), ["NUL byte"]),
    ("1,x\n", ["too few cells: 2 of 10"]),
]


@pytest.mark.usefixtures("shop")
class TestBadRows:
    @pytest.mark.parametrize(("row", "parts"), BAD_ROWS)
    def test_one_bad_line_rejects_its_order_and_no_other(self, write, row, parts):
        path = write(HEADER + line("0") + row + line("2") + line("2"))
        output, ending = run_with_bad_rows(path)
        for part in ["Line 3", *parts]:
            assert part in output
        assert "1 row was left out; everything else is imported" in ending
        assert numbers() == {"0", "2"}
        assert OrderLine.objects.count() == 3

    def test_the_good_lines_of_a_bad_order_stay_out_too(self, write, tmp_path):
        errors = tmp_path / "errors.csv"
        rows = (
            line("1", sku="A") + line("1", "1.234") + line("1", sku="C", quantity="x") + line("2")
        )
        output, ending = run_with_bad_rows(write(HEADER + rows), "--errors", str(errors))
        assert "Line 3, column amount" in output
        assert "Line 4, column quantity" in output
        assert "Line 2" not in output
        assert "3 rows were left out" in ending
        assert numbers() == {"2"}
        with errors.open(encoding="utf-8-sig", newline="") as stream:
            table = list(csv.DictReader(stream))
        assert [(row["line"], row["column"]) for row in table] == [
            ("2", ""),
            ("3", "amount"),
            ("4", "quantity"),
        ]
        assert table[0]["reason"] == "Left out because of line 3 of the same order."
        corrected = errors.read_text("utf-8-sig").replace("1.234", "1.23").replace(",x,", ",1,")
        run(write(corrected, "corrected.csv"))
        assert Order.objects.get(number="1").lines.count() == 3

    @pytest.mark.parametrize(
        ("changes", "column"),
        [
            ({"member": "H2"}, "member_external_id"),
            ({"placed_at": "2026-11-01T10:00:01+08:00"}, "placed_at"),
            ({"store": ""}, "store"),
        ],
    )
    def test_the_rows_of_an_order_have_to_agree(self, write, changes, column):
        output, _ending = run_with_bad_rows(write(HEADER + line("1") + line("1", **changes)))
        assert f"Line 3, column {column}" in output
        assert "differs from the first row of its order (line 2)" in output
        assert not Order.objects.exists()

    def test_an_order_torn_apart_stays_out_as_a_whole(self, write):
        path = write(HEADER + line("1") + line("2") + line("1", "5.00") + line("3"))
        output, _ending = run_with_bad_rows(path)
        assert "Line 2, column number, “1”: The order number comes back elsewhere" in output
        assert "Line 4, column number, “1”" in output
        assert "Put all lines of an order together" in output
        assert numbers() == {"2", "3"}

    def test_an_order_that_stands_there_twice_is_one_order(self, write):
        assert "2 new, 1 there already" in run(write(HEADER + line("1") + line("2") + line("1")))

    def test_an_order_known_with_other_content_is_never_changed(self, write):
        run(write(HEADER + line("1")))
        output, _ending = run_with_bad_rows(write(HEADER + line("1", "11.00") + line("2")))
        assert "Line 2, column number, “1”: The order was imported" in output
        assert str(Order.objects.get(number="1").amount) == "10.00"
        assert numbers() == {"1", "2"}

    def test_a_broken_first_line_takes_its_order_with_it(self, write):
        rows = line("1") + line("2", name='"a"b') + line("2", sku="B") + line("3")
        run_with_bad_rows(write(HEADER + rows))
        assert numbers() == {"1", "3"}

    @pytest.mark.parametrize(
        ("header", "part"),
        [
            ("number,placed_at,sku,amount", "member_number or member_external_id or member_phone"),
            ("number,member_external_id,sku,amount", "placed_at"),
            ("number,placed_at,member_external_id", "columns sku, amount"),
        ],
    )
    def test_a_missing_column_is_named(self, write, header, part):
        with pytest.raises(CommandError, match=part):
            run(write(header + "\n" + "1," * header.count(",") + "1\n"))
        assert not ImportRun.objects.exists()


@pytest.mark.usefixtures("shop")
class TestOrderOfTime:
    def rows(self) -> list[str]:
        """Orders that walk through three tiers, each day some."""
        day = datetime(2026, 1, 1, 2, tzinfo=UTC)
        moments = [(day + timedelta(hours=7 * number)).isoformat() for number in range(40)]
        return [
            line(f"{number}", f"{1000 + number}.90", placed_at=at)
            + line(f"{number}", "3.33", sku="B", placed_at=at)
            for number, at in enumerate(moments)
        ]

    def test_a_file_in_disorder_gives_what_the_ordered_one_gives(self, write):
        with transaction.atomic():
            assert "order of time" not in run(write(HEADER + "".join(self.rows())))
            ordered = books()
            transaction.set_rollback(True)
        shuffled = [self.rows()[(number * 17) % 40] for number in range(40)]
        output = run(write(HEADER + "".join(shuffled)))
        assert "The orders are not in the order of time (line 8 is the first" in output
        assert books() == ordered
        assert [code for _member, code, _at in ordered["tiers"]] == ["base", "silver", "gold"]

    def test_sorts_in_runs(self, write, monkeypatch):
        monkeypatch.setattr("loyalty.order_survey.SORTED_AT_ONCE", 7)
        with transaction.atomic():
            run(write(HEADER + "".join(self.rows())))
            ordered = books()
            transaction.set_rollback(True)
        run(write(HEADER + "".join(reversed(self.rows()))))
        assert books() == ordered

    def test_many_batches_give_what_one_gives(self, write, monkeypatch):
        path = write(HEADER + "".join(self.rows()))
        with transaction.atomic():
            run(path)
            at_once = books()
            transaction.set_rollback(True)
        monkeypatch.setattr("loyalty.management.commands.import_orders.ORDERS_IN_BATCH", 3)
        run(path)
        assert books() == at_once


@pytest.mark.usefixtures("shop")
class TestUntil:
    CONTENT = (
        HEADER
        + line("1", placed_at="2017-03-01T10:00:00+08:00")
        + line("2", placed_at="2017-12-31T11:00:00+08:00")
        + line("3", placed_at="2017-12-31T23:00:00+08:00")
    )

    def test_moves_all_dates_by_the_same_days_and_nothing_lies_ahead(self, write):
        output = run(write(self.CONTENT), "--until", "today")
        days = (datetime(2026, 11, 21) - datetime(2017, 12, 31)).days
        assert f"All dates are moved by {days} days." in output
        moments = dict(Order.objects.values_list("number", "placed_at"))
        assert moments["1"] == datetime(2017, 3, 1, 2, tzinfo=UTC) + timedelta(days=days)
        assert moments["2"] == datetime(2026, 11, 21, 3, tzinfo=UTC)
        began = ImportRun.objects.get().started_at
        assert moments["3"] == min(began, datetime(2026, 11, 21, 15, tzinfo=UTC))

    def test_a_day_in_the_past(self, write):
        run(write(self.CONTENT), "--until", "2026-11-20")
        assert Order.objects.get(number="3").placed_at == datetime(2026, 11, 20, 15, tzinfo=UTC)

    def test_a_repeat_after_midnight_changes_nothing(self, write):
        path = write(self.CONTENT)
        run(path, "--until", "2026-11-20")
        run(path, "--until", "2026-11-20")
        before = books()
        with time_machine.travel(datetime(2026, 11, 25, tzinfo=UTC), tick=False):
            assert "0 new, 3 there already" in run(path, "--until", "2026-11-20")
        assert books() == before

    def test_today_stays_the_day_of_the_first_run(self, write):
        path = write(self.CONTENT)
        run(path, "--until", "today")
        before = books()
        with time_machine.travel(datetime(2026, 11, 25, tzinfo=UTC), tick=False):
            assert "0 new, 3 there already" in run(path, "--until", "today")
        assert books() == before

    def test_the_same_file_with_another_shift_is_refused_at_once(self, write):
        path = write(self.CONTENT)
        run(path)
        with pytest.raises(
            CommandError, match="was imported before with its dates moved by 0 days"
        ):
            run(path, "--until", "today")

    def test_members_moved_by_the_history_set_the_shift(self, write):
        path = write(self.CONTENT)
        members = write("phone,enrolled_at\n13800138002,2017-03-01T00:00:00+08:00\n", "m.csv")
        call_command(
            "import_members",
            str(members),
            "--until",
            "today",
            "--history",
            str(path),
            stdout=StringIO(),
        )
        with time_machine.travel(datetime(2026, 11, 25, tzinfo=UTC), tick=False):
            run(path, "--until", "today")
        moved = Order.objects.get(number="1").placed_at
        assert moved.date() == Member.objects.get(
            phone="+8613800138002"
        ).enrolled_at.date() + timedelta(1)


SLOW_IMPORT = """
import sys, django
django.setup()
from django.core.management import call_command
from loyalty.management.commands import import_orders
import_orders.ORDERS_IN_BATCH = 5
call_command("import_orders", sys.argv[1])
"""


class TestKill:
    def test_a_kill_in_the_middle_and_a_repeat_equal_one_run(self, committed_db, write):
        open_shop()
        last_month = datetime.now(UTC).replace(microsecond=0) - timedelta(days=30)
        rows = []
        for number in range(300):
            at = (last_month + timedelta(minutes=number % 60)).isoformat()
            rows.append(line(f"{number:03}", f"{number}.50", placed_at=at))
            rows.append(line(f"{number:03}", "2.25", sku="B", placed_at=at))
        path = write(HEADER + "".join(rows))
        with transaction.atomic():
            run(path)
            one_run = books()
            transaction.set_rollback(True)
        self.kill_in_the_middle(path)
        done = Order.objects.count()
        assert 0 < done < 300
        assert OrderLine.objects.count() == 2 * done
        output = run(path)
        assert f"{300 - done} new, {done} there already, 0 rows left out" in output
        assert books() == one_run
        call_command("verify_ledger", stdout=StringIO())

    def kill_in_the_middle(self, path: Path) -> None:
        place = connection.settings_dict
        where = {
            "DATABASE_URL": f"postgres:///{place['NAME']}",
            "PGHOST": place["HOST"],
            "PGPORT": str(place["PORT"] or 5432),
            "PGUSER": place["USER"],
            "PGPASSWORD": place["PASSWORD"],
        }
        child = subprocess.Popen(
            [sys.executable, "-c", SLOW_IMPORT, str(path)],
            env=os.environ | where,
            stdout=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while not Order.objects.exists() and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL


@pytest.mark.usefixtures("shop")
class TestStatus:
    HEADER = HEADER.rstrip("\n") + ",status\n"

    def row(self, number: str, status: str, **changes: str) -> str:
        return line(number, **changes).rstrip("\n") + f",{status}\n"

    def test_decides_whether_points_are_given(self, write):
        said = ["created", "paid", "Shipped", " completed ", "cancelled", "", "Cancelled"]
        rows = "".join(self.row(str(place), status) for place, status in enumerate(said))

        assert "7 new" in run(write(self.HEADER + rows))

        found = Order.objects.order_by("number").values_list("status", "points")
        assert list(found) == [
            ("created", 0),
            ("paid", 10),
            ("shipped", 10),
            ("completed", 10),
            ("cancelled", 0),
            ("paid", 10),
            ("cancelled", 0),
        ]

    def test_may_be_written_in_chinese(self, write):
        with translation.override("zh-hans"):
            label = str(Order.Status.CANCELLED.label)
            run(write(self.HEADER + self.row("1", label)))

        assert Order.objects.get().status == "cancelled"

    def test_waits_as_the_program_says(self, write):
        programs.change(changes={"award_on": "completed"})

        run(write(self.HEADER + self.row("1", "paid") + self.row("2", "completed")))

        assert list(Order.objects.order_by("number").values_list("points", flat=True)) == [0, 10]

    @pytest.mark.parametrize("status", ["refunded", "partially_refunded", "lost"])
    def test_that_cannot_be_reported_leaves_the_order_out(self, write, status):
        path = write(self.HEADER + self.row("1", status) + self.row("2", "paid"))

        output, _ending = run_with_bad_rows(path)

        assert f"Line 2, column status, “{status}”" in output
        assert "created, paid, shipped, completed, cancelled" in output
        assert numbers() == {"2"}

    def test_has_to_agree_within_an_order(self, write):
        path = write(self.HEADER + self.row("1", "paid") + self.row("1", "cancelled"))

        output, _ending = run_with_bad_rows(path)

        assert "Line 3, column status" in output
        assert not Order.objects.exists()

    def test_again_in_the_same_file_is_there_already(self, write):
        path = write(self.HEADER + self.row("1", "created"))
        run(path)
        order_steps.advance(
            source="default", number="1", status="paid", at=None, now=datetime.now(UTC)
        )

        assert "1 there already" in run(path)
