"""Databases of their own beside the one that is configured, on the same server."""

from django.db import connection


def make(name: str) -> None:
    """Make a database if it is missing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(f'CREATE DATABASE "{name}"')


def use(name: str) -> None:
    """Connect to another database of the server from here on."""
    connection.close()
    connection.settings_dict["NAME"] = name


def drop(name: str) -> None:
    """Drop a database that nobody is connected to."""
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')


def size() -> str:
    """How much disk the connected database takes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_size_pretty(pg_database_size(current_database()))")
        (found,) = cursor.fetchone()
    return str(found)
