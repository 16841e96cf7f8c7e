"""`manage.py bench`: speed beside plain SQL and a peer, measured in one run on one server, as a Markdown table."""

import os
import platform
import subprocess
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

from config.bench import (
    awards,
    books,
    databases,
    evaluating,
    replays,
    rush,
    seeding,
    segments,
    wallets,
)
from config.bench.measuring import Line, table
from members.models import Member

OPENED = "jifen_bench"
LARGE = "jifen_bench_large"
# Members and entries, a tenth of the entries in one wallet.
QUICK = (100_000, 1_000_000)
FULL = (1_000_000, 10_000_000)
# Of the year of baskets; the goals shrink along.
BASKETS = 20_000


class Command(BaseCommand):
    help = (
        "Measure the ledger beside plain SQL that writes the same rows and beside django-hordak, in databases of its "
        "own on the same server. --full takes a shop of a million members (about 10 GB for a quarter of an hour)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--full", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        home = connection.settings_dict["NAME"]
        members, entries = FULL if options["full"] else QUICK
        lines = self._told([evaluating.evaluate()])
        try:
            lines += self._opened(home, replays.BASKETS if options["full"] else BASKETS)
            lines += self._large(home, members, entries)
        finally:
            databases.use(home)
            for name in (OPENED, LARGE):
                databases.drop(name)
        self.stdout.write(self._circumstances(members, entries))
        self.stdout.write(table(lines))

    def _opened(self, home: str, baskets: int) -> list[Line]:
        """A shop that has just opened, as the yardstick's."""
        self._seed(home, OPENED, awards.WALLETS, 0)
        awards.prepare()
        lines = self._told(awards.single())
        lines += self._told([awards.batch()])
        lines += self._told([awards.two_writers()])
        lines += self._told([awards.orders()])
        lines += self._told(rush.offers())
        return lines + self._told([replays.replay(baskets=baskets)])

    def _large(self, home: str, members: int, entries: int) -> list[Line]:
        self._seed(home, LARGE, members, entries)
        some, long = self._people(), Member.objects.latest("id")
        short = Member.objects.earliest("id")
        sizes = f"{entries // 10:,} entries beside 7, {entries:,} in the table"
        lines = self._told(wallets.reads(short, long, sizes))
        lines += self._told([wallets.one_lot(some)])
        lines += self._told([wallets.drain(some)])
        lines += self._told(books.expire(members - 1))
        lines += self._told([books.verify()])
        return lines + self._told(segments.refresh(datetime.now(UTC)))

    def _people(self) -> Iterator[Member]:
        """Members whose wallets are empty: they are enrolled here."""
        from members import enrolment

        now = datetime.now(UTC)
        newcomers = [enrolment.Newcomer(phone=f"+86138{n:08d}") for n in range(20)]
        for each in enrolment.enrol_all(newcomers=newcomers, at=now):
            if each.member:
                yield each.member

    def _seed(self, home: str, name: str, members: int, entries: int) -> None:
        databases.use(home)
        databases.drop(name)
        databases.make(name)
        databases.use(name)
        self.stdout.write(
            f"Filling a database of its own: {members:,} members, {entries:,} entries …"
        )
        call_command("migrate", verbosity=0)
        plan = seeding.planned(
            members=members,
            entries=entries,
            long=entries // 10,
            at=datetime.now(UTC).replace(microsecond=0),
        )
        seeding.fill(plan=plan, say=lambda _: None)

    def _told(self, lines: list[Line]) -> list[Line]:
        for line in lines:
            self.stdout.write("  " + " · ".join(line.cells()))
            self.stdout.flush()
        return lines

    def _circumstances(self, members: int, entries: int) -> str:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            (version,) = cursor.fetchone()
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty"],  # noqa: S607
            check=False,
            capture_output=True,
            text=True,
        ).stdout.strip()
        load = " ".join(f"{each:.1f}" for each in os.getloadavg())
        return (
            f"\n{datetime.now(UTC):%Y-%m-%d}, {commit}, {os.cpu_count()} × {platform.machine()}, PostgreSQL {version}, "
            f"load {load}. Awards: {awards.WALLETS:,} members without history. The rest: {members:,} members, "
            f"{entries:,} entries.\n"
        )
