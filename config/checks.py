"""System checks: each wrong setting is named with what to do about it."""

import os
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

SHORTEST_KEY = 40
MOST_EXPIRY_CONNECTIONS = 32


@register(Tags.security)
def production_settings(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """Outside the demo nothing may rest on a default."""
    if settings.DEBUG:
        return []
    found: list[CheckMessage] = []
    if len(settings.SECRET_KEY) < SHORTEST_KEY or settings.SECRET_KEY.startswith("demo-only"):
        found.append(
            Error(
                "SECRET_KEY is missing, short or the demo's.",
                hint="Set SECRET_KEY to 50 random characters: python -c "
                "'import secrets; print(secrets.token_urlsafe(50))'",
                id="jifen.E001",
            )
        )
    if not settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS:
        found.append(
            Error(
                "ALLOWED_HOSTS names no host, or every host.",
                hint="Set ALLOWED_HOSTS=points.example.com (several: separated by commas).",
                id="jifen.E002",
            )
        )
    found += [
        Warning(
            f"{name} is not set: the embedded default is meant for trying things out.",
            hint=f"Set {name}={example}",
            id=f"jifen.W00{number}",
        )
        for number, (name, example) in enumerate(_SERVERS.items(), start=1)
        if name not in os.environ
    ]
    return found


@register()
def expiry_connections(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    """The expiry needs a connection, and each of many takes one of the database's."""
    if 1 <= settings.EXPIRY_CONNECTIONS <= MOST_EXPIRY_CONNECTIONS:
        return []
    return [
        Error(
            "EXPIRY_CONNECTIONS is no number from 1 to 32.",
            hint="Set EXPIRY_CONNECTIONS to about the number of cores the database may use for it, such as 2.",
            id="jifen.E003",
        )
    ]


_SERVERS = {
    "DATABASE_URL": "postgres://user@host:5432/name",
    "CELERY_BROKER_URL": "redis://host:6379/0",
    "REDIS_URL": "redis://host:6379/1",
}
