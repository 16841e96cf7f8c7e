from typing import Any

from django.core.management.base import BaseCommand

from config import roles


class Command(BaseCommand):
    help = "Create the roles of staff (clerk, manager) with their permissions; safe to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        for group in roles.ensure_roles():
            self.stdout.write(f"{group.name}: {group.permissions.count()} permissions")
