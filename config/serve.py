"""The whole shop from one command: database, web server, worker and timetable.

`make run` needs no init system and no installed server. With DATABASE_URL and CELERY_BROKER_URL set
the same command uses those instead of what it brings along.
"""

import errno
import http.client
import io
import socket
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connections

from config import embedded_postgres, supervisor
from config.supervisor import Process, Service

HOST = "127.0.0.1"
HEALTH = "/healthz"
PAGES = (("portal", "/"), ("console", "/console/"), ("API docs", "/api/v1/docs/"))
HEALTHY_WITHIN_SECONDS = 90

Say = Callable[[str], None]


class CannotServe(Exception):
    """The shop cannot open, or not stay open; the text says why and what to do."""


def services(port: int) -> tuple[Service, ...]:
    """What runs side by side."""
    gunicorn = (
        "-m",
        "gunicorn",
        "config.wsgi",
        "--bind",
        f"{HOST}:{port}",
        "--log-level",
        "warning",
    )
    threads = ("--worker-class", "gthread", "--workers", "2", "--threads", "4")
    # Celery warns of root at length; where root starts the shop, it is a container or a trial.
    quietly = ("-W", "ignore:::celery.platforms")
    celery = (*quietly, "-m", "celery", "--quiet", "--app", "config", "--skip-checks")
    alone = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    return (
        Service("web", (*gunicorn, *threads, "--graceful-timeout", "5", "--no-control-socket")),
        Service("worker", (*celery, "worker", "--pool", "threads", "--concurrency", "2", *alone)),
        Service("timetable", (*celery, "beat")),
    )


def serve(*, port: int, say: Say) -> None:
    """Prepare the shop and keep it open until SIGINT, SIGTERM or SIGHUP; raises CannotServe."""
    refuse_taken_port(port)
    with supervisor.interruptible():
        try:
            logins = _prepare(say)
            say("Starting web server, worker and timetable ...")
            with supervisor.side_by_side(services(port)) as running:
                _keep_open(running, port, logins, say)
        except KeyboardInterrupt:
            say("Stopped.")
        except (supervisor.ServiceEnded, embedded_postgres.EmbeddedPostgresError) as error:
            raise CannotServe(str(error)) from error
        finally:
            embedded_postgres.release()


def refuse_taken_port(port: int) -> None:
    """Raise CannotServe while nothing has been started yet."""
    with socket.socket() as probe:
        # As gunicorn does: an earlier run's connections that are still closing are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
            other = port + 1 if taken and 1024 <= port < 65535 else 8001
            reason = "is taken" if taken else f"cannot be used ({error})"
            raise CannotServe(
                f"Port {port} {reason}; try another: make run PORT={other}"
            ) from None


def _prepare(say: Say) -> str:
    """Bring database, translations and demo shop up to date; returns the demo's logins as text."""
    say("Preparing the database ...")
    embedded_postgres.start_for_project()
    # Before anything is shown: a catalogue that this process has loaded stays as it is.
    call_command("messages", "--compile")
    try:
        call_command("migrate", "--no-input", verbosity=0)
    except OperationalError as error:
        raise CannotServe(f"The database does not answer: {error}") from error
    call_command("roles", stdout=io.StringIO())
    _make_broker_folders()
    say("Preparing the demo shop ...")
    logins = io.StringIO()
    call_command("demo_shop", stdout=logins)
    connections.close_all()
    return logins.getvalue()


def _make_broker_folders() -> None:
    options = getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {})
    for name in ("data_folder_in", "data_folder_out", "control_folder"):
        if name in options:
            Path(options[name]).mkdir(parents=True, exist_ok=True)


def _keep_open(running: dict[str, Process], port: int, logins: str, say: Say) -> None:
    try:
        wait_until_healthy(running, port)
        say("\nJifen is open; Ctrl-C closes it.")
        for name, path in PAGES:
            say(f"  {name:<9} http://{HOST}:{port}{path}")
        say(f"\n{logins}")
        supervisor.stay(running, look_after=lambda: _revive_postgres(say))
    except KeyboardInterrupt:
        say("Stopping ...")
        raise


def wait_until_healthy(running: dict[str, Process], port: int) -> None:
    """Wait until the health page is content; raises CannotServe, or ServiceEnded when a process ends."""
    deadline = time.monotonic() + HEALTHY_WITHIN_SECONDS
    while (problem := _problem(port)) is not None:
        supervisor.refuse_ended(running)
        if time.monotonic() > deadline:
            raise CannotServe(f"The web server runs, but the shop is not well: {problem}")
        time.sleep(0.2)


def _problem(port: int) -> str | None:
    """What is wrong with the health page; None when it is content."""
    # Not urllib, which would ask the proxy that an environment may name.
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", HEALTH)
        status = connection.getresponse().status
    except OSError as error:
        return f"{HEALTH}: {error}"
    finally:
        connection.close()
    return None if status == http.HTTPStatus.OK else f"{HEALTH} answers {status}"


def _revive_postgres(say: Say) -> None:
    if embedded_postgres.is_missed():
        say("PostgreSQL ended unexpectedly; starting it again ...")
        embedded_postgres.start_for_project()
