from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from campaigns import preset_changes, preset_files, presets
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
            (_("tier"), loaded.tiers),
            (_("reward"), loaded.shelves.rewards),
            (pgettext("of a reward", "offer"), loaded.shelves.offers),
            (_("draw"), loaded.shelves.draws),
            (_("donation project"), loaded.shelves.projects),
            (_("campaign"), loaded.campaigns),
            (_("paused campaign"), loaded.paused),
            (_("campaign that waits for approval"), loaded.waiting),
        ):
            for each in made:
                self.stdout.write(f"  {kind} {each}")
        if loaded.changed:
            self.stdout.write(_("These were there and say something else now:"))
        for changed in loaded.changed:
            self.stdout.write(f"  {preset_changes.in_one_line(changed)}")
