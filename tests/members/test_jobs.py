"""Background jobs: asked for, done once, begun again, and what people see of them."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, transaction
from django.test import override_settings

from members import jobs, queries
from members.errors import MemberClosed, NotFound
from members.models import Job, Store
from members.tasks import revive_jobs, run_job
from tests.conftest import NOON
from tests.console import desk
from tests.tills import Till

KINDS = {
    name: f"tests.members.test_jobs.{name}"
    for name in (
        "count",
        "refuse",
        "break_down",
        "lose_database",
        "be_overtaken",
        "meet",
        "dawdle",
    )
}
MINUTE = timedelta(minutes=1)
calls: list[Any] = []
seen: list[Any] = []
gate = threading.Event()


# ---- kinds of work ------------------------------------------------------------------------------
def count(parameters: Any, report: jobs.Report, at: datetime) -> dict[str, Any]:
    calls.append((dict(parameters), at))
    report(50)
    return {"members": parameters["to"]}


def refuse(parameters: Any, report: jobs.Report, at: datetime) -> None:
    raise MemberClosed


def break_down(parameters: Any, report: jobs.Report, at: datetime) -> None:
    report(30)
    raise ZeroDivisionError


def lose_database(parameters: Any, report: jobs.Report, at: datetime) -> None:
    raise OperationalError


def be_overtaken(parameters: Any, report: jobs.Report, at: datetime) -> dict[str, Any]:
    """The first worker says nothing for long; another does the whole work meanwhile."""
    calls.append(at)
    if len(calls) == 1:
        jobs.revive(at=at + 4 * MINUTE)
        jobs.run(job=parameters["job"], clock=lambda: at + 5 * MINUTE)
        report(10)
    return {"by": len(calls)}


def meet(parameters: Any, report: jobs.Report, at: datetime) -> dict[str, Any]:
    """Write something and be looked at before it is committed."""
    calls.append(at)
    with transaction.atomic():
        Store.objects.create(code="S", name="S")
        report(40)
        seen.append(gate.wait(timeout=20))
    return {}


def dawdle(parameters: Any, report: jobs.Report, at: datetime) -> None:
    """Say nothing until it was heard that this is alive."""
    for _ in range(1000):
        if Job.objects.filter(seen_at__gt=at).exists():
            calls.append("alive")
            return
        threading.Event().wait(0.01)


@pytest.fixture(autouse=True)
def kinds() -> Any:
    calls.clear()
    seen.clear()
    gate.clear()
    with override_settings(JOBS=KINDS):
        yield


def asked(kind: str, **parameters: Any) -> Job:
    return jobs.start(kind=kind, parameters=parameters, by="owner", at=NOON)


def waiting(kind: str, **parameters: Any) -> Job:
    """A job that no worker was told of."""
    return Job.objects.create(kind=kind, parameters=parameters, requested_at=NOON)


def run(job: Job, at: datetime = NOON) -> Job:
    jobs.run(job=job.pk, clock=lambda: at)
    job.refresh_from_db()
    return job


class TestStart:
    def test_keeps_what_was_asked_and_tells_a_worker_after_commit(
        self, db: None, django_capture_on_commit_callbacks: Any
    ):
        with django_capture_on_commit_callbacks(execute=True):
            job = asked("count", to=3)
            assert (job.state, job.progress, job.result) == ("queued", 0, None)
            assert calls == []

        job.refresh_from_db()
        assert (job.state, job.progress, job.result) == ("done", 100, {"members": 3})
        assert job.requested_by == "owner"
        assert job.requested_at == NOON

    def test_stays_waiting_when_no_worker_can_be_told(
        self, db: None, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
    ):
        def unreachable(**_options: Any) -> None:
            raise ConnectionError

        monkeypatch.setattr(run_job, "apply_async", unreachable)
        with django_capture_on_commit_callbacks(execute=True):
            job = asked("count", to=3)

        job.refresh_from_db()
        assert job.state == "queued"

    def test_knows_only_the_kinds_of_the_settings(self, db: None):
        with pytest.raises(LookupError, match="unknown"):
            asked("unknown")
        assert not Job.objects.exists()


class TestRun:
    def test_calls_the_function_with_what_was_asked(self, db: None):
        job = run(asked("count", to=3))

        assert calls == [({"to": 3}, NOON)]
        assert (job.state, job.progress, job.result, job.problem) == (
            "done",
            100,
            {"members": 3},
            "",
        )
        assert job.started_at == job.finished_at == job.seen_at == NOON
        assert job.attempts == 1

    def test_a_second_time_does_nothing(self, db: None):
        job = run(run(asked("count", to=3)), NOON + MINUTE)

        assert len(calls) == 1
        assert job.finished_at == NOON

    def test_does_nothing_for_a_job_that_is_not_there(self, db: None):
        jobs.run(job=99, clock=lambda: NOON)

        assert calls == []

    def test_notes_a_refusal_in_its_own_words(self, db: None):
        job = run(asked("refuse"))

        assert (job.state, job.problem, job.result) == ("failed", "该会员已注销。", None)
        assert job.finished_at == NOON

    def test_notes_anything_else_without_its_secrets(self, db: None, caplog: Any):
        job = run(asked("break_down"))

        assert (job.state, job.progress) == ("failed", 30)
        assert "division" not in job.problem
        assert job.problem
        assert "ZeroDivisionError" in caplog.text

    def test_leaves_the_job_open_when_the_database_is_to_blame(self, db: None):
        job = asked("lose_database")
        with pytest.raises(OperationalError):
            run(job)

        job.refresh_from_db()
        assert job.state == "running"
        assert jobs.revive(at=NOON + 4 * MINUTE) == 1

    def test_of_two_workers_the_one_that_was_silent_gives_up(self, db: None):
        job = asked("be_overtaken")
        Job.objects.update(parameters={"job": job.pk})

        job = run(job)

        assert calls == [NOON, NOON + 5 * MINUTE]
        assert (job.state, job.result, job.attempts) == ("done", {"by": 2}, 2)
        assert job.finished_at == NOON + 5 * MINUTE


class TestOverRealConnections:
    def test_of_many_workers_one_does_it(self, committed_db: Any):
        job = waiting("count", to=3)

        committed_db.run_parallel(lambda _: jobs.run(job=job.pk, clock=lambda: NOON), 20)

        job.refresh_from_db()
        assert len(calls) == 1
        assert (job.state, job.attempts) == ("done", 1)

    def test_progress_is_seen_while_the_work_is_not_committed(self, committed_db: Any):
        job = waiting("meet")
        found: dict[str, Any] = {}

        def work(number: int) -> None:
            if number:
                jobs.run(job=job.pk, clock=lambda: NOON)
                return
            for _ in range(1000):
                if Job.objects.filter(pk=job.pk, progress=40).exists():
                    break
                threading.Event().wait(0.01)
            found["progress"] = Job.objects.get(pk=job.pk).progress
            found["stores"] = Store.objects.count()
            gate.set()

        committed_db.run_parallel(work, 2)

        assert found == {"progress": 40, "stores": 0}
        assert Store.objects.count() == 1
        job.refresh_from_db()
        assert job.state == "done"

    def test_a_worker_is_heard_while_its_work_says_nothing(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(jobs, "BEAT_SECONDS", 0.05)
        job, ticks = waiting("dawdle"), iter(range(100_000))

        jobs.run(job=job.pk, clock=lambda: NOON + timedelta(seconds=next(ticks)))

        job.refresh_from_db()
        assert (calls, job.state) == (["alive"], "done")


class TestRevive:
    @pytest.mark.parametrize(
        ("silent", "revived"), [(3 * MINUTE, 0), (3 * MINUTE + timedelta(microseconds=1), 1)]
    )
    @pytest.mark.parametrize("state", ["queued", "running"])
    def test_begins_again_what_has_been_silent_for_three_minutes(
        self, db: None, state: str, silent: timedelta, revived: int
    ):
        job = asked("count", to=3)
        Job.objects.update(state=state, seen_at=None if state == "queued" else NOON)

        assert jobs.revive(at=NOON + silent) == revived

        job.refresh_from_db()
        assert job.state == ("queued" if revived else state)
        assert jobs.revive(at=NOON + silent) == 0

    def test_leaves_what_has_ended(self, db: None):
        run(asked("count", to=3))
        run(asked("refuse"))

        assert jobs.revive(at=NOON + timedelta(days=1)) == 0

    def test_gives_up_after_five_deaths(self, db: None):
        job = asked("count", to=3)
        Job.objects.update(state="running", seen_at=NOON, attempts=5)

        assert jobs.revive(at=NOON + 4 * MINUTE) == 0

        job.refresh_from_db()
        assert job.state == "failed"
        assert job.problem
        run_job(job_id=job.pk)
        assert calls == []

    def test_the_task_of_the_timetable_lets_a_worker_do_it(
        self, db: None, django_capture_on_commit_callbacks: Any
    ):
        job = asked("count", to=3)
        with django_capture_on_commit_callbacks(execute=True):
            assert revive_jobs() == 1

        job.refresh_from_db()
        assert job.state == "done"


class TestApi:
    def test_tells_how_far_it_is_and_what_came_out(self, till: Till):
        job = asked("count", to=3)
        waiting = till.get(f"jobs/{job.pk}").json()
        run(job)
        done = till.get(f"jobs/{job.pk}").json()

        assert {name: waiting[name] for name in ("id", "state", "progress", "result")} == {
            "id": job.pk,
            "state": "queued",
            "progress": 0,
            "result": None,
        }
        assert (done["state"], done["progress"]) == ("done", 100)
        assert done["result"] == {"members": 3}
        assert done["problem"] == ""

    @pytest.mark.parametrize("scope", ["read", "manage"])
    def test_is_for_who_reads_or_manages(self, db: None, scope: str):
        assert Till(scope).get(f"jobs/{asked('count').pk}").status_code == 200
        assert Till("earn", "spend").get(f"jobs/{asked('count').pk}").status_code == 403

    @pytest.mark.parametrize("id", ["0", "99", str(2**63), "9" * 40])
    def test_is_404_for_a_job_that_is_not_there(self, till: Till, id: str):
        assert till.get(f"jobs/{id}").status_code == 404


class TestConsole:
    def test_the_page_shows_progress_and_follows_it(self, db: None):
        job = asked("count", to=3)
        client = desk("manager")
        page = f"/console/members/job/{job.pk}/change/"
        Job.objects.update(state="running", progress=40)
        running = client.get(page).content.decode()
        Job.objects.update(state="done", progress=100, result={"members": 1234, "rows": [1]})
        done = client.get(page).content.decode()

        assert '<progress class="j-progress" max="100" value="40">' in running
        assert 'hx-trigger="every 2s"' in running
        assert 'hx-trigger="every 2s"' not in done
        assert "1,234" in done

    def test_news_of_a_job_that_is_over_load_the_whole_page(self, db: None):
        job = asked("count", to=3)
        client = desk("manager")
        page = f"/console/members/job/{job.pk}/change/"
        asking = {"HX-Request": "true"}

        assert "HX-Refresh" not in client.get(page, headers=asking)
        Job.objects.update(state="done", progress=100, result={"members": 3})
        assert client.get(page, headers=asking)["HX-Refresh"] == "true"
        assert "HX-Refresh" not in client.get(page)

    def test_the_page_is_headed_by_what_the_job_is(self, db: None):
        job = Job(pk=3, kind="handout")

        assert str(job) == "#3 向分群发放积分"

    def test_the_page_says_what_went_wrong(self, db: None):
        job = run(asked("refuse"))
        page = desk("manager").get(f"/console/members/job/{job.pk}/change/").content.decode()

        assert "该会员已注销。" in page


class TestQuery:
    def test_names_the_pointer_of_an_unknown_job(self, db: None):
        with pytest.raises(NotFound) as raised:
            queries.job(1, "/job")
        assert raised.value.pointer == "/job"
