from datetime import date, timedelta

import pytest
from django.utils import timezone

from loyalty import adjustments, books, day_sheets, ledger, seals
from loyalty.books import Asked, Book
from loyalty.ledger import Gift
from loyalty.models import DaySheet, PointType, Seal
from members import stores
from members.models import Member, Store
from tests.loyalty.builders import (
    credit,
    day,
    debit,
    give_back,
    post,
    program,
    reversal,
    settle,
    spoil,
    wallet_of,
)

ZONE = "Asia/Shanghai"


def today() -> date:
    return timezone.now().astimezone(program().zone).date()


def asked(by: str = "day", *, first: int = -10, last: int = 0, code: str = "points") -> Asked:
    point_type = PointType.objects.get(code=code).pk
    days = [today() + timedelta(days=number) for number in (first, last)]
    return Asked(point_type=point_type, first=days[0], last=days[1], by=by, zone=ZONE)


def roll(by: str = "day", **more: int) -> Book:
    return books.roll_forward(asked=asked(by, **more))  # type: ignore[arg-type]


def moved(book: Book) -> dict[str, dict[str, int]]:
    return {
        line.key: {column: points for column, points in line.moved.items() if points}
        for line in book.lines
    }


@pytest.fixture
def store(db: None) -> Store:
    return stores.create(changes={"code": "SH-1", "name": "静安寺店"})


@pytest.fixture
def history(bob: Member, ada: Member, store: Store) -> int:
    """Every kind of entry, posted in order: three days ago, the day before yesterday and today."""
    wallet, other = wallet_of(bob), wallet_of(ada)
    post(credit(wallet, 100, "a"), credit(wallet, 40, "soon", expires_at=day(1)))
    post(debit(wallet, 25, "out"), credit(wallet, 7, "s"))
    spoil(f"UPDATE loyalty_entry SET store_id = {store.pk} WHERE reference IN ('out', 's')")
    settle(wallet, day(2))
    post(
        give_back(wallet, 25, "back", of="out"), reversal(wallet, 10, "undone", of="a"), at=day(2)
    )
    post(debit(wallet, 5, "d", kind="donate"), debit(wallet, 6, "b", kind="buy_back"), at=day(2))
    gift = Gift(
        wallet=wallet,
        kind="transfer_out",
        points=20,
        reference="t",
        at=day(2),
        details={},
        explanation=[{"rule": "transfer_out", "kind": "transfer", "points": -20}],
        to=other,
        fee=2,
        reference_there="t",
        details_there={},
    )
    ledger.post(postings=[gift], at=day(2))
    facts = adjustments.AdjustmentFacts(
        member=bob.number, points=3, reason="correction", reference="a1"
    )
    adjustments.adjust(facts=facts, requested_by="owner", at=day(2))
    _post_on(-3, "'a', 'soon', 'welcome'")
    _post_on(-2, "'out', 's'")
    return wallet


def _post_on(days: int, references: str) -> None:
    at = (timezone.now() + timedelta(days=days)).isoformat()
    spoil(f"UPDATE loyalty_entry SET created_at = '{at}' WHERE reference IN ({references})")


def name(days: int) -> str:
    return str(today() + timedelta(days=days))


