"""django-hordak beside us: installed apart from the product, in a database of its own on the same server."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from importlib.resources import files
from pathlib import Path

from django.db import connection

from config.bench import databases

NAME = "jifen_bench_hordak"
PACKAGES = ("django-hordak", "psycopg[binary]")
HOME = Path.home() / ".cache" / "jifen-bench" / "hordak"


def open_shop(stack: ExitStack) -> tuple[Callable[[], float] | None, str]:
    """What measures one turn of transfers (a second), or None and why not."""
    python = HOME / "bin" / "python"
    if not python.exists() and not _install():
        return None, " (not measured: it could not be installed)"
    databases.drop(NAME)
    databases.make(NAME)
    stack.callback(databases.drop, NAME)
    settings = connection.settings_dict
    environment = os.environ | {
        "BENCH_NAME": NAME,
        "BENCH_USER": settings["USER"],
        "BENCH_PASSWORD": settings["PASSWORD"],
        "BENCH_HOST": settings["HOST"],
        "BENCH_PORT": str(settings["PORT"]),
    }
    script = files("config.bench").joinpath("hordak_transfers.py.txt").read_text()
    worker = subprocess.Popen(  # noqa: S603 - our own script, by the interpreter we installed
        [str(python), "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    stack.callback(worker.communicate)
    if worker.stdout is None or worker.stdout.readline().strip() != "ready":
        return None, " (not measured: it did not start)"
    return lambda: _turn(worker), ""


def _turn(worker: "subprocess.Popen[str]") -> float:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write("go\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())


def _install() -> bool:
    """Make an environment of its own outside the tree; False without a package index."""
    uv = [sys.executable, "-m", "uv"]
    steps = (
        [*uv, "venv", "--quiet", "--clear", str(HOME)],
        [*uv, "pip", "install", "--quiet", "--python", str(HOME / "bin" / "python"), *PACKAGES],
    )
    for step in steps:
        done = subprocess.run(step, check=False, capture_output=True)  # noqa: S603
        if done.returncode:
            (HOME / "bin" / "python").unlink(missing_ok=True)
            return False
    return True
