"""A whole shop in a folder of its own (database, web server, worker), every part of which can be killed."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from config import serve
from config.embedded import cluster as clusters
from config.supervisor import ROOT

# A process that holds a lease on the server until it is told to leave.
TENANT = """
import sys
from pathlib import Path
from config import embedded_postgres
print(embedded_postgres.ensure(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""
Process = subprocess.Popen[Any]


class Shop:
    """Open it with `with`; `kill` ends a part of it the hard way and starts that part again."""

    PARTS = ("web", "postgres", "worker", "backend")

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="jifen-prove-"))
        self.folder.chmod(0o755)
        for name in ("queue", "control", "cache"):
            (self.folder / name).mkdir()
        self.base = self.folder / ".data" / "postgres"
        self.cluster = clusters.locate(self.base)
        self.port = _free_port()
        self.running: dict[str, Process] = {}
        self.tenants: list[Process] = []
        self.log = (self.folder / "log").open("wb")

    def __enter__(self) -> "Shop":
        try:
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _open(self) -> None:
        self._start_database()
        with psycopg.connect(host=self.socket, user="postgres", autocommit=True) as connection:
            connection.execute("CREATE DATABASE jifen")
        self.manage("migrate", "--no-input", "--verbosity", "0")
        self.manage("roles")
        for name in ("web", "worker"):
            self._start(name)

    def __exit__(self, *_: object) -> None:
        for name in self.running:
            self._end(name)
        for tenant in self.tenants:
            tenant.communicate(timeout=60)
        clusters.stop(self.cluster)
        self.log.close()
        shutil.rmtree(self.cluster.home, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- what runs -----------------------------------------------------------------------------
    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": f"postgres://postgres@/{self.socket}/jifen",
            "DJANGO_SETTINGS_MODULE": "tests.prove.settings",
            "PROVE_FOLDER": str(self.folder),
            "LOG_LEVEL": "ERROR",
        }

    def manage(self, *arguments: str) -> str:
        """Run a command of the shop; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _start_database(self) -> None:
        tenant: Process = subprocess.Popen(
            [sys.executable, "-c", TENANT, str(self.base)],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        self.tenants.append(tenant)
        assert tenant.stdout is not None
        self.socket = tenant.stdout.readline().strip()
        assert self.socket, "the embedded PostgreSQL did not start"

    def _start(self, name: str) -> None:
        (service,) = (each for each in serve.services(self.port) if each.name == name)
        self.running[name] = subprocess.Popen(
            [sys.executable, *service.arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
            process_group=0,
        )

    def _end(self, name: str) -> None:
        process = self.running[name]
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill(self, part: str) -> None:
        """Kill -9, and start again what nobody else would start."""
        if part in self.running:
            self._end(part)
            self._start(part)
        elif part == "postgres":
            server = clusters.postmaster(self.cluster)
            assert server is not None
            os.kill(server, signal.SIGKILL)
            self._start_database()
        else:
            # One of the server's own processes: PostgreSQL ends all others and recovers by itself.
            os.kill(self._backend(), signal.SIGKILL)
            self._wait_for_database()

    def _backend(self) -> int:
        with self.ask() as connection:
            row = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = 'jifen' AND pid <> pg_backend_pid()"
                " ORDER BY state = 'active' DESC LIMIT 1"
            ).fetchone()
        assert row is not None
        return int(row[0])

    def _wait_for_database(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            try:
                self.ask().close()
            except psycopg.OperationalError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            else:
                return

    def ask(self) -> psycopg.Connection[Any]:
        """A connection to the shop's database."""
        return psycopg.connect(host=self.socket, user="postgres", dbname="jifen", autocommit=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((serve.HOST, 0))
        return int(probe.getsockname()[1])