class TestRollForward:
    @pytest.fixture(autouse=True, params=["live", "sealed"])
    def _sealed(self, request: pytest.FixtureRequest, history: int) -> None:
        """The same answers whether the days were sealed or not."""
        if request.param == "sealed":
            assert seals.seal_days(at=timezone.now()).seals

    def test_by_day_closes_with_what_the_next_opens_with(self) -> None:
        book = roll()

        assert moved(book) == {
            name(-3): {"issued": 1140},
            name(-2): {"issued": 7, "redeemed": -25},
            name(0): {
                "returned": 25,
                "reversed": -10,
                "given": -11,
                "fees": -2,
                "adjusted": 3,
                "expired": -40,
            },
        }
        assert [(line.opening, line.closing) for line in book.lines] == [
            (0, 1140),
            (1140, 1122),
            (1122, 1087),
        ]
        assert [line.residual for line in book.lines] == [0, 0, 0]
        assert (book.total.opening, book.total.closing, book.total.residual) == (0, 1087, 0)
        assert book.wallets_differ_by == 0

    def test_the_rest_of_a_period_opens_with_all_before(self) -> None:
        book = roll(first=-2, last=-1)

        assert moved(book) == {name(-2): {"issued": 7, "redeemed": -25}}
        assert (book.total.opening, book.total.closing) == (1140, 1122)
        assert (book.lines[0].opening, book.lines[0].residual) == (1140, 0)

    def test_transfers_sum_to_nothing_but_their_fees(self) -> None:
        total = roll().total

        assert (total.moved["transferred"], total.moved["fees"]) == (0, -2)

    def test_by_store(self, store: Store) -> None:
        book = roll("store", first=-2)

        assert moved(book)[str(store.pk)] == {"issued": 7, "redeemed": -25}
        by_key = {line.key: line for line in book.lines}
        assert (by_key["0"].opening, by_key[str(store.pk)].opening) == (1140, 0)
        assert by_key[str(store.pk)].closing == -18
        assert {line.residual for line in book.lines} == {0}
        assert book.total.closing == sum(line.closing for line in book.lines) == 1087

    def test_by_kind(self) -> None:
        book = roll("kind")

        assert moved(book)["transfer_in"] == {"transferred": 20}
        assert moved(book)["transfer_out"] == {"transferred": -20}
        assert {line.residual for line in book.lines} == {0}
        assert book.total.closing == 1087
        assert sum(line.entries for line in book.lines) == 15

    def test_by_month_adds_up_to_the_days(self) -> None:
        months, days = roll("month"), roll("day")

        assert months.total == days.total
        assert {line.key for line in months.lines} <= {name(-3)[:7], name(0)[:7]}

    def test_net_issue_and_use(self) -> None:
        total = roll().total

        assert (total.net_issued, total.used) == (1137, 11)
        assert (
            total.opening
            + total.net_issued
            + total.moved["adjusted"]
            + total.moved["transferred"]
            + total.moved["fees"]
            - total.used
            + total.moved["expired"]
            == total.closing
        )

    def test_status_points_have_books_of_their_own(self) -> None:
        assert roll(code="status").lines == []  # type: ignore[arg-type]


class TestResiduals:
    def test_wallets_check_everything_up_to_now(self, history: int) -> None:
        spoil(f"UPDATE loyalty_wallet SET active = active - 4 WHERE id = {history}")

        assert roll().wallets_differ_by == 4

    @pytest.mark.parametrize("by", ["day", "month", "store", "kind"])
    def test_entries_check_the_sheets(self, history: int, by: str) -> None:
        seals.seal_days(at=timezone.now())
        spoil("UPDATE loyalty_daysheet SET points = points + 9 WHERE kind = 'redeem'")

        book = roll(by)

        assert sorted(line.residual or 0 for line in book.lines)[-1] == 9
        assert (book.total.residual, book.wallets_differ_by) == (9, 9)

    def test_a_line_that_lost_its_sheet_is_found(self, history: int) -> None:
        seals.seal_days(at=timezone.now())
        spoil("DELETE FROM loyalty_daysheet WHERE kind = 'redeem'")

        assert roll("kind").total.residual == 25

    def test_too_many_entries_are_not_counted_on_a_page(
        self, history: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(books, "MOST_RECOUNTED", 1)
        seals.seal_days(at=timezone.now())

        book = roll()

        assert {line.residual for line in book.lines} == {None}
        assert book.total.residual is None


class TestLive:
    def test_too_many_since_the_last_seal_wait_for_the_night(
        self, history: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seals.seal_days(at=timezone.now())
        monkeypatch.setattr(books, "MOST_LIVE", 3)

        book = roll()

        assert (book.total.closing, book.total.residual) == (1122, 0)
        assert book.wallets_differ_by is None

    def test_what_came_after_the_period_still_agrees_with_the_wallets(self, history: int) -> None:
        assert roll(last=-1).wallets_differ_by == 0


class TestDaySheets:
    def test_rebuilt_from_scratch_they_are_what_the_nights_made(self, history: int) -> None:
        zones = ["Asia/Shanghai", "Pacific/Kiritimati"]
        first = seals.seal_days(at=timezone.now() - timedelta(days=2)).seals
        program(time_zone=zones[1])
        assert first
        assert seals.seal_days(at=timezone.now()).seals
        fields = ("day", "point_type", "store", "kind", "entries", "points")
        by_night = sorted(DaySheet.objects.values_list(*fields), key=str)

        day_sheets.rebuild()

        assert sorted(DaySheet.objects.values_list(*fields), key=str) == by_night
        assert sum(line[4] for line in by_night) == sum(
            Seal.objects.values_list("entries", flat=True)
        )

    def test_a_late_entry_never_falls_on_a_sealed_day(self, history: int) -> None:
        """A zone that moves west must not put what was posted since the seal on the sealed day."""
        seals.seal_days(at=timezone.now())
        last = Seal.objects.order_by("-day")[0].day
        ask = asked()
        west = Asked(
            point_type=ask.point_type, first=ask.first, last=ask.last, by="day", zone="Etc/GMT+12"
        )

        assert books.roll_forward(asked=west).lines[-1].key > str(last)
