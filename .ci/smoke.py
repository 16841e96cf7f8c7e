"""Open the shop as a newcomer does, ask for its pages, close it, and see that nothing is left running.

Run with the project's own Python: .venv/bin/python .ci/smoke.py
"""

import functools
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from config.embedded import cluster as clusters  # noqa: E402 - the path comes first

PAGES = ("/", "/console/login/", "/api/v1/schema/", "/healthz")
OPEN_WITHIN_SECONDS = 240
CLOSED_WITHIN_SECONDS = 30
MARK = f"JIFEN_SMOKE={uuid.uuid4()}"

say = functools.partial(print, flush=True)


def main() -> None:
    """Do it twice, because the second start takes another way than the first."""
    for name in ("first", "second"):
        with tempfile.TemporaryFile("w+", encoding="utf-8") as log:
            try:
                _open_and_close(name, log)
            except Exception:
                log.seek(0)
                say(log.read())
                raise


def _open_and_close(name: str, log: IO[str]) -> None:
    port = _free_port()
    key, _, value = MARK.partition("=")
    began = time.monotonic()
    make = subprocess.Popen(  # noqa: S603
        ["make", "run", f"PORT={port}"],  # noqa: S607 - whichever make the newcomer has
        cwd=ROOT,
        env={**os.environ, key: value},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        _wait_until_open(make, port)
        say(f"{name} start: open after {time.monotonic() - began:.1f} s")
        for page in PAGES:
            say(f"  {page} {_status(port, page)}")
    finally:
        make.send_signal(signal.SIGTERM)
        make.wait(CLOSED_WITHIN_SECONDS)
    _refuse_survivors()
    say(f"{name} stop: no process left")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_until_open(make: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + OPEN_WITHIN_SECONDS
    while True:
        try:
            _status(port, "/healthz")
        except (OSError, RuntimeError):
            if make.poll() is not None:
                raise RuntimeError(f"make run ended with {make.returncode}") from None
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _status(port: int, page: str) -> int:
    """Ask for a page; raises RuntimeError unless it is there."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", page)
        status = connection.getresponse().status
    finally:
        connection.close()
    if status != http.HTTPStatus.OK:
        raise RuntimeError(f"{page} answers {status}")
    return status


def _refuse_survivors() -> None:
    deadline = time.monotonic() + 2
    while survivors := list(_survivors()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"still running: {survivors}")
        time.sleep(0.1)


def _survivors() -> Iterator[str]:
    # PostgreSQL gets nothing of our environment, so it cannot carry the mark.
    yield from map(str, clusters.processes(clusters.locate(ROOT / ".data" / "postgres")))
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if MARK.encode() in (process / "environ").read_bytes().split(b"\0"):
                yield f"{process.name} {(process / 'cmdline').read_bytes()!r}"
        except OSError:
            continue  # ended meanwhile, or not ours


if __name__ == "__main__":
    main()
