"""One PostgreSQL server in a folder of its own: where it lives, how it starts and how it stops.

Linux only: it finds the server's processes in /proc.
"""

import hashlib
import os
import pwd
import shlex
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from config.embedded import programs
from config.embedded.programs import EmbeddedPostgresError

SYSTEM_HOME = Path("/var/lib/jifen")
SHORT_HOME = Path("/tmp")  # noqa: S108 - `_give` refuses what is not our own
# A Unix socket's address holds 107 bytes, and the server adds "/.s.PGSQL.5432" to the folder.
LONGEST_SOCKET_FOLDER = 90
START_SECONDS = 120
# How to stop, from polite to rude, and how long each may take.
STOP_STEPS = ((signal.SIGINT, 30), (signal.SIGQUIT, 5), (signal.SIGKILL, 5))

SETTINGS = {
    "listen_addresses": "",
    "timezone": "UTC",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "8MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
}
# For data that nobody would miss; the refusals that tests provoke stay out of the log.
THROWAWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "log_min_messages": "fatal",
    # What tests roll back would be counted as empty tables, and planned for as such.
    "autovacuum": "off",
}


@dataclass(frozen=True)
class Cluster:
    """A server's place on disk and the account it runs as (None: whoever we are)."""

    home: Path
    account: pwd.struct_passwd | None

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def name(self) -> str:
        """The word that every process of this server, and of no other, has in its command line."""
        return f"jifen-{_digest(self.home)}"

    @property
    def sockets(self) -> Path:
        beside_data = self.home / "socket"
        if len(os.fsencode(beside_data)) <= LONGEST_SOCKET_FOLDER:
            return beside_data
        return (SHORT_HOME if self.account is None else SYSTEM_HOME) / self.name


def locate(base: Path) -> Cluster:
    """Where the server of `base` lives; looks at the disk, changes nothing.

    PostgreSQL refuses to run as root, so root runs it as another account. Where that account cannot
    pass to `base` (a checkout under /root), the data goes to a folder of its own below /var/lib.
    """
    base = base.resolve()
    if os.geteuid() != 0:
        return Cluster(base, None)
    elsewhere = SYSTEM_HOME / _digest(base)
    for home in (base, elsewhere):
        if (home / "data").exists():
            return Cluster(home, _owner(home / "data"))
    account = programs.unprivileged_account()
    # The folder around `base` is the project's own data folder, which `make_home` opens.
    return Cluster(base if programs.may_enter(base.parent.parent, account) else elsewhere, account)


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def _owner(folder: Path) -> pwd.struct_passwd:
    user = folder.stat().st_uid
    # Root owns the data after `cp -r`: `start` hands it over.
    return pwd.getpwuid(user) if user else programs.unprivileged_account()


def processes(cluster: Cluster) -> dict[int, list[bytes]]:
    """The command line of each living process of the server by its id; a zombie has none and is left out."""
    title, marker = f"postgres: {cluster.name}:".encode(), _marker(cluster)
    return {
        pid: command
        for pid, command in _commands()
        if command[0].startswith(title) or (command[0].endswith(b"postgres") and marker in command)
    }


def postmaster(cluster: Cluster) -> int | None:
    """The server's first process, or None when it does not run.

    The command line decides, never `postmaster.pid`: that file outlives a kill -9 and a reboot.
    """
    marker = _marker(cluster)
    return next((pid for pid, command in processes(cluster).items() if marker in command), None)


def _marker(cluster: Cluster) -> bytes:
    return f"cluster_name={cluster.name}".encode()


