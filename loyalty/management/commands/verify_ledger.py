"""`manage.py verify_ledger`: recompute every invariant of the books and every seal."""

import getpass
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from loyalty import verification
from loyalty.verification import Difference, Result


class Command(BaseCommand):
    help = (
        "Recompute the ledger's invariants and seals, print each difference with its member, "
        "freeze those members, exit 1 if there is a difference."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--no-freeze", action="store_true", help="Only look: freeze nobody, keep no result."
        )
        parser.add_argument(
            "--explanations",
            action="store_true",
            help="Also recompute the points of every entry from its explanation.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        started_at, started = timezone.now(), time.monotonic()
        result = self._look(options["explanations"])
        if not options["no_freeze"]:
            self._conclude(result, started_at)
        if result.differences:
            raise CommandError(
                ngettext(
                    "%(count)d difference in the books.",
                    "%(count)d differences in the books.",
                    result.differences,
                )
                % {"count": result.differences}
            )
        self.stdout.write(
            _("%(checks)d passes over %(wallets)d wallets in %(seconds).1f s: nothing found.")
            % {
                "checks": result.passes,
                "wallets": verification.count_wallets(),
                "seconds": time.monotonic() - started,
            }
        )

    def _look(self, with_explanations: bool) -> Result:  # noqa: FBT001 - a flag of the command line
        result = Result()
        for each in verification.passes(with_explanations=with_explanations):
            result.add(each.differences)
            self.stdout.write(f"{each.seconds:7.1f} s  {_(each.name)}")
            self._print(each.differences)
        return result

    def _print(self, found: list[Difference]) -> None:
        """Each difference with its member's number; numbers are no personal data."""
        wallets = {each.wallet for each in found if each.wallet is not None}
        numbers = verification.numbers(wallets=wallets) if wallets else {}
        for each in found:
            words = {"wallet": each.wallet, "check": _(each.check), "found": each.found}
            if each.wallet is None:
                text = _("The books break “%(check)s”: %(found)s")
            else:
                words["member"] = numbers.get(each.wallet, "?")
                text = _("Member %(member)s, wallet %(wallet)d breaks “%(check)s”: %(found)s")
            self.stderr.write(text % words)

    def _conclude(self, result: Result, started_at: Any) -> None:
        by, at = getpass.getuser(), timezone.now()
        if result.wallets:
            result.frozen = verification.freeze(wallets=result.wallets, by=by, at=at)
            self.stderr.write(
                ngettext(
                    "%(count)d member was frozen.", "%(count)d members were frozen.", result.frozen
                )
                % {"count": result.frozen}
            )
        verification.conclude(result=result, by=by, started_at=started_at, at=at)
