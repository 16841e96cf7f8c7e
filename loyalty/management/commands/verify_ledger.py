"""`manage.py verify_ledger`: recompute every invariant of the books."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from loyalty import verification


class Command(BaseCommand):
    help = "Recompute the ledger's invariants, print each difference with its wallet, exit 1 if there is one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--freeze", action="store_true", help="Freeze the members whose wallets disagree."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        started = time.monotonic()
        wallets: set[int] = set()
        count = 0
        for each in verification.differences():
            count += 1
            wallets.add(each.wallet)
            self.stderr.write(
                _("Wallet %(wallet)d breaks “%(check)s”: %(found)s")
                % {"wallet": each.wallet, "check": each.check, "found": each.found}
            )
        if options["freeze"] and wallets:
            verification.freeze(wallets=wallets)
        if count:
            raise CommandError(
                ngettext(
                    "%(count)d difference in the books.",
                    "%(count)d differences in the books.",
                    count,
                )
                % {"count": count}
            )
        self.stdout.write(
            _("%(checks)d checks over %(wallets)d wallets in %(seconds).1f s: nothing found.")
            % {
                "checks": len(verification.CHECKS),
                "wallets": verification.count_wallets(),
                "seconds": time.monotonic() - started,
            }
        )