def _commands() -> Iterator[tuple[int, list[bytes]]]:
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                yield int(entry.name), Path(entry.path, "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue  # it ended while we looked


def make_home(cluster: Cluster) -> None:
    """Make the folder that holds the data, the socket and our locks."""
    cluster.home.mkdir(parents=True, exist_ok=True)
    if not os.access(cluster.home, os.W_OK):
        raise EmbeddedPostgresError(
            f"{cluster.home} belongs to another account, which started the shop before: "
            "run as that account, or move the folder away to begin anew."
        )
    if cluster.account is not None:
        # The account has to pass, whatever our umask says (Django's file cache makes folders for us
        # alone); what they hold keeps its own permissions.
        for folder in (cluster.home, cluster.home.parent):
            folder.chmod(folder.stat().st_mode | 0o111)


def start(cluster: Cluster, *, durable: bool) -> None:
    """Start the server and wait until it answers; a new one is initialised first."""
    program_folder = programs.folder(cluster.account, cluster.home)
    _give(cluster.sockets, cluster.account)
    if not cluster.data.exists():
        _initialise(cluster, program_folder)
    elif cluster.account is not None and cluster.data.stat().st_uid == 0:
        for path in [cluster.data, *cluster.data.rglob("*")]:
            os.chown(path, cluster.account.pw_uid, cluster.account.pw_gid)
    _refuse_other_version(cluster, program_folder)
    _clear_remains(cluster)
    settings = {
        "cluster_name": cluster.name,
        "unix_socket_directories": str(cluster.sockets),
    } | SETTINGS
    settings |= {} if durable else THROWAWAY_SETTINGS
    options = shlex.join(
        word for key, value in settings.items() for word in ("-c", f"{key}={value}")
    )
    log = cluster.data / "server.log"
    places = ("--pgdata", cluster.data, "--log", log, "--options", options)
    try:
        programs.run(
            cluster.account,
            program_folder / "pg_ctl",
            "start",
            "--wait",
            "--timeout",
            START_SECONDS,
            *places,
        )
    except EmbeddedPostgresError as error:
        last_words = log.read_text(errors="replace")[-1500:] if log.exists() else ""
        raise EmbeddedPostgresError(f"{error}\n{last_words}") from None


def stop(cluster: Cluster) -> None:
    """Stop the server; returns when its last process is gone."""
    for number, seconds in STOP_STEPS:
        first = postmaster(cluster)
        if first is None:
            return
        os.kill(first, number)
        _wait_for_end(cluster, seconds)


def _wait_for_end(cluster: Cluster, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while processes(cluster) and time.monotonic() < deadline:
        time.sleep(0.02)


def _clear_remains(cluster: Cluster) -> None:
    """After a kill -9: end what is left of the old server, then take away its lock files.

    PostgreSQL would not start while the pid in them is a zombie's or has passed to a stranger.
    """
    _wait_for_end(cluster, 5)
    for pid in processes(cluster):
        os.kill(pid, signal.SIGKILL)
    _wait_for_end(cluster, 5)
    for file in (cluster.data / "postmaster.pid", cluster.sockets / ".s.PGSQL.5432.lock"):
        file.unlink(missing_ok=True)


def _initialise(cluster: Cluster, program_folder: Path) -> None:
    # Under another name until complete, so that an interrupted attempt never passes for a database.
    unfinished = cluster.data.with_name("data.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    _give(unfinished, cluster.account)
    options = (
        "--username",
        "postgres",
        "--auth",
        "trust",
        "--encoding",
        "UTF8",
        "--locale",
        "C.UTF-8",
        "--no-sync",
    )
    programs.run(cluster.account, program_folder / "initdb", "--pgdata", unfinished, *options)
    unfinished.rename(cluster.data)


def _refuse_other_version(cluster: Cluster, program_folder: Path) -> None:
    made_by = (cluster.data / "PG_VERSION").read_text().strip()
    answer = programs.run(cluster.account, program_folder / "postgres", "--version")
    installed = answer.split()[2].split(".")[0]
    if made_by != installed:
        raise EmbeddedPostgresError(
            f"The data in {cluster.data} was made by PostgreSQL {made_by}, but {installed} is installed: "
            f"point JIFEN_PG_BIN to the programs of {made_by}, or move {cluster.home} away to begin anew."
        )


def _give(folder: Path, account: pwd.struct_passwd | None) -> None:
    """Make a folder that is the account's alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    elif folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        # /tmp is everybody's: somebody may have put a trap where our socket goes.
        raise EmbeddedPostgresError(f"{folder} belongs to another account: remove it.")
