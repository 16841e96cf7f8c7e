"""One effect per Idempotency-Key, also when two calls come at once."""

import json
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from loyalty import ordering
from loyalty.models import Entry, Order
from members import idempotency, tasks
from members.errors import MemberClosed
from members.models import ApiRequest, Member
from tests.conftest import RealDatabase
from tests.tills import ALL_SCOPES, Till


def order(**changes: Any) -> dict[str, Any]:
    return {
        "number": "A-1",
        "placed_at": "2026-11-20T10:00:00+08:00",
        "lines": [{"sku": "cake", "amount": "64.00"}],
        **changes,
    }


class TestRepeat:
    def test_gives_the_stored_answer_to_the_byte_and_has_no_second_effect(
        self, till: Till, bob: Member
    ):
        first = till.post("orders", order(member=bob.number), key="k")
        till.post("orders", order(member=bob.number, number="A-2"))

        again = till.post("orders", order(member=bob.number), key="k")

        assert (first.status_code, again.status_code) == (201, 201)
        assert again.content == first.content
        assert again["Content-Type"] == "application/json"
        assert "Idempotent-Replayed" not in first
        assert again["Idempotent-Replayed"] == "true"
        assert again["X-Request-Id"] != first["X-Request-Id"]
        assert again.json()["wallet"]["active"] == 64
        assert Order.objects.count() == 2

    def test_compares_the_body_after_parsing(self, till: Till):
        body = order()
        first = till.post("orders", json.dumps(body), key="k")
        other_way_round = json.dumps(dict(reversed(body.items())), indent=4)

        again = till.post("orders", other_way_round, key="k")

        assert again.content == first.content

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("orders", order(number="A-2")),
            ("orders", order(colour="red")),
            ("orders", {}),
            ("orders/quote", order()),
        ],
    )
    def test_answers_409_to_another_request_under_the_key(
        self, till: Till, path: str, body: dict[str, Any]
    ):
        till.post("orders", order(), key="k")

        response = till.post(path, body, key="k")

        assert response.status_code == 409
        assert response["Content-Type"] == "application/problem+json"
        assert response.json()["code"] == "idempotency_key_reused"
        assert Order.objects.count() == 1

    def test_gives_each_key_to_its_own_client(self, till: Till):
        till.post("orders", order(), key="k")

        response = Till(*ALL_SCOPES).post("orders", order(number="A-2"), key="k")

        assert response.status_code == 201
        assert "Idempotent-Replayed" not in response

    def test_takes_a_key_of_255_characters(self, till: Till):
        assert till.post("orders", order(), key="k" * 255).status_code == 201


class TestRefusal:
    def test_is_stored_and_stays_the_answer_when_it_would_go_well_now(
        self, till: Till, bob: Member
    ):
        take = {"member": bob.number, "points": -50, "reason": "other", "reference": "T"}
        first = till.post("adjustments", take, key="k")
        till.post("orders", order(member=bob.number))

        again = till.post("adjustments", take, key="k")

        assert (first.status_code, again.status_code) == (422, 422)
        assert again.content == first.content
        assert again["Content-Type"] == "application/problem+json"
        assert again["Idempotent-Replayed"] == "true"
        assert till.post("adjustments", take).status_code == 201

    def test_undoes_whatever_was_written_before_it(
        self, till: Till, bob: Member, monkeypatch: pytest.MonkeyPatch
    ):
        place = ordering.place

        def place_and_refuse(**facts: Any) -> None:
            place(**facts)
            raise MemberClosed

        monkeypatch.setattr(ordering, "place", place_and_refuse)

        response = till.post("orders", order(member=bob.number), key="k")

        assert response.status_code == 422
        assert not Order.objects.exists()
        assert ApiRequest.objects.get().status == 422


class TestOtherAnswers:
    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (order(lines=[]), 400),
            (order(member="nobody"), 404),
            (order(store="nowhere"), 400),
        ],
    )
    def test_are_not_stored_and_leave_the_key_free(
        self, till: Till, body: dict[str, Any], status: int
    ):
        assert till.post("orders", body, key="k").status_code == status
        assert not ApiRequest.objects.exists()

        assert till.post("orders", order(), key="k").status_code == 201

    def test_409_is_not_stored(self, till: Till):
        till.post("orders", order())

        response = till.post("orders", order(channel="web"), key="k")

        assert response.json()["code"] == "reference_reused"
        assert ApiRequest.objects.filter(key="k").count() == 0

    def test_500_and_503_undo_everything_and_leave_the_key_free(
        self, till: Till, bob: Member, monkeypatch: pytest.MonkeyPatch
    ):
        place = ordering.place
        for error, status in ((RuntimeError(), 500), (OperationalError("gone"), 503)):

            def place_and_break(*, error: Exception = error, **facts: Any) -> None:
                place(**facts)
                raise error

            monkeypatch.setattr(ordering, "place", place_and_break)
            response = till.post("orders", order(member=bob.number), key="k")
            assert response.status_code == status
            assert not Order.objects.exists()
            assert not ApiRequest.objects.exists()
        monkeypatch.setattr(ordering, "place", place)

        assert till.post("orders", order(member=bob.number), key="k").status_code == 201


