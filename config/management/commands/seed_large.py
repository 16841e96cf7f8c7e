"""`manage.py seed_large`: an empty database filled with a million members and ten million entries."""

import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from config.bench import databases, seeding


class Command(BaseCommand):
    help = (
        "Fill an empty database with a large shop whose books are consistent: members with both wallets, entries with "
        "lots and allocations, and one member with a very long history."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--members", type=int, default=1_000_000)
        parser.add_argument("--entries", type=int, default=10_000_000)
        parser.add_argument("--long", type=int, help="entries of one wallet (a tenth of all)")
        parser.add_argument("--database", help="another database of the server; made if missing")

    def handle(self, *args: Any, **options: Any) -> None:
        at = datetime.now(UTC).replace(microsecond=0)
        members, entries = options["members"], options["entries"]
        long = entries // 10 if options["long"] is None else options["long"]
        try:
            plan = seeding.planned(members=members, entries=entries, long=long, at=at)
        except ValueError as problem:
            raise CommandError(str(problem)) from None
        if options["database"]:
            databases.make(options["database"])
            databases.use(options["database"])
            call_command("migrate", verbosity=0)
        self._began = time.monotonic()
        try:
            seeding.fill(plan=plan, say=self._say)
        except seeding.NotEmpty:
            raise CommandError("This database has members already; it is left as it is.") from None
        self._say(f"done: {databases.size()} on disk")

    def _say(self, text: str) -> None:
        self.stdout.write(f"{time.monotonic() - self._began:7.1f} s  {text}")
        self.stdout.flush()
