"""`manage.py bench`: speed as ratios to plain SQL, measured in one run on one server."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

from config.bench import lines

NAME = "jifen_bench"


class Command(BaseCommand):
    help = (
        "Measure the ledger beside plain SQL that writes the same rows, in a database of its own."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--members", type=int, default=20_000)

    def handle(self, *args: Any, **options: Any) -> None:
        home = connection.settings_dict["NAME"]
        self._recreate()
        try:
            self._use(NAME)
            self.stdout.write("Preparing a database of its own …")
            call_command("migrate", verbosity=0)
            members = lines.prepare(options["members"])
            measured = [lines.single(members), lines.batch(members)]
        finally:
            self._use(home)
            self._execute(f"DROP DATABASE IF EXISTS {NAME}")
        self.stdout.write("| what | ours/s | plain SQL/s | ratio |\n|---|---:|---:|---:|")
        for line in measured:
            self.stdout.write(
                f"| {line.name} | {line.ours:,.0f} | {line.yardstick:,.0f} | {line.ratio:.2f} |"
            )

    def _recreate(self) -> None:
        self._execute(f"DROP DATABASE IF EXISTS {NAME}")
        self._execute(f"CREATE DATABASE {NAME}")

    def _use(self, name: str) -> None:
        connection.close()
        connection.settings_dict["NAME"] = name

    def _execute(self, statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)
