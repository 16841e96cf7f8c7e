from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from io import StringIO
from threading import Event
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from loyalty import seals, tasks
from loyalty.models import DaySheet, Entry, Seal
from members.models import Member
from tests.loyalty.builders import credit, debit, post, program, spoil, wallet_of

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)


def midnight(days: int) -> datetime:
    """The beginning of the program's day so many days from today's (Shanghai: 16:00 of the day before in UTC)."""
    shifted = timezone.now() + timedelta(hours=8)
    day = datetime(shifted.year, shifted.month, shifted.day, tzinfo=UTC)
    return day - timedelta(hours=8) + days * DAY


def posted(reference: str, at: datetime) -> None:
    """Say that an entry was posted at another moment."""
    spoil(
        f"UPDATE loyalty_entry SET created_at = '{at.isoformat()}' WHERE reference = '{reference}'"
    )


def sealed(at: datetime | None = None) -> list[Seal]:
    return seals.seal_days(at=at or timezone.now()).seals


def figures(made: list[Seal]) -> list[tuple[int, int]]:
    return [(seal.entries, int(seal.points)) for seal in made]


@pytest.fixture
def wallet(bob: Member) -> int:
    """A wallet with entries of three days ago, two days ago at its last moment, and today."""
    wallet = wallet_of(bob)
    post(credit(wallet, 100, "a"), debit(wallet, 30, "b"), credit(wallet, 5, "c"))
    post(credit(wallet, 7, "d"))
    posted("a", midnight(-3))
    posted("b", midnight(-3) + timedelta(hours=3))
    posted("c", midnight(-1) - MICROSECOND)
    return wallet


