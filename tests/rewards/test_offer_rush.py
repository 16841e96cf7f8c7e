"""A rush for an offer over HTTP, and the same without the guard; `make bench` does it with 2,000 requests for 100 pieces."""

import http.client
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler

import pytest
from django.core.servers.basehttp import ThreadedWSGIServer
from django.core.wsgi import get_wsgi_application

from members import clients
from rewards.models import Redemption, Voucher
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean
from tests.rewards.builders import assert_sums, later, offer
from tests.rewards.conftest import new_reward
from tests.rewards.test_races import members_with_points


@pytest.fixture
def server(committed_db: Any) -> Iterator[int]:
    """The product behind a socket, each request in a thread with a connection of its own; the port."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_said: Any) -> None:
            """Nothing."""

    class Patient(ThreadedWSGIServer):
        request_queue_size = 128

    running = Patient(("127.0.0.1", 0), Quiet)
    running.set_app(get_wsgi_application())
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running.server_port
    running.shutdown()
    running.server_close()
    thread.join()


class TestOfferOverHttp:
    REQUESTS, PIECES = 120, 8

    def race(self, db: Any, port: int, pieces: int | None) -> Counter[tuple[int, str]]:
        members = members_with_points(self.REQUESTS, 1_000, NOON)
        mug = new_reward("mug", points=100, stock=pieces)
        offer(mug, "flash", self.PIECES, ends_at=later(days=40_000))
        key = clients.create(name="till", scopes=["spend"])

        def post(number: int) -> tuple[int, str]:
            body = {
                "member": members[number].number,
                "reward": "mug",
                "offer": "flash",
                "reference": "flash",
            }
            headers = {
                "Authorization": f"Api-Key {key}",
                "Idempotency-Key": f"k{number}",
                "Content-Type": "application/json",
            }
            with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as line:
                line.request("POST", "/api/v1/redemptions", json.dumps(body), headers)
                answer = line.getresponse()
                said = json.loads(answer.read())
            return answer.status, said.get("code", said.get("state"))

        return Counter(db.run_parallel(post, self.REQUESTS))

    def test_exactly_as_many_as_there_are_pieces(self, committed_db: Any, server: int) -> None:
        found = self.race(committed_db, server, 500)
        assert found == {(201, "issued"): 8, (422, "out_of_stock"): 112}
        assert Redemption.objects.count() == Voucher.objects.count() == 8
        assert_sums()
        assert_clean()

    def test_without_the_condition_it_is_oversold(
        self, committed_db: Any, server: int, uncounted: None
    ) -> None:
        assert self.race(committed_db, server, None)[201, "issued"] > 8
