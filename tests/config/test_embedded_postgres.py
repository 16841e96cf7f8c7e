"""Real servers in folders of their own; other processes use them, because leases belong to processes."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from config import embedded_postgres
from config.embedded import cluster as clusters
from config.embedded import locks

USER_OF_A_SERVER = """
import sys
from pathlib import Path
from config import embedded_postgres
try:
    print(embedded_postgres.ensure(Path(sys.argv[1])), flush=True)
except embedded_postgres.EmbeddedPostgresError as error:
    sys.exit(str(error))
sys.stdin.read()
"""


class User:
    """A process that uses the server of a folder until told to leave."""

    def __init__(self, base: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER_OF_A_SERVER, str(base)],
            cwd=embedded_postgres.PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def socket_directory(self) -> str:
        """Wait until the server answers."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> str:
        """End in good order; returns what it complained about."""
        return self.process.communicate(timeout=60)[1]

    def end_by(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.communicate(timeout=60)


@pytest.fixture
def empty() -> Iterator[Path]:
    """A folder that the account behind root can reach, as it can a usual checkout."""
    folder = Path(tempfile.mkdtemp(prefix="jifen-test-"))
    folder.chmod(0o755)
    yield folder / ".data" / "postgres"
    remove(folder / ".data" / "postgres")
    shutil.rmtree(folder)


pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def initialised() -> Iterator[Path]:
    """The data of a new server, because making it takes longer than all the rest."""
    folder = Path(tempfile.mkdtemp(prefix="jifen-test-"))
    folder.chmod(0o755)
    with user(folder / "postgres") as ada:
        ada.socket_directory()
        ada.leave()
    yield clusters.locate(folder / "postgres").data
    shutil.rmtree(folder)


@pytest.fixture
def base(empty: Path, initialised: Path) -> Path:
    """The folder of a server that has run before; root owns its data, as after `cp -r`."""
    shutil.copytree(initialised, empty / "data")
    return empty


def remove(base: Path) -> None:
    cluster = clusters.locate(base)
    clusters.stop(cluster)
    shutil.rmtree(cluster.home, ignore_errors=True)


@contextmanager
def user(base: Path) -> Iterator[User]:
    someone = User(base)
    try:
        yield someone
    finally:
        if someone.process.returncode is None:
            someone.end_by(signal.SIGKILL)


def answer(host: str, query: LiteralString, *, database: str = "postgres") -> object:
    with psycopg.connect(
        host=host, user="postgres", dbname=database, autocommit=True
    ) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class TestEnsure:
    def test_starts_a_server_that_speaks_utf8_on_a_socket_alone(self, base: Path) -> None:
        with user(base) as ada:
            host = ada.socket_directory()
            assert host == str(embedded_postgres.socket_directory(base))
            assert answer(host, "SHOW server_encoding") == "UTF8"
            assert answer(host, "SELECT lower('ÄÉ积分')") == "äé积分"
            assert answer(host, "SHOW max_connections") == "200"
            assert answer(host, "SHOW listen_addresses") == ""
            ada.leave()

    def test_gives_two_who_start_at_once_the_same_server(self, base: Path) -> None:
        with user(base) as ada, user(base) as bob:
            assert ada.socket_directory() == bob.socket_directory()
            first = clusters.postmaster(clusters.locate(base))
            ada.leave()
            assert clusters.postmaster(clusters.locate(base)) == first
            bob.leave()
            assert not embedded_postgres.is_running(base)

    def test_clears_what_a_killed_server_left_and_keeps_the_data(self, base: Path) -> None:
        with user(base) as ada, user(base) as bob:
            host = ada.socket_directory()
            bob.socket_directory()
            with psycopg.connect(host=host, user="postgres", dbname="postgres") as connection:
                connection.execute("CREATE TABLE kept AS SELECT 42 AS points")
            killed = clusters.postmaster(clusters.locate(base))
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            with user(base) as clerk:
                host = clerk.socket_directory()
                assert clusters.postmaster(clusters.locate(base)) not in {None, killed}
                assert answer(host, "SELECT points FROM kept") == 42

    def test_minds_no_pid_file_that_names_a_stranger(self, base: Path) -> None:
        (base / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n")
        with user(base) as ada:
            assert answer(ada.socket_directory(), "SELECT 1") == 1

    def test_begins_anew_after_an_interrupted_beginning(self, empty: Path) -> None:
        unfinished = empty / "data.unfinished"
        unfinished.mkdir(parents=True)
        (unfinished / "PG_VERSION").write_text("18\n")
        with user(empty) as ada:
            assert answer(ada.socket_directory(), "SELECT 1") == 1

    def test_refuses_data_of_another_version_and_says_what_to_do(self, base: Path) -> None:
        (base / "data" / "PG_VERSION").write_text("9.6\n")
        with user(base) as ada:
            complaint = ada.leave()
        assert "was made by PostgreSQL 9.6" in complaint
        assert "JIFEN_PG_BIN" in complaint
        assert not embedded_postgres.is_running(base)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root has another account run the server")
    def test_finds_a_place_for_a_checkout_that_only_root_can_enter(self, empty: Path) -> None:
        empty.parent.parent.chmod(0o700)
        with user(empty) as ada:
            host = ada.socket_directory()
            assert host.startswith(str(clusters.SYSTEM_HOME))
            assert host == str(embedded_postgres.socket_directory(empty))
            assert answer(host, "SELECT 1") == 1
            ada.leave()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root has another account run the server")
    def test_opens_a_data_folder_that_a_strict_umask_has_closed(self, base: Path) -> None:
        base.parent.chmod(0o700)
        with user(base) as ada:
            assert ada.socket_directory() == str(base / "socket")
            ada.leave()


class TestRelease:
    def test_stops_the_server_before_the_last_user_has_ended(self, base: Path) -> None:
        with user(base) as ada:
            ada.socket_directory()
            assert ada.leave() == ""
        assert not embedded_postgres.is_running(base)
        assert locks.is_free(base / locks.WATCH)


class TestWatchdog:
    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    def test_stops_the_server_when_its_last_user_could_not(
        self, base: Path, number: signal.Signals
    ) -> None:
        with user(base) as ada, user(base) as bob:
            ada.socket_directory()
            bob.socket_directory()
            ada.end_by(number)
            assert embedded_postgres.is_running(base)
            bob.end_by(number)
        assert eventually(lambda: not embedded_postgres.is_running(base))
        assert eventually(lambda: locks.is_free(base / locks.WATCH))


class TestCreateDatabase:
    def test_creates_it_once(self, base: Path) -> None:
        with user(base) as ada:
            host = ada.socket_directory()
            embedded_postgres.create_database("jifen", host)
            embedded_postgres.create_database("jifen", host)
            assert answer(host, "SELECT current_database()", database="jifen") == "jifen"


class TestSocketDirectory:
    def test_only_computes(self, empty: Path) -> None:
        assert embedded_postgres.socket_directory(empty) == empty / "socket"
        assert not empty.exists()

    def test_is_short_enough_for_a_socket_however_deep_the_checkout(self, empty: Path) -> None:
        deep = empty.joinpath(*["a-folder-with-a-long-name"] * 6)
        address = embedded_postgres.socket_directory(deep) / ".s.PGSQL.5432"
        assert len(os.fsencode(address)) < 107
