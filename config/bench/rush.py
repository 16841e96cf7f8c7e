"""A rush for an offer over HTTP against a real gunicorn, beside the bare conditional UPDATE that a piece comes down to."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from typing import Any
from urllib.parse import quote

import psycopg
from django.db import connection

from config import serve, supervisor
from config.bench.measuring import Goal, Line
from loyalty import awarding
from loyalty.awarding import Award
from members import clients
from members.models import Member
from rewards import catalogue, stock
from rewards.models import Offer, Redemption, Reward, StockMovement

REQUESTS = 2_000
PIECES = 100
# Where everybody gets one: how fast redeeming itself is.
ALL = 400
CLIENTS = 32
UPDATE = "UPDATE rewards_offer SET stock = stock - 1 WHERE id = %s AND stock > 0"

Answer = tuple[int, float, float]


class Oversold(Exception):
    """More or fewer pieces went than there were."""


def offers() -> list[Line]:
    """2,000 requests for 100 pieces, and 400 for as many pieces as there are requests."""
    members = _members_with_points()
    key = clients.create(name="rush", scopes=["spend"])
    mug = catalogue.create(changes=_MUG, at=datetime.now(UTC))
    with _gunicorn() as port:
        return [
            _line(mug, PIECES, members, key, port),
            _line(mug, ALL, members[:ALL], key, port),
        ]


_MUG = {"code": "rush", "name": "Rush", "kind": "coupon", "points": 100}


def _line(mug: Reward, pieces: int, members: Sequence[str], key: str, port: int) -> Line:
    offer = _offer(mug, pieces)
    answers = _rush(
        len(members), lambda number: _post(port, key, _body(members[number], offer.code))
    )
    _refuse_oversold(offer, pieces, answers)
    issued = [answer for answer in answers if answer[0] == http.HTTPStatus.CREATED]
    bare = _bare(_offer(mug, pieces), len(members))
    ours, theirs = _told(answers, issued), _told(bare, [each for each in bare if each[0]])
    return Line(
        what=f"offer of {pieces:,} pieces, {len(members):,} requests over HTTP by {CLIENTS} clients, exactly {pieces:,} "
        "redeemed; beside a bare conditional UPDATE in plain SQL",
        ours=ours,
        beside=theirs,
        value=_rate(issued),
        goal=Goal(must=None, aim=None, form="{:,.0f}/s"),
    )


def _told(answers: Sequence[Answer], won: Sequence[Answer]) -> str:
    waits = sorted(ended - began for _status, began, ended in answers)
    late = waits[int(len(waits) * 0.95) - 1]
    return f"{_rate(won):,.0f} redemptions/s, {_rate(answers):,.0f} answers/s, p95 {late * 1000:,.0f} ms"


def _rate(answers: Sequence[Answer]) -> float:
    """How many a second, from the first that began to the last that ended."""
    began = min(answer[1] for answer in answers)
    return len(answers) / (max(answer[2] for answer in answers) - began)


def _refuse_oversold(offer: Offer, pieces: int, answers: Sequence[Answer]) -> None:
    """Raises Oversold unless answers, redemptions, stock and movements all say the same."""
    offer.refresh_from_db()
    said = Counter(answer[0] for answer in answers)
    stored = Redemption.objects.filter(offer=offer).count()
    moved = StockMovement.objects.filter(offer=offer, cause="redeemed").count()
    refused = len(answers) - pieces
    if (said[201], said[422], stored, moved, offer.stock) != (pieces, refused, pieces, pieces, 0):
        raise Oversold(f"{pieces} pieces: {said}, {stored} redemptions, {offer.stock} left")


# ---- the shop ---------------------------------------------------------------------------------------
def _members_with_points() -> list[str]:
    now = datetime.now(UTC)
    members = list(Member.objects.order_by("-id")[:REQUESTS])
    awards = [
        Award(member=each.pk, points=1_000, reference="rush", at=now, expires_at=None)
        for each in members
    ]
    awarding.award_all(awards=awards, at=now)
    return [each.number for each in members]


def _offer(mug: Reward, pieces: int) -> Offer:
    """An offer that begins when the one before has ended."""
    now = datetime.now(UTC)
    Offer.objects.filter(reward=mug).update(active=False)
    made = Offer.objects.create(
        code=f"rush-{Offer.objects.count()}",
        name="Rush",
        reward=mug,
        points=10,
        starts_at=now - timedelta(minutes=1),
        ends_at=now + timedelta(hours=1),
    )
    return stock.set_to(row=made, stock=pieces, by="bench", note="", at=now)


def _body(member: str, offer: str) -> str:
    return json.dumps({"member": member, "reward": "rush", "offer": offer, "reference": offer})


# ---- gunicorn ---------------------------------------------------------------------------------------
@contextmanager
def _gunicorn() -> Iterator[int]:
    """The web server of `make run`, on this database and without a word; its port."""
    with socket.socket() as probe:
        probe.bind((serve.HOST, 0))
        port: int = probe.getsockname()[1]
    web = serve.services(port)[0]
    running = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, *web.arguments],
        cwd=supervisor.ROOT,
        env={**os.environ, "DATABASE_URL": _address()},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        serve.wait_until_healthy({web.name: running}, port)
        yield port
    finally:
        running.terminate()
        running.wait(timeout=supervisor.STOP_WITHIN_SECONDS)


def _address() -> str:
    """The database that is in use, as DATABASE_URL names it."""
    said = {name: quote(str(value), safe="") for name, value in connection.settings_dict.items()}
    person = f"{said['USER']}:{said['PASSWORD']}"
    if connection.settings_dict["HOST"].startswith("/"):  # a socket
        return f"postgres://{person}@/{said['NAME']}?host={said['HOST']}"
    place = f"{said['HOST']}:{said['PORT']}" if said["PORT"] else said["HOST"]
    return f"postgres://{person}@{place}/{said['NAME']}"


def _post(port: int, key: str, body: str) -> int:
    line = http.client.HTTPConnection(serve.HOST, port, timeout=120)
    headers = {
        "Authorization": f"Api-Key {key}",
        "Idempotency-Key": os.urandom(8).hex(),
        "Content-Type": "application/json",
    }
    line.request("POST", "/api/v1/redemptions", body, headers)
    answer = line.getresponse()
    answer.read()
    line.close()
    return answer.status


# ---- both sides -------------------------------------------------------------------------------------
def _rush(times: int, work: Callable[[int], int]) -> list[Answer]:
    """All at once, by so many clients: what each answered, when it began and when it ended."""

    def timed(number: int) -> Answer:
        began = time.perf_counter()
        status = work(number)
        return status, began, time.perf_counter()

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(timed, range(times)))


def _bare(offer: Offer, times: int) -> list[Answer]:
    """The same rush as one statement each; 1 where it got a piece."""
    lines: SimpleQueue[psycopg.Connection[Any]] = SimpleQueue()
    for _client in range(CLIENTS):
        lines.put(psycopg.connect(_address(), autocommit=True))

    def take(_number: int) -> int:
        line = lines.get()
        taken = line.execute(UPDATE, [offer.pk]).rowcount
        lines.put(line)
        return taken

    try:
        return _rush(times, take)
    finally:
        while not lines.empty():
            lines.get().close()
