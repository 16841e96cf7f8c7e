from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from members.errors import NotFound
from rewards import draw_checking, draw_queries


class Command(BaseCommand):
    """Draw a closed round again from what is published of it and print ticket by ticket what comes of it."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("round", metavar="ROUND", help="the round id, such as autumn-1")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = draw_queries.round_of(options["round"])
        except NotFound as problem:
            raise CommandError(str(problem)) from None
        told = draw_checking.published(found)
        self._say("round", told["round"])
        self._say("SHA-256 of the seed", told["seed_sha256"])
        if told["seed"] is None:
            raise CommandError("The round is open: its seed is published when it closes.")
        self._say("seed", told["seed"])
        self._say("recipe", told["recipe"])
        names = {each["id"]: each["name"] for each in told["prizes"]}
        for each in told["prizes"]:
            stock = "unlimited" if each["stock"] is None else each["stock"]
            self._say(f"prize {each['id']}", f"{each['name']}, weight {each['weight']}, {stock}")
        for each in told["plays"]:
            won = names.get(each["prize"], "?")
            self.stdout.write(f"{each['ticket']:>8} {each['member']} {each['digest']} {won}")
        checked = draw_checking.verify_round(found)
        if not checked.is_right:
            raise CommandError("\n".join(checked.differences))
        self.stdout.write(f"{checked.tickets} tickets drawn again: every one as published.")

    def _say(self, name: str, value: object) -> None:
        self.stdout.write(f"{name}: {value}")
