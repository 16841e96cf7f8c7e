#!/usr/bin/env python
"""Django's command line; unless DATABASE_URL names a server, it brings PostgreSQL along."""

import os
import sys

WITHOUT_DATABASE = {
    "help",
    "version",
    "messages",
    "diffsettings",
    "startapp",
    "serve",  # looks at its port first, then starts the server itself
}


def needs_database(arguments: list[str]) -> bool:
    """Whether the command is one that talks to the database."""
    if not arguments or not {"-h", "--help", "--version"}.isdisjoint(arguments):
        return False
    return arguments[0] not in WITHOUT_DATABASE


def main() -> None:
    """Run one command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError:
        sys.exit(
            "Django is not installed here: `make run` sets up .venv, then use .venv/bin/python manage.py"
        )
    if needs_database(sys.argv[1:]):
        from config import embedded_postgres

        try:
            embedded_postgres.start_for_project()
        except embedded_postgres.EmbeddedPostgresError as error:
            sys.exit(str(error))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
