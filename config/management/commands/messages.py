from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import translations


class Command(BaseCommand):
    help = "Extract, compile or check the Chinese translations (needs no gettext)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--extract",
            action="store_true",
            help="update locale/zh_Hans from code and templates (what happens without an option)",
        )
        what.add_argument(
            "--compile", action="store_true", help="write the .mo file if it is stale"
        )
        what.add_argument(
            "--check", action="store_true", help="fail with a list of what is not translated"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["compile"]:
            self._compile()
        elif options["check"]:
            self._check()
        else:
            self._extract()

    def _extract(self) -> None:
        catalog = translations.update()
        empty = sum(
            1 for message in catalog if message.id and not translations.is_translated(message)
        )
        self.stdout.write(f"{len(catalog)} messages, {empty} without Chinese")

    def _compile(self) -> None:
        if translations.compile_catalog():
            self.stdout.write("translations compiled")

    def _check(self) -> None:
        found = list(translations.problems())
        if found:
            listing = "\n".join(f"  {problem}" for problem in found)
            raise CommandError(
                f"{len(found)} messages are not ready:\n{listing}\n"
                "Run `manage.py messages`, then fill in locale/zh_Hans/LC_MESSAGES/django.po."
            )
        self.stdout.write("translations complete")
