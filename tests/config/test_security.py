"""The content security policy: strict everywhere, relaxed where a library needs it."""

import pytest


def _policy(client, path: str) -> str:
    return str(client.get(path)["Content-Security-Policy"])


@pytest.mark.parametrize("path", ["/", "/accounts/login", "/healthz", "/consoles"])
def test_pages_allow_no_inline_code(client, db, path: str):
    assert "unsafe" not in _policy(client, path)


def test_the_console_may_evaluate_and_write_styles(client, db):
    policy = _policy(client, "/console/login/")

    assert "script-src 'self' 'unsafe-eval' 'unsafe-inline'" in policy
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "frame-ancestors 'none'" in policy


def test_the_page_of_the_api_may_write_styles_only(client, db):
    policy = _policy(client, "/api/v1/docs/")

    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "script-src" not in policy
