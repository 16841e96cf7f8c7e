"""A PostgreSQL that the project runs by itself, so that trying Jifen needs no database server.

Every process that uses the server holds a lease. The last one to leave stops the server; a watchdog
does so when the last one could not (kill -9). The programs come from a wheel, or from JIFEN_PG_BIN.
"""

import atexit
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psycopg
from django.conf import settings
from psycopg import errors, sql

from config.embedded import cluster as clusters
from config.embedded import locks
from config.embedded.programs import EmbeddedPostgresError

__all__ = [
    "EmbeddedPostgresError",
    "create_database",
    "ensure",
    "is_missed",
    "is_running",
    "release",
    "socket_directory",
    "start_for_project",
    "start_for_tests",
]

PROJECT = Path(__file__).resolve().parent.parent
PROJECT_BASE = PROJECT / ".data" / "postgres"
TESTS_BASE = PROJECT / ".data" / "postgres-test"
USER = "postgres"
WATCHDOG_SECONDS = 30


@dataclass(frozen=True)
class _Lease:
    cluster: clusters.Cluster
    files: tuple[IO[str], ...]
    holder: int


_leases: dict[Path, _Lease] = {}


def socket_directory(base: Path) -> Path:
    """The folder of the server's socket, which is what Django calls HOST; starts nothing."""
    return clusters.locate(base).sockets


def is_running(base: Path) -> bool:
    """Whether the server of this folder runs, whoever started it."""
    return clusters.postmaster(clusters.locate(base)) is not None


def is_missed() -> bool:
    """Whether a server that we hold a lease on does not run any more."""
    return any(clusters.postmaster(lease.cluster) is None for lease in _leases.values())


def ensure(base: Path, *, durable: bool = True) -> str:
    """Have the server of this folder running until `release` or our end; returns its socket folder.

    Starts it if nobody has, initialises it if it is new, and may be called again at any time: a server
    that was killed meanwhile is started again. `durable=False` gives up safety in a power cut for speed.
    Raises EmbeddedPostgresError.
    """
    cluster = clusters.locate(base)
    clusters.make_home(cluster)
    with locks.held(cluster.home / locks.START):
        if cluster.home not in _leases:
            _leases[cluster.home] = _take_lease(cluster)
        if locks.is_free(cluster.home / locks.WATCH):
            _start_watchdog(cluster, base)
        if clusters.postmaster(cluster) is None:
            clusters.start(cluster, durable=durable)
    return str(cluster.sockets)


def release() -> None:
    """Give our leases back; a server that nobody else uses has stopped when this returns."""
    for home, lease in list(_leases.items()):
        del _leases[home]
        # A forked child shares our open files and must not give them back for us.
        if lease.holder == os.getpid():
            _give_back(lease)


def create_database(name: str, host: str) -> None:
    """Create a database on the server behind this socket folder, unless it is there."""
    with psycopg.connect(host=host, user=USER, dbname="postgres", autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return
        try:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except (errors.DuplicateDatabase, errors.UniqueViolation):
            return  # another process was quicker


def start_for_project() -> bool:
    """Start the server that the settings name, with its database; False when they name one of their own."""
    default = _default_database()
    if default["HOST"] != str(socket_directory(PROJECT_BASE)):
        return False
    create_database(default["NAME"], ensure(PROJECT_BASE))
    return True


def start_for_tests() -> bool:
    """Point Django at a throwaway server, so that tests never touch the running shop.

    Call it from conftest.py before any connection is made; every pytest-xdist worker may. Does nothing
    and returns False when the settings name a server of their own (DATABASE_URL).
    """
    default = _default_database()
    if default["HOST"] != str(socket_directory(PROJECT_BASE)):
        return False
    default["HOST"] = ensure(TESTS_BASE, durable=False)
    return True


def _default_database() -> dict[str, Any]:
    database: dict[str, Any] = settings.DATABASES["default"]
    return database


def _take_lease(cluster: clusters.Cluster) -> _Lease:
    if not _leases:
        atexit.register(release)
    files = tuple(locks.shared(cluster.home / name) for name in (locks.LEASE, locks.USERS))
    return _Lease(cluster, files, os.getpid())


def _give_back(lease: _Lease) -> None:
    home = lease.cluster.home
    lease_file, users_file = lease.files
    with locks.held(home / locks.START):
        users_file.close()
        is_last = locks.is_free(home / locks.USERS)
        if is_last:
            clusters.stop(lease.cluster)
        lease_file.close()
    if is_last:
        locks.becomes_free(home / locks.WATCH, within_seconds=WATCHDOG_SECONDS)


def _start_watchdog(cluster: clusters.Cluster, base: Path) -> None:
    # Through a shell that puts it into the background and ends: the watchdog is nobody's child, outlives
    # us, and leaves no zombie behind in a process that runs for weeks.
    subprocess.run(  # noqa: S603 - ourselves
        [
            "/bin/sh",
            "-c",
            '"$@" &',
            "sh",
            sys.executable,
            "-m",
            "config.embedded.watchdog",
            str(base),
        ],
        cwd=PROJECT,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    # On duty before we go on: a process that ends at once must find it, to wait for its end.
    if not locks.becomes_held(cluster.home / locks.WATCH, within_seconds=WATCHDOG_SECONDS):
        raise EmbeddedPostgresError("The watchdog of the embedded PostgreSQL does not start.")