class TestSealDays:
    def test_seals_each_finished_day_once_and_chains_it(self, wallet: int) -> None:
        made = sealed()

        assert figures(made) == [(2, 70), (1, 5), (0, 0)]
        today = midnight(0).astimezone(program().zone).date()
        assert [seal.day for seal in made] == [today - 3 * DAY, today - 2 * DAY, today - DAY]
        assert [seal.ends_at for seal in made] == [midnight(-2), midnight(-1), midnight(0)]
        assert made[0].starts_at == seals.BEGINNING
        assert [seal.starts_at for seal in made[1:]] == [midnight(-2), midnight(-1)]
        assert bytes(made[0].previous) == b""
        assert [seal.previous for seal in made[1:]] == [seal.digest for seal in made[:-1]]
        assert sealed() == []

    def test_the_digest_covers_all_that_it_should(self, wallet: int) -> None:
        first, second, third = sealed()
        ids = Entry.objects.filter(reference__in=["a", "b"]).order_by("id")
        digests = b"".join(bytes(entry.digest) for entry in ids)

        head = f"{first.day}\n2\n70\n".encode()
        assert bytes(first.digest) == sha256(head + digests).digest()
        assert first.last_entry == Entry.objects.get(reference="b").pk
        head = bytes(second.digest) + f"{third.day}\n0\n0\n".encode()
        assert bytes(third.digest) == sha256(head).digest()
        assert third.last_entry is None

    def test_in_batches_gives_the_same_digest(
        self, wallet: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with transaction.atomic():
            whole = [bytes(seal.digest) for seal in sealed()]
            transaction.set_rollback(True)
        monkeypatch.setattr(seals, "BATCH", 1)

        assert [bytes(seal.digest) for seal in sealed()] == whole

    @pytest.mark.parametrize(("after", "count"), [(-1, 2), (0, 3)])
    def test_a_day_is_over_when_it_has_rested(self, wallet: int, after: int, count: int) -> None:
        at = midnight(0) + seals.REST + after * MICROSECOND

        assert len(sealed(at)) == count

    def test_a_clock_that_runs_ahead_ends_no_day_early(self, wallet: int) -> None:
        assert len(sealed(timezone.now() + 2 * DAY)) == 3

    def test_the_first_seal_holds_everything_before(self, wallet: int) -> None:
        posted("c", datetime(1999, 1, 1, tzinfo=UTC))

        made = sealed(datetime(1999, 1, 2, tzinfo=UTC))

        assert figures(made) == [(1, 5)]
        assert made[0].day == date(1999, 1, 1)

    def test_without_entries_yesterday_is_the_first_day(self, db: None) -> None:
        made = sealed()

        assert figures(made) == [(0, 0)]
        assert made[0].ends_at == midnight(0)

    @pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin"])
    def test_a_changed_zone_neither_doubles_nor_skips_an_entry(
        self, wallet: int, zone: str
    ) -> None:
        first = sealed(midnight(-2) + seals.REST)
        program(time_zone=zone)

        rest = sealed()

        made = [*first, *rest]
        assert [seal.starts_at for seal in made[1:]] == [seal.ends_at for seal in made[:-1]]
        found = Entry.objects.filter(created_at__lt=made[-1].ends_at).count()
        assert sum(seal.entries for seal in made) == found >= 3
        assert len({seal.day for seal in made}) == len(made)

    def test_sums_the_day_up_in_its_day_sheets(self, wallet: int) -> None:
        first = sealed()[0]

        lines = DaySheet.objects.filter(day=first.day).order_by("kind")
        assert [(line.kind, line.entries, int(line.points)) for line in lines] == [
            ("earn", 1, 100),
            ("redeem", 1, -30),
        ]

    def test_the_database_refuses_to_change_or_delete_a_seal(self, wallet: int) -> None:
        seal = sealed()[0]
        with pytest.raises(Exception, match="update"), transaction.atomic():
            Seal.objects.filter(pk=seal.pk).update(entries=5)
        with pytest.raises(Exception, match="delete"), transaction.atomic():
            seal.delete()
        assert Seal.objects.get(pk=seal.pk).entries == 2


class TestWaiting:
    @pytest.fixture
    def writer(self, committed_db: Any) -> Any:
        return committed_db

    def test_a_day_waits_for_transactions_that_began_in_it(
        self, writer: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The borders of days lie in the past: a day that ends "now" stands for midnight."""
        began, looked = Event(), Event()

        def work(number: int) -> Any:
            if number == 0:
                with transaction.atomic():
                    Entry.objects.count()
                    began.set()
                    assert looked.wait(20)
                return None
            assert began.wait(20)
            border = timezone.now()
            with connection.cursor() as cursor:
                cursor.execute(seals._STILL_WRITING, [border, border])
                (is_open,) = cursor.fetchone()
                cursor.execute(seals._STILL_WRITING, [border - timedelta(hours=1)] * 2)
                (was_open,) = cursor.fetchone()
            looked.set()
            return is_open, was_open

        assert writer.run_parallel(work, times=2, connections_at_once=2)[1] == (True, False)

    def test_is_said_and_nothing_is_sealed(
        self, db: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(seals, "_STILL_WRITING", "SELECT %s < %s OR true")

        sealing = seals.seal_days(at=timezone.now())

        assert (sealing.seals, sealing.is_waiting) == ([], True)
        assert Seal.objects.count() == 0


class TestTwoWorkers:
    def test_seal_each_day_once(self, committed_db: Any) -> None:
        results = committed_db.run_parallel(
            lambda _n: len(sealed()), times=8, connections_at_once=8
        )

        assert sum(results) == Seal.objects.count() == 1

    def test_without_the_lock_the_database_refuses_the_second(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The twin: what the lock spares."""
        monkeypatch.setattr(
            seals, "_TRY_LOCK", "SELECT %s IS NOT NULL AND pg_sleep(0.2) IS NOT NULL"
        )

        results = committed_db.run_parallel(
            lambda _n: len(sealed()), times=8, connections_at_once=8
        )

        assert any(isinstance(each, IntegrityError) for each in results)
        assert Seal.objects.count() == 1


class TestByHand:
    def test_prints_each_seal(self, wallet: int) -> None:
        out = StringIO()

        call_command("seal_ledger", stdout=out)

        lines = out.getvalue().splitlines()
        digests = [bytes(seal.digest).hex() for seal in Seal.objects.order_by("day")]
        assert len(lines) == 3
        assert all(digest in line for digest, line in zip(digests, lines, strict=True))
        call_command("seal_ledger", stdout=out)
        assert len(out.getvalue().splitlines()) == 4

    def test_the_task_tells_how_many(self, wallet: int) -> None:
        assert tasks.seal_days() == 3
        assert tasks.seal_days() == 0
