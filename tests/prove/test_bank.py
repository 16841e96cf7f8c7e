"""A hundred wallets, fifty clients, every verb at once, and somebody who keeps reading the books meanwhile."""

import threading
import time
from typing import Any

import pytest
from django.db import connection, transaction

from loyalty.models import Program
from members import enrolment
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean
from tests.loyalty.test_races import broken, without_locks
from tests.prove.bank import Bank, Client
from tests.prove.sizes import record, size

__all__ = ["without_locks"]

MEMBERS = 100
CLIENTS = size("clients", 20)

# One row per wallet whose figures cannot be; read together in one snapshot.
LOOK = """
SELECT w.id, format('figures %s %s %s %s, entries %s, lots %s', w.active, w.pending, w.reserved, w.debt, e.points,
    l.points)
FROM loyalty_wallet w
LEFT JOIN (SELECT wallet_id, sum(points) AS points FROM loyalty_entry GROUP BY 1) e ON e.wallet_id = w.id
LEFT JOIN (
    SELECT wallet_id, sum(remaining) AS points, sum(reserved) AS reserved,
        coalesce(sum(remaining) FILTER (WHERE is_pending), 0) AS pending
    FROM loyalty_lot GROUP BY 1
) l ON l.wallet_id = w.id
WHERE coalesce(e.points, 0) <> w.active + w.pending + w.reserved - w.debt
    OR coalesce(l.points, 0) <> w.active + w.pending + w.reserved
    OR coalesce(l.reserved, 0) <> w.reserved OR coalesce(l.pending, 0) <> w.pending
    OR least(w.active, w.pending, w.reserved, w.debt, w.earned, w.spent, w.expired) < 0
    OR w.active > 0 AND w.debt > 0"""
SUMS = """
SELECT (SELECT coalesce(sum(points), 0) FROM loyalty_entry),
    (SELECT sum(active + pending + reserved - debt) FROM loyalty_wallet),
    (SELECT coalesce(sum(points), 0) FROM loyalty_lot) + (SELECT coalesce(sum(points), 0) FROM loyalty_allocation),
    (SELECT sum(active + pending + reserved) FROM loyalty_wallet)"""


class Reader:
    """Reads the whole books again and again, each time in one snapshot."""

    def __init__(self) -> None:
        self.looks = 0
        self.found: list[Any] = []
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._read)

    def __enter__(self) -> "Reader":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self.thread.join()

    def _read(self) -> None:
        try:
            while not self.is_over.is_set() and not self.found:
                self.found += look()
                self.looks += 1
                self.is_over.wait(0.2)
        except Exception as problem:  # noqa: BLE001 - the test looks at it
            self.found.append(problem)
        finally:
            connection.close()


def look() -> list[Any]:
    """Everything in the books that cannot be, as of one moment."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute(LOOK)
        found: list[Any] = cursor.fetchall()
        cursor.execute(SUMS)
        entries, figures, lots, open_points = cursor.fetchone()
        if (entries, lots) != (figures, open_points):
            found.append((entries, figures, lots, open_points))
    return found


@pytest.fixture
def members(committed_db: Any) -> list[Member]:
    Program.objects.update(
        transfer={"enabled": True, "min": None, "per_transfer": None, "per_day": None, "fee": 1}
    )
    newcomers = [enrolment.Newcomer(phone=f"+86137{number:08d}") for number in range(MEMBERS)]
    return [
        each.member for each in enrolment.enrol_all(newcomers=newcomers, at=NOON) if each.member
    ]


@pytest.mark.long
class TestBank:
    def test_keeps_its_books_while_fifty_clients_are_at_work(
        self, committed_db: Any, members: list[Member]
    ) -> None:
        each = max(1, size("operations", 600) // CLIENTS)
        bank = Bank(members, seed=size("seed", 1))
        started = time.monotonic()

        with Reader() as reader:
            results = committed_db.run_parallel(
                lambda number: Client(bank, number).work(each), CLIENTS, CLIENTS
            )

        # Every call was answered or refused: no deadlock, no broken transaction reached a client.
        assert [result for result in results if result is not None] == []
        assert reader.found == []
        assert reader.looks > 0
        assert sum(bank.done.values()) == CLIENTS * each
        assert_clean()
        seconds = time.monotonic() - started
        record(
            part="bank",
            operations=CLIENTS * each,
            seconds=round(seconds),
            looks=reader.looks,
            refused=sum(n for what, n in bank.done.items() if what.startswith("refused")),
        )

    def test_without_locks_clients_meet_what_they_should_never_see(
        self, committed_db: Any, members: list[Member], without_locks: None
    ) -> None:
        bank = Bank(members[:3], seed=1)

        results = committed_db.run_parallel(
            lambda number: Client(bank, number).award(), 20, connections_at_once=20
        )

        assert broken(results) > 0
