"""Make an API key: `create_api_key NAME --scope read --scope earn`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from members import clients
from members.errors import InvalidInput
from members.models import ApiClient


class Command(BaseCommand):
    help = _("Make an API key with scopes; the last line of the output is the key.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help=_("who will use it, such as “till 3”"))
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            dest="scopes",
            choices=ApiClient.Scope.values,
            help=_("what it may do; give it once for each scope"),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            key = clients.create(name=options["name"], scopes=options["scopes"])
        except InvalidInput as problem:
            raise CommandError(problem.detail) from problem
        self.stdout.write(
            _("Keep this key: it is shown only once. Header: Authorization: Api-Key …")
        )
        self.stdout.write(key)
