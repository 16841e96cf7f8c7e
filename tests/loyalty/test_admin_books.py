"""The page of the books: its table, the rows behind each number, the files, the seals and the last check."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from loyalty import ordering, refunds, seals, verification
from loyalty.models import Entry, Seal
from loyalty.refunds import RefundFacts
from members import stores
from members.models import Member, Store
from tests.console import desk
from tests.loyalty.builders import debit, order, post, program, spoil, wallet_of

BOOKS = "/console/loyalty/daysheet/"


def today() -> date:
    return timezone.now().astimezone(program().zone).date()


def ask(client: Any, **more: Any) -> Any:
    first = today() - timedelta(days=10)
    answer = client.get(BOOKS, {"first": first, "last": today(), **more})
    assert answer.status_code == 200
    return answer


def asked(client: Any, **more: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ask(client, format="json", **more).content)
    return found


@pytest.fixture
def store(db: None) -> Store:
    return stores.create(changes={"code": "SH-1", "name": "=静安寺店"})


@pytest.fixture
def history(bob: Member, store: Store) -> int:
    """An order at a store three days ago, sealed; a refund and a redemption today."""
    ordering.place(order=order("1", "500.00", member=bob, store="SH-1"), at=timezone.now())
    spoil("UPDATE loyalty_entry SET created_at = created_at - interval '3 days'")
    seals.seal_days(at=timezone.now())
    back = RefundFacts(reference="r", amount=Decimal(100))
    refunds.refund(source="default", number="1", facts=back, now=timezone.now())
    wallet = wallet_of(bob)
    post(debit(wallet, 30, "out"), at=timezone.now())
    return wallet


class TestBooks:
    def test_shows_the_period_with_opening_movement_and_closing(self, history: int) -> None:
        client = desk("manager")
        page = ask(client).context["page"]

        assert [row["label"] for row in page.lines] == [
            str(today() - timedelta(days=3)),
            str(today()),
        ]
        assert list(page.columns) == ["issued", "reversed", "redeemed", "expired"]
        total = page.total["line"]
        assert (total.opening, total.closing, total.residual) == (0, 370, 0)
        assert page.is_balanced

    def test_is_this_month_by_day_unless_something_else_is_asked(self, history: int) -> None:
        form = desk("owner").get(BOOKS, {"first": "nonsense", "by": "colour"}).context["form"]

        assert (form.first, form.last, form.by) == (today().replace(day=1), today(), "day")
        assert form.point_type.code == "points"

    def test_and_the_first_page_lead_to_each_other(self, history: int) -> None:
        client = desk("manager")

        first = client.get("/console/").content.decode()

        assert f'href="{BOOKS}">账本</a>' in first
        assert 'href="/console/">今日概览</a>' in ask(client).content.decode()

    def test_says_which_moment_counts_and_in_which_zone(self, history: int) -> None:
        with translation.override("en"):
            answer = desk("owner").get(BOOKS, headers={"accept-language": "en"})

        assert "posted, in the time zone Asia/Shanghai" in answer.content.decode()

    @pytest.mark.parametrize("by", ["day", "month", "store", "kind"])
    def test_each_number_opens_the_entries_behind_it(self, history: int, by: str) -> None:
        client = desk("manager")
        page = ask(client, by=by).context["page"]
        opened = 0
        for row in [*page.lines, page.total]:
            for cell in row["cells"]:
                if cell["points"]:
                    behind = client.get(cell["address"])
                    assert behind.status_code == 200
                    rows = behind.context["cl"].queryset
                    assert sum(entry.points for entry in rows) == cell["points"]
                    opened += 1
        assert opened >= 6

    def test_by_store_names_the_stores(self, history: int, store: Store) -> None:
        lines = {line["label"]: line for line in asked(desk("owner"), by="store")["lines"]}

        assert lines["=静安寺店"]["issued"] == 500
        assert lines["=静安寺店"]["closing"] == 400
        assert sum(line["closing"] for line in lines.values()) == 370

    def test_as_json(self, history: int) -> None:
        found = asked(desk("owner"), type="status")

        assert (found["point_type"], found["zone"], found["by"]) == (
            "status",
            "Asia/Shanghai",
            "day",
        )
        assert found["total"] == {
            "opening": 0,
            "issued": 500,
            "reversed": -100,
            "adjusted": 0,
            "transferred": 0,
            "fees": 0,
            "redeemed": 0,
            "given": 0,
            "returned": 0,
            "expired": 0,
            "closing": 400,
            "residual": 0,
            "entries": 2,
        }
        assert found["wallets_differ_by"] == 0

    def test_as_csv_for_spreadsheets(self, history: int) -> None:
        answer = ask(desk("owner"), by="store", format="csv")
        lines = answer.content.decode().splitlines()

        assert answer["Content-Type"].startswith("text/csv")
        assert "attachment" in answer["Content-Disposition"]
        assert lines[0].startswith("\ufeff")
        # No cell is a formula.
        assert any(line.startswith("'=静安寺店,0,500,-100") for line in lines)
        assert len(lines) == 4

    def test_shows_a_difference(self, history: int) -> None:
        spoil(f"UPDATE loyalty_wallet SET active = active + 5 WHERE id = {history}")
        result = verification.Result()
        for each in verification.passes():
            result.add(each.differences)
        now = timezone.now()
        run = verification.conclude(result=result, by="root", started_at=now, at=now)
        client = desk("manager")

        answer = ask(client)

        assert answer.context["page"].book.wallets_differ_by == -5
        assert not answer.context["page"].is_balanced
        assert answer.context["run"] == run
        text = answer.content.decode()
        assert "entries sum to" in text
        number = Member.objects.get(name="Bob").number
        assert number in text
        detail = client.get(f"/console/loyalty/verificationrun/{run.pk}/change/")
        assert number in detail.content.decode()

    def test_shows_the_seals(self, history: int) -> None:
        client = desk("manager")
        seal = Seal.objects.order_by("-day")[0]

        assert seal.short in ask(client).content.decode()
        page = client.get(f"/console/loyalty/seal/{seal.pk}/change/").content.decode()
        assert bytes(seal.digest).hex() in page
        assert bytes(seal.previous).hex() in page

    def test_takes_as_many_queries_with_many_days_as_with_few(self, history: int) -> None:
        client = desk("owner")

        def queries(first: date) -> int:
            with CaptureQueriesContext(connection) as captured:
                client.get(BOOKS, {"first": str(first), "last": str(today()), "by": "day"})
            return len(captured)

        queries(today())
        few = queries(today() - timedelta(days=1))
        for number in range(12):
            post(debit(history, 1, f"d{number}"), at=timezone.now())
        assert queries(today() - timedelta(days=20)) == few <= 25

    def test_a_clerk_sees_no_books(self, history: int) -> None:
        client = desk("clerk")

        assert client.get(BOOKS).status_code == 403
        assert BOOKS not in client.get("/console/").content.decode()
        assert BOOKS in desk("manager").get("/console/").content.decode()

    def test_without_any_entry_there_is_an_empty_table(self, db: None) -> None:
        answer = ask(desk("owner"))

        assert not Entry.objects.exists()
        assert answer.context["page"].lines == []
        assert answer.context["page"].total["line"].closing == 0