class TestBusinessKey:
    def test_the_same_order_under_another_key_is_200_with_the_wallet_as_it_is_now(
        self, till: Till, bob: Member
    ):
        body = order(member=bob.number)
        till.post("orders", body)
        till.post("orders", order(member=bob.number, number="A-2"))
        same = order(
            member=bob.number,
            placed_at="2026-11-20T02:00:00.000Z",
            source="default",
            status="paid",
            channel="",
            store=None,
            points_paid_amount="0",
            payments=[],
            lines=[{"sku": "cake", "amount": "64", "quantity": 1, "tags": []}],
        )

        response = till.post("orders", same)

        assert response.status_code == 200
        assert response.json()["points"] == 64
        assert response.json()["wallet"]["active"] == 128
        assert Entry.objects.filter(kind="earn", wallet__point_type__code="points").count() == 2


class TestForget:
    def test_removes_answers_older_than_two_days_only(self, till: Till):
        till.post("orders", order(), key="old")
        till.post("orders", order(number="A-2"), key="young")
        now = timezone.now()
        ApiRequest.objects.filter(key="old").update(created_at=now - timedelta(hours=49))
        ApiRequest.objects.filter(key="young").update(created_at=now - timedelta(hours=47))

        assert tasks.forget_api_answers() == 1
        assert tasks.forget_api_answers() == 0

        assert [request.key for request in ApiRequest.objects.all()] == ["young"]


class TestTwoCallsAtOnce:
    """Over real connections."""

    @pytest.fixture
    def caller(self, committed_db: RealDatabase) -> Till:
        return Till(*ALL_SCOPES)

    def _post(self, caller: Till, body: dict[str, Any], key: str) -> Any:
        """With a client of its own: threads share none."""
        till = Till()
        till.client = Client()
        till.headers = caller.headers
        return till.post("orders", body, key=key)

    def test_one_does_the_work_the_others_wait_and_replay(
        self, caller: Till, committed_db: RealDatabase
    ):
        answers = committed_db.run_parallel(
            lambda _number: self._post(caller, order(), "k"), times=20, connections_at_once=10
        )

        assert [answer.status_code for answer in answers] == [201] * 20
        assert len({answer.content for answer in answers}) == 1
        assert sum("Idempotent-Replayed" not in answer for answer in answers) == 1
        assert Order.objects.count() == 1

    def test_the_second_waits_until_the_first_has_finished(
        self, caller: Till, committed_db: RealDatabase, monkeypatch: pytest.MonkeyPatch
    ):
        place, at_work = ordering.place, threading.Event()
        calls = []

        def place_slowly(**facts: Any) -> Any:
            calls.append(facts)
            at_work.set()
            time.sleep(0.5)
            return place(**facts)

        monkeypatch.setattr(ordering, "place", place_slowly)

        def call(number: int) -> Any:
            if number == 1:
                at_work.wait(5)
            return self._post(caller, order(), "k")

        first, second = committed_db.run_parallel(call, times=2, connections_at_once=2)

        assert len(calls) == 1
        assert second.content == first.content
        assert second["Idempotent-Replayed"] == "true"

    def test_the_second_does_the_work_when_the_first_gives_up(
        self, caller: Till, committed_db: RealDatabase, monkeypatch: pytest.MonkeyPatch
    ):
        place, at_work = ordering.place, threading.Event()

        def give_up_once(**facts: Any) -> Any:
            if at_work.is_set():
                return place(**facts)
            at_work.set()
            time.sleep(0.3)
            raise RuntimeError

        monkeypatch.setattr(ordering, "place", give_up_once)

        def call(number: int) -> Any:
            if number == 1:
                at_work.wait(5)
            return self._post(caller, order(), "k")

        first, second = committed_db.run_parallel(call, times=2, connections_at_once=2)

        assert (first.status_code, second.status_code) == (500, 201)
        assert Order.objects.count() == 1

    def test_waiting_goes_on_past_the_lock_limit_and_ends_in_a_503(
        self, caller: Till, committed_db: RealDatabase, monkeypatch: pytest.MonkeyPatch
    ):
        insert = idempotency._insert
        waits = []

        def never_free(claim: idempotency.Claim) -> int | None:
            waits.append(claim)
            raise idempotency.StillAtWork

        monkeypatch.setattr(idempotency, "_insert", never_free)
        response = self._post(caller, order(), "k")
        monkeypatch.setattr(idempotency, "_insert", insert)

        assert response.status_code == 503
        assert response["Retry-After"] == "1"
        assert len(waits) == idempotency.WAITS

    def test_without_the_unique_claim_the_work_would_be_done_twice(
        self, caller: Till, committed_db: RealDatabase, monkeypatch: pytest.MonkeyPatch
    ):
        """The guard switched off: the race that the tests above run is a real one."""
        numbers = iter(range(100))
        monkeypatch.setattr(idempotency, "_insert", lambda _claim: next(numbers))
        monkeypatch.setattr(
            ordering, "place", lambda **_facts: ordering.Placed(_new_order(), is_new=True)
        )

        answers = committed_db.run_parallel(
            lambda _number: self._post(caller, order(), "k"), times=4, connections_at_once=4
        )

        assert Order.objects.count() == len(answers) == 4


def _new_order() -> Order:
    number = f"T-{threading.get_ident()}-{time.monotonic_ns()}"
    return Order.objects.create(number=number, placed_at=timezone.now(), amount=0, digest="")
