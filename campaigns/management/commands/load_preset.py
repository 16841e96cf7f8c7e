from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from campaigns import preset_files, presets
from members.errors import Conflict, InvalidInput, Refusal


class Command(BaseCommand):
    """Set the program up from a preset; without a name, say which there are."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        names = list(preset_files.presets())
        parser.add_argument(
            "name", nargs="?", choices=names, metavar="NAME", help=", ".join(names)
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        if name is None:
            for preset in preset_files.presets().values():
                self.stdout.write(f"{preset.name:20} {preset.title}: {preset.summary}")
            return
        preset = preset_files.preset(name)
        try:
            loaded = presets.load(preset=preset, by="load_preset", at=timezone.now())
        except (Refusal, InvalidInput, Conflict) as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(f"{preset.title}: {preset.summary}")
        for kind, made in (
            ("tier", loaded.tiers),
            ("reward", loaded.shelves.rewards),
            ("offer", loaded.shelves.offers),
            ("draw", loaded.shelves.draws),
            ("project", loaded.shelves.projects),
            ("campaign", loaded.campaigns),
            ("paused campaign", loaded.paused),
        ):
            for each in made:
                self.stdout.write(f"  {kind} {each}")
