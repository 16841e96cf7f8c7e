from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import serve


class Command(BaseCommand):
    help = "Prepare the shop and serve it with web server, worker and timetable until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            serve.serve(port=options["port"], say=self._say)
        except serve.CannotServe as error:
            raise CommandError(str(error)) from error

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        # At once, for whoever reads it through a pipe.
        self.stdout.flush()
