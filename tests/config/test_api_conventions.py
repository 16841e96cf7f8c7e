"""Keys, languages, request ids, bodies: the conventions of the API."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection
from psycopg import errors as postgres_errors

from loyalty import ordering, programs
from loyalty.models import Order
from members.models import ApiClient, Member
from tests.tills import Till, pointers

MEGABYTE = 1024 * 1024


def order(**changes: Any) -> dict[str, Any]:
    return {
        "number": "A-1",
        "placed_at": "2026-11-20T10:00:00+08:00",
        "lines": [{"sku": "cake", "amount": "64.00"}],
        **changes,
    }


class TestKeys:
    @pytest.mark.parametrize(
        "header",
        [
            "",
            "Api-Key",
            "Api-Key x",
            "Bearer {key}",
            "Api-Key {key}x",
            "Api-Key a b",
            "Api-Key \x80\x81",
        ],
    )
    def test_refuses_what_is_no_key(self, till: Till, header: str):
        sent = header.format(key=till.key)
        till.headers["Authorization"] = sent

        response = till.get("program")

        assert response.status_code == 401
        assert response["WWW-Authenticate"] == "Api-Key"

    def test_takes_the_word_in_any_case(self, till: Till):
        till.headers["Authorization"] = f"API-KEY {till.key}"

        assert till.get("program").status_code == 200

    def test_refuses_a_key_that_was_withdrawn_or_has_expired(self, till: Till):
        ApiClient.objects.update(expiry_date=datetime(2020, 1, 1, tzinfo=UTC))
        assert till.get("program").status_code == 401

        ApiClient.objects.update(expiry_date=None, revoked=True)
        assert till.get("program").status_code == 401

    def test_says_which_scope_is_missing(self, db: None):
        body = Till("earn").get("program").json()

        assert body["detail"] == "The key lacks the scope: manage / read."


class TestLanguage:
    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ("en", "Send an API key in the header: Authorization: Api-Key <key>."),
            ("en-GB,en;q=0.9", "Send an API key in the header: Authorization: Api-Key <key>."),
        ],
    )
    def test_follows_accept_language(self, db: None, asked: str, expected: str):
        assert Till(language=asked).get("program").json()["detail"] == expected

    @pytest.mark.parametrize("asked", ["", "zh-hans", "zh-CN", "zh", "fr"])
    def test_is_chinese_by_default(self, db: None, asked: str):
        response = Till(language=asked).get("program")

        assert response["Content-Language"] == "zh-hans"


class TestRequestId:
    def test_is_sent_back_and_stands_in_the_problem(self, db: None):
        till = Till()
        till.headers["X-Request-Id"] = "till-7.42"

        response = till.get("program")

        assert response["X-Request-Id"] == "till-7.42"
        assert response.json()["request_id"] == "till-7.42"

    @pytest.mark.parametrize("sent", ["", "x" * 129, "a b", "ä", "<script>"])
    def test_is_made_when_none_of_use_was_sent(self, db: None, sent: str):
        till = Till()
        till.headers["X-Request-Id"] = sent

        response = till.get("program")

        assert str(uuid.UUID(response["X-Request-Id"])) == response["X-Request-Id"]
        assert response.json()["request_id"] == response["X-Request-Id"]


class TestProblem:
    def test_has_the_members_of_rfc_9457_and_ours(self, till: Till):
        response = till.post("orders", order(lines=[{"sku": "cake", "amount": 6.4}]))

        body = response.json()
        assert response.status_code == 400
        assert response["Content-Type"] == "application/problem+json"
        assert body == {
            "type": "urn:jifen:problem:invalid_input",
            "title": "Bad input",
            "status": 400,
            "detail": "/lines/0/amount: Expected a decimal number in a JSON string, "
            'such as "12.50".',
            "code": "invalid_input",
            "request_id": response["X-Request-Id"],
            "errors": [
                {
                    "pointer": "/lines/0/amount",
                    "code": "not_a_string",
                    "detail": 'Expected a decimal number in a JSON string, such as "12.50".',
                }
            ],
        }

    def test_answers_in_json_whatever_the_client_would_like(self, till: Till):
        till.headers["Accept"] = "text/html"

        assert till.get("members/1").json()["code"] == "not_found"
        assert till.get("program", format="xml").status_code == 200

    @pytest.mark.parametrize(
        "error",
        [
            OperationalError("the connection is lost"),
            InterfaceError("connection already closed"),
        ],
    )
    def test_answers_503_when_the_database_cannot_be_had(
        self, till: Till, monkeypatch: pytest.MonkeyPatch, error: Exception
    ):
        monkeypatch.setattr(programs, "current", _raising(error))

        response = till.get("program")

        assert response.status_code == 503
        assert response["Retry-After"] == "1"
        assert response.json()["code"] == "try_again"

    def test_answers_500_without_a_word_of_what_went_wrong_and_logs_it_with_the_request_id(
        self, till: Till, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ):
        monkeypatch.setattr(programs, "current", _raising(RuntimeError("password=hunter2")))

        response = till.get("program")

        assert response.status_code == 500
        assert response.json()["code"] == "internal_error"
        assert b"hunter2" not in response.content
        assert response["X-Request-Id"] in caplog.text
        assert "hunter2" in caplog.text

    def test_calls_a_number_that_the_database_cannot_hold_out_of_range(
        self, till: Till, monkeypatch: pytest.MonkeyPatch
    ):
        def overflow(**_facts: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 9223372036854775807::bigint + 1::bigint")

        monkeypatch.setattr(ordering, "place", overflow)

        response = till.post("orders", order())

        assert response.status_code == 400
        assert response.json()["code"] == "out_of_range"


def _raising(error: Exception) -> Any:
    def work(*_arguments: Any, **_names: Any) -> None:
        raise error

    return work


class TestBody:
    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            (b"", ""),
            (b"\xff\xfe", ""),
            (b'{"number": Infinity}', ""),
            (b'{"number": -Infinity}', ""),
            (b'{"number": 1, "number": 1}', ""),
            (b'{"number": "a\\u0000"}', "/number"),
            (b'{"lines": [{"sku": "\\ud800"}]}', "/lines/0/sku"),
            (b'{"\\udfff": 1}', ""),
            (b'{"a": {"b": ["\\u0000"]}}', "/a/b/0"),
            (b'{"number": ' + b"9" * 5000 + b"}", ""),
            (b"[" * 40 + b"]" * 40, ""),
            (b"[" * 100_000, ""),
            (b'{"a":' * 100_000, ""),
            (b'{"number": "A\x01"}', ""),
            (b"{'number': 1}", ""),
            (b'{"number": 1,}', ""),
            (b"{} {}", ""),
        ],
        ids=range(17),
    )
    def test_answers_400_to_what_is_not_quite_json(self, till: Till, body: bytes, pointer: str):
        response = till.post("orders", body)

        assert response.status_code == 400
        assert pointer in pointers(response) or body == b""
        assert not Order.objects.exists()

    def test_says_line_and_column(self, till: Till):
        detail = till.post("orders", b'{\n  "number": }').json()["detail"]

        assert detail == "The body is not JSON: line 2, column 13."

    def test_takes_a_byte_order_mark_and_any_unicode(self, till: Till):
        body = '\ufeff{"code": "jingan", "name": "静安寺店 \\ud83c\\udf70"}'.encode()

        response = till.post("stores", body)

        assert response.status_code == 201
        assert response.json()["name"] == "静安寺店 🍰"

    def test_takes_a_charset_after_the_content_type(self, till: Till):
        content_type = "Application/JSON; charset=UTF-8"

        response = till.post("orders", order(), **{"Content-Type": content_type})

        assert response.status_code == 201

    @pytest.mark.parametrize("size", [5 * MEGABYTE + 1, 10 * MEGABYTE])
    def test_answers_413_to_more_than_five_megabytes(self, till: Till, size: int):
        body = b'{"number": "' + b"x" * (size - 14) + b'"}'

        response = till.post("orders", body)

        assert response.status_code == 413
        assert response.json()["code"] == "body_too_large"

    def test_reads_five_megabytes(self, till: Till):
        body = b'{"number": "' + b"x" * (5 * MEGABYTE - 14) + b'"}'

        response = till.post("orders", body)

        assert response.status_code == 400
        assert pointers(response)["/number"] == "max_length"

    def test_passes_over_names_it_does_not_know(self, till: Till):
        assert till.post("orders", order(colour="red")).status_code == 201

    def test_answers_411_to_a_body_in_chunks(self, till: Till):
        till.headers["Transfer-Encoding"] = "chunked"

        response = till.client.generic(
            "POST",
            "/api/v1/orders",
            headers={**till.headers, "Idempotency-Key": "k"},
            content_type="application/json",
        )

        assert response.status_code == 411
        assert response.json()["code"] == "length_required"


class TestTimes:
    @pytest.mark.parametrize(
        "moment",
        [
            "2026-11-20T10:00:00",
            "2026-11-20",
            "2026-11-20T10:00+08:00",
            "2026-11-20T25:00:00+08:00",
            "2026-02-29T10:00:00+08:00",
            "2026-11-20T10:00:00+0800",
            "2026-11-20T10:00:00+25:00",
            "２０２６-11-20T10:00:00+08:00",
            "0001-01-01T00:00:00+08:00",
            "now",
            "",
            1763600000,
            True,
            [],
        ],
    )
    def test_are_rfc_3339_with_an_offset(self, till: Till, moment: Any):
        response = till.post("orders", order(placed_at=moment))

        assert response.status_code == 400
        assert list(pointers(response)) == ["/placed_at"]

    @pytest.mark.parametrize(
        ("moment", "shown"),
        [
            ("2026-11-20T02:00:00Z", "2026-11-20T10:00:00+08:00"),
            ("2026-11-20t02:00:00z", "2026-11-20T10:00:00+08:00"),
            ("2026-11-20 10:00:00.5+08:00", "2026-11-20T10:00:00.500000+08:00"),
            ("2026-11-19T19:30:00.123456789-06:30", "2026-11-20T10:00:00.123456+08:00"),
            ("1850-01-01T00:00:00Z", "1850-01-01T00:00:00+00:00"),
            ("0001-01-02T00:00:00Z", "0001-01-02T00:00:00+00:00"),
        ],
    )
    def test_are_taken_with_any_offset_however_long_ago_and_shown_with_one(
        self, till: Till, bob: Member, moment: str, shown: str
    ):
        response = till.post("orders", order(placed_at=moment, member=bob.number))

        assert response.status_code == 201
        assert response.json()["active_from"] == shown

    @pytest.mark.parametrize(("ahead", "status"), [(290, 201), (310, 400)])
    def test_may_be_five_minutes_ahead(
        self, till: Till, time_machine: Any, ahead: int, status: int
    ):
        time_machine.move_to(datetime(2026, 11, 21, 4, 0, tzinfo=UTC), tick=False)
        minutes, seconds = divmod(ahead, 60)
        moment = f"2026-11-21T12:{minutes:02}:{seconds:02}+08:00"

        assert till.post("orders", order(placed_at=moment)).status_code == status


class TestLockTimeout:
    def test_is_a_503_with_retry_after(self, till: Till, monkeypatch: pytest.MonkeyPatch):
        error = OperationalError("canceling statement due to lock timeout")
        error.__cause__ = postgres_errors.LockNotAvailable()
        monkeypatch.setattr(ordering, "place", _raising(error))

        response = till.post("orders", order(), key="k")

        assert response.status_code == 503
        assert response["Retry-After"] == "1"
