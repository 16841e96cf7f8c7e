"""A caller of the API with a key: what a till or a shop would send."""

import itertools
import json
from typing import Any

import pytest
from django.test import Client

from members import clients

NUMBERS = itertools.count(1)
PREFIX = "/api/v1/"


class Till:
    """`till.post("orders", {...})`; every POST gets a fresh Idempotency-Key unless one is given."""

    def __init__(self, *scopes: str, language: str = "en") -> None:
        self.key = clients.create(name="till", scopes=list(scopes)) if scopes else None
        self.client = Client(raise_request_exception=True)
        self.headers = {"Accept-Language": language}
        if self.key:
            self.headers["Authorization"] = f"Api-Key {self.key}"

    def get(self, path: str, **query: str) -> Any:
        return self.client.get(_address(path), query, headers=self.headers)

    def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        key = f"key-{next(NUMBERS)}" if key is None else key
        return self.send("post", path, body, {"Idempotency-Key": key, **headers})

    def patch(self, path: str, body: Any, **headers: str) -> Any:
        return self.send("patch", path, body, headers)

    def send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        """Send the body as JSON; bytes and text go as they are."""
        raw = body if isinstance(body, bytes | str) else b"" if body is None else json.dumps(body)
        return getattr(self.client, method)(
            _address(path),
            data=raw,
            content_type=headers.pop("Content-Type", "application/json"),
            headers={**self.headers, **{name: text for name, text in headers.items() if text}},
        )


def _address(path: str) -> str:
    return path if path.startswith(("/", "http")) else PREFIX + path


def pointers(response: Any) -> dict[str, str]:
    """Each pointer of a problem with its code."""
    return {error["pointer"]: error["code"] for error in response.json().get("errors", [])}


ALL_SCOPES = ("read", "earn", "spend", "manage")


@pytest.fixture
def till(db: None) -> Till:
    """A caller that may do everything but see personal data."""
    return Till(*ALL_SCOPES)
