"""Background work that somebody asked for and waits for: started, done by a worker, begun again if the worker dies.

The settings name a function for each kind (`JOBS`). It is called as fn(parameters, report, at) and returns the result
as JSON has it. It may be begun again after it was killed in the middle, and for a moment two workers may be at it: it
has to be safe to run twice. `report(percent)` says how far it is.
"""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import (
    DEFAULT_DB_ALIAS,
    InterfaceError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from members.errors import InvalidInput, NotFound, Refusal
from members.models import Job

logger = logging.getLogger(__name__)

Report = Callable[[int], None]
Work = Callable[[Mapping[str, Any], Report, datetime], Any]
Clock = Callable[[], datetime]

# Named, not imported: a verb knows no doors.
TASK = "members.tasks.run_job"
# A worker says every so often that it is alive; whoever was silent for so long is taken to be dead.
BEAT_SECONDS = 20.0
SILENCE = timedelta(minutes=3)
MOST_ATTEMPTS = 5
LONGEST_PROBLEM = 500
OPEN = (Job.State.QUEUED, Job.State.RUNNING)


class Superseded(Exception):
    """Somebody else has begun this job again, because this worker had been silent for long."""


def start(*, kind: str, parameters: Mapping[str, Any], by: str, at: datetime) -> Job:
    """Ask for a job of a kind that the settings know; a worker begins when the caller's transaction has committed."""
    if kind not in settings.JOBS:
        raise LookupError(f"JOBS in the settings has no kind {kind!r}")
    job = Job.objects.create(
        kind=kind, parameters=dict(parameters), requested_by=by[:150], requested_at=at
    )
    _send(job.pk)
    return job


def run(*, job: int, clock: Clock) -> None:
    """Do a job (id) if it waits for a worker; otherwise nothing. What goes wrong is noted on it in plain words.

    Progress is seen at once, whatever transaction the work is in. Raises OperationalError when the database is to
    blame: then the job stays open and `revive` begins it again.
    """
    began = clock()
    claimed = Job.objects.filter(pk=job, state=Job.State.QUEUED).update(
        state=Job.State.RUNNING, started_at=began, seen_at=began, attempts=F("attempts") + 1
    )
    if not claimed:
        return
    found = Job.objects.get(pk=job)
    attempt = _Attempt(found, clock)
    try:
        attempt.begin()
        work: Work = import_string(settings.JOBS[found.kind])
        result = work(found.parameters, attempt.report, began)
    except Superseded:
        return
    except (OperationalError, InterfaceError):
        raise
    except Exception as problem:
        if not isinstance(problem, Refusal | InvalidInput | NotFound):
            logger.exception("job %s (%s) failed", found.pk, found.kind)
        attempt.failed(_words(problem))
    else:
        attempt.done(result)
    finally:
        attempt.close()


def revive(*, at: datetime) -> int:
    """Begin jobs again whose worker has been silent for long, and those that no worker was told of; how many it were.

    One that was begun five times and never ended has failed.
    """
    silent = Job.objects.alias(heard=Coalesce("seen_at", "requested_at")).filter(
        state__in=OPEN, heard__lt=at - SILENCE
    )
    silent.filter(attempts__gte=MOST_ATTEMPTS).update(
        state=Job.State.FAILED, finished_at=at, problem=_("Its worker died every time.")
    )
    revived = 0
    for key in silent.order_by("id").values_list("pk", flat=True):
        # Again with all conditions: the worker may have spoken in between.
        revived += silent.filter(pk=key).update(state=Job.State.QUEUED, seen_at=at)
        _send(key)
    return revived


def _send(job: int) -> None:
    """Tell a worker after commit. If nobody can be told now, `revive` does it later."""

    def tell() -> None:
        import_string(TASK).apply_async(kwargs={"job_id": job}, retry=False)

    transaction.on_commit(tell, robust=True)


# Only as long as nobody else has begun the job again. Parameters: state, progress, seen_at, finished_at, result, problem.
_NOTE = f"""
UPDATE {Job._meta.db_table}
SET state = %s, progress = %s, seen_at = %s, finished_at = %s, result = %s::jsonb, problem = %s
WHERE id = %s AND attempts = %s AND state IN ('queued', 'running')"""


class _Attempt:
    """One worker's turn at a job; what it notes is committed at once, beside the work's own transactions."""

    def __init__(self, job: Job, clock: Clock) -> None:
        self.key = (job.pk, job.attempts)
        self.percent = job.progress
        self.clock = clock
        # Where the caller has a transaction open, the job itself is not seen from outside.
        self.is_inside = connection.in_atomic_block
        self.ended = threading.Event()
        self.heart = threading.Thread(target=self._beat, daemon=True)
        self.aside = (
            connections[DEFAULT_DB_ALIAS]
            if self.is_inside
            else connections[DEFAULT_DB_ALIAS].copy()
        )

    def begin(self) -> None:
        """Say from now on that it is alive, also while one long statement runs."""
        if not self.is_inside:
            self.heart.start()

    def report(self, percent: int) -> None:
        """Note how far it is; raises Superseded."""
        self.percent = max(0, min(100, percent))
        if not self._note(Job.State.RUNNING, None, None, ""):
            raise Superseded

    def done(self, result: Any) -> None:
        """Note what came out, unless somebody else has taken over."""
        self.percent = 100
        self._note(Job.State.DONE, self.clock(), result, "")

    def failed(self, problem: str) -> None:
        """Note why it ended, unless somebody else has taken over."""
        self._note(Job.State.FAILED, self.clock(), None, problem[:LONGEST_PROBLEM])

    def close(self) -> None:
        """Be silent, and give the second connection back."""
        if not self.is_inside:
            self.ended.set()
            self.heart.join()
            self.aside.close()

    def _beat(self) -> None:
        key, number = self.key
        mine = Job.objects.filter(pk=key, attempts=number, state__in=OPEN)
        try:
            while not self.ended.wait(BEAT_SECONDS):
                mine.update(seen_at=self.clock())
        except (OperationalError, InterfaceError):
            logger.warning("job %s: the database does not hear that it is alive", key)
        finally:
            connection.close()

    def _note(self, state: str, finished_at: datetime | None, result: Any, problem: str) -> bool:
        written = None if result is None else json.dumps(result)
        values = (state, self.percent, self.clock(), finished_at, written, problem, *self.key)
        with self.aside.cursor() as cursor:
            cursor.execute(_NOTE, values)
            return bool(cursor.rowcount)


def _words(problem: Exception) -> str:
    if isinstance(problem, Refusal | InvalidInput | NotFound):
        return str(problem)
    return _("Something unexpected went wrong. What was done until then stays; the log says more.")
