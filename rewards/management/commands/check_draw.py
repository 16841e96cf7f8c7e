from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

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
        self._say(_("round"), told["round"])
        self._say(_("SHA-256 of the seed"), told["seed_sha256"])
        if told["seed"] is None:
            raise CommandError(_("The round is open: its seed is published when it closes."))
        self._say(_("seed"), told["seed"])
        self._say(_("recipe"), _(told["recipe"]))
        names = {each["id"]: each["name"] for each in told["prizes"]}
        for each in told["prizes"]:
            self._say_prize(each)
        for each in told["plays"]:
            won = names.get(each["prize"], "?")
            self.stdout.write(f"{each['ticket']:>8} {each['member']} {each['digest']} {won}")
        checked = draw_checking.verify_round(found)
        if not checked.is_right:
            raise CommandError("\n".join(checked.differences))
        self.stdout.write(
            ngettext(
                "%(count)d ticket drawn again: as published.",
                "%(count)d tickets drawn again: every one as published.",
                checked.tickets,
            )
            % {"count": checked.tickets}
        )

    def _say_prize(self, prize: Mapping[str, Any]) -> None:
        is_endless = prize["stock"] is None
        said = _("%(name)s, weight %(weight)s, %(stock)s") % {
            "name": prize["name"],
            "weight": prize["weight"],
            "stock": _("unlimited") if is_endless else prize["stock"],
        }
        self._say(_("prize %(id)s") % {"id": prize["id"]}, said)

    def _say(self, name: str, value: object) -> None:
        self.stdout.write(f"{name}: {value}")
