"""Talking to the database below the ORM: statements that are planned once per connection."""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import connection


def _cursor() -> psycopg.Cursor[Any]:
    """A cursor that binds on the server, so that each statement is planned once per connection."""
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)


def rows(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run a statement and bring its rows."""
    with connection.wrap_database_errors, _cursor() as cursor:
        return cursor.execute(statement, parameters, prepare=True).fetchall()


def run(statement: str, parameters: Sequence[Any]) -> None:
    """Run a statement that brings nothing back."""
    with connection.wrap_database_errors, _cursor() as cursor:
        cursor.execute(statement, parameters, prepare=True)
