from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import ngettext

from config import roles


class Command(BaseCommand):
    help = "Create the roles of staff (clerk, manager) with their permissions; safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        for group in roles.ensure_roles():
            count = group.permissions.count()
            self.stdout.write(
                ngettext(
                    "%(role)s: %(count)d permission", "%(role)s: %(count)d permissions", count
                )
                % {"role": group.name, "count": count}
            )
