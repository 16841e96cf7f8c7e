"""Processes are killed while points are awarded: nothing acknowledged is lost, nothing counts twice.

A client that gets no answer, or a 5xx, asks again with the same key until it is told yes. Every member gets the powers
of two from 2^0 to 2^39, half of them as orders, half as adjustments: the sum shows which landed, and how often. Every
member also gets 2^41 points that lapse meanwhile, under a worker that is killed like the rest.
"""

import http.client
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from tests.prove.shop import Shop
from tests.prove.sizes import record, size

BITS = 40
LAPSING = 2**41
CALLERS = 12
PATIENCE_SECONDS = 120


class Caller:
    """Asks until it is told yes; one connection, made anew whenever it breaks."""

    def __init__(self, port: int, key: str) -> None:
        self.port = port
        self.headers = {"Authorization": f"Api-Key {key}", "Content-Type": "application/json"}
        self.connection: http.client.HTTPConnection | None = None
        self.retries = 0

    def post(self, path: str, body: dict[str, Any], key: str, method: str = "POST") -> Any:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                status, answer = self._ask(method, path, body, key)
            except (OSError, http.client.HTTPException) as problem:
                self.close()
                status, answer = 0, str(problem).encode()
            if status in {200, 201}:
                return json.loads(answer)
            assert status == 0 or status >= 500, (status, answer)
            assert time.monotonic() < deadline, (status, answer)
            self.retries += 1
            time.sleep(0.1)

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _ask(self, method: str, path: str, body: dict[str, Any], key: str) -> tuple[int, bytes]:
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {**self.headers, "Idempotency-Key": key}
        self.connection.request(method, f"/api/v1/{path}", json.dumps(body), headers)
        response = self.connection.getresponse()
        return response.status, response.read()


class Awarding:
    """Which awards there are to make, and how many were acknowledged."""

    def __init__(self, shop: Shop, members: int) -> None:
        self.port = shop.port
        scopes = [word for scope in ("earn", "manage", "read") for word in ("--scope", scope)]
        self.key = shop.manage("create_api_key", "prove", *scopes).split()[-1]
        self.caller = threading.local()
        self.callers: list[Caller] = []
        self.acknowledged = 0
        self.counting = threading.Lock()
        settings = {"expiry": {"policy": "never"}, "status_rate": "0"}
        self.ask("program", settings, "settings", method="PATCH")
        self.members = [
            self.ask("members", {"phone": f"+86138{number:08d}"}, f"member {number}")["number"]
            for number in range(members)
        ]
        self.awards = [(number, bit) for number in self.members for bit in range(BITS)]
        Random(1).shuffle(self.awards)

    def ask(self, path: str, body: dict[str, Any], key: str, method: str = "POST") -> Any:
        if not hasattr(self.caller, "own"):
            self.caller.own = Caller(self.port, self.key)
            self.callers.append(self.caller.own)
        return self.caller.own.post(path, body, key, method)

    def award(self, award: tuple[str, int]) -> None:
        member, bit = award
        if bit % 2:
            body = {"member": member, "points": 2**bit, "reason": "other", "reference": f"b{bit}"}
            self.ask("adjustments", body, f"{member} {bit}")
        else:
            lines = [{"sku": "A", "amount": f"{2**bit}.00"}]
            placed = {"number": f"{member}-{bit}", "placed_at": "2026-01-01T12:00:00+08:00"}
            self.ask("orders", {**placed, "member": member, "lines": lines}, f"{member} {bit}")
        with self.counting:
            self.acknowledged += 1

    def award_lapsing(self, member: str) -> None:
        soon = datetime.now(UTC) + timedelta(seconds=15)
        body = {"member": member, "points": LAPSING, "reason": "other", "reference": "lapsing"}
        self.ask("adjustments", {**body, "expires_at": soon.isoformat()}, f"{member} lapsing")


@pytest.mark.skipif("PROVE_AWARDS" not in os.environ, reason="takes minutes: make prove")
class TestKilled:
    def test_loses_nothing_and_doubles_nothing(self) -> None:
        awards, kills = size("awards", 400), size("kills", 4)
        started = time.monotonic()
        with Shop() as shop, ThreadPoolExecutor(CALLERS) as pool:
            awarding = Awarding(shop, members=max(1, awards // BITS))
            list(pool.map(awarding.award_lapsing, awarding.members))
            work = [pool.submit(awarding.award, each) for each in awarding.awards]
            for number in range(kills):
                self.wait_for(awarding, work, len(work) * (number + 1) // (kills + 1))
                shop.kill(Shop.PARTS[number % len(Shop.PARTS)])
                shop.manage("shell", "--command", EXPIRE)
            for each in work:
                each.result()
            for caller in awarding.callers:
                caller.close()
            self.wait_until_lapsed(shop)
            found = self.read(shop)
            # Every award was acknowledged once; each member has each power of two exactly once.
            expected = (2**BITS - 1, LAPSING, 2**BITS - 1 - _odd_bits(), BITS + 1, 1)
            assert found == dict.fromkeys(awarding.members, expected)
            shop.manage("verify_ledger")
            record(
                part="crash",
                awards=len(work),
                kills=kills,
                retries=sum(caller.retries for caller in awarding.callers),
                seconds=round(time.monotonic() - started),
            )

    def wait_for(self, awarding: Awarding, work: list[Any], wanted: int) -> None:
        while awarding.acknowledged < wanted:
            time.sleep(0.02)
            for each in work:
                if each.done():
                    each.result()

    def wait_until_lapsed(self, shop: Shop) -> None:
        """The worker does it: whoever was killed in the middle, somebody comes after."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with shop.ask() as connection:
            while connection.execute(
                "SELECT 1 FROM loyalty_wallet WHERE next_due_at <= now()"
            ).fetchone():
                shop.manage("shell", "--command", EXPIRE)
                assert time.monotonic() < deadline

    def read(self, shop: Shop) -> dict[str, tuple[int, ...]]:
        with shop.ask() as connection:
            rows = connection.execute(
                "SELECT m.number, w.active, w.expired, w.earned,"
                " count(*) FILTER (WHERE e.kind <> 'expire'), count(*) FILTER (WHERE e.kind = 'expire')"
                " FROM loyalty_wallet w JOIN members_member m ON m.id = w.member_id"
                " JOIN loyalty_pointtype t ON t.id = w.point_type_id AND t.code = 'points'"
                " JOIN loyalty_entry e ON e.wallet_id = w.id"
                " GROUP BY m.number, w.active, w.expired, w.earned"
            ).fetchall()
        return {row[0]: row[1:] for row in rows}


EXPIRE = "from loyalty.tasks import expire_points; expire_points.delay()"


def _odd_bits() -> int:
    """What came as adjustments, which are not counted as earned."""
    return sum(2**bit for bit in range(1, BITS, 2))
