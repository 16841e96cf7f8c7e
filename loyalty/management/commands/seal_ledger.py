"""`manage.py seal_ledger`: seal the days that are over, as the hourly task does."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import gettext as _

from loyalty import seals


class Command(BaseCommand):
    help = "Seal every day of the ledger that is over and print each seal."

    def handle(self, *args: Any, **options: Any) -> None:
        sealing = seals.seal_days(at=timezone.now())
        for seal in sealing.seals:
            self.stdout.write(
                _("%(day)s: %(entries)d entries, %(points)d points, seal %(digest)s")
                % {
                    "day": seal.day,
                    "entries": seal.entries,
                    "points": seal.points,
                    "digest": bytes(seal.digest).hex(),
                }
            )
        if sealing.is_waiting:
            self.stdout.write(
                _("A transaction that began before the next day's end is open: try again later.")
            )
        elif not sealing.seals:
            self.stdout.write(_("There is no day to seal."))
