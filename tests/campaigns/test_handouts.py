"""Points for everybody in a segment: each once, whatever happens on the way."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from campaigns import handouts, segmenting
from campaigns.errors import HandoutBegun
from campaigns.models import Handout, Segment
from loyalty import awarding
from loyalty.models import Entry, Lot
from members import enrolment, jobs, lifecycle, transactions
from members.errors import InvalidInput, MemberClosed
from members.models import Job, Member
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean, figures, program, wallet_of

HOUR = timedelta(hours=1)


def people(count: int) -> list[Member]:
    newcomers = [enrolment.Newcomer(phone=f"+86135{number:08d}") for number in range(count)]
    found = enrolment.enrol_all(newcomers=newcomers, at=NOON)
    return [each.member for each in found if each.member]


def planned(**changes: Any) -> Handout:
    Segment.objects.get_or_create(code="all", defaults={"name": "All", "rules": {"all": []}})
    said = {"code": "gift", "title": "国庆礼", "segment": "all", "points": 50}
    return handouts.plan(changes={**said, **changes})


def begun(**changes: Any) -> Handout:
    """A grant that has begun, without a worker."""
    handout = planned(**changes)
    Handout.objects.filter(pk=handout.pk).update(state="running", at=NOON)
    handout.refresh_from_db()
    return handout


def give(handout: Handout, report: Callable[[int], None] = lambda _: None) -> dict[str, Any]:
    return handouts.give({"handout": handout.code}, report, NOON + HOUR)


class TestPlan:
    def test_names_what_is_wrong(self, db: None):
        planned()
        for change, pointer, code in (
            ({"code": "gift"}, "/code", "taken"),
            ({"code": "a b"}, "/code", "invalid"),
            ({"code": "b", "title": ""}, "/title", "blank"),
            ({"code": "b", "points": 0}, "/points", "min_value"),
            ({"code": "b", "points": 2**63}, "/points", "max_value"),
            ({"code": "b", "segment": "nothing"}, "/segment", "unknown"),
            ({"code": "b", "expires_at": "soon"}, "/expires_at", "invalid"),
        ):
            with pytest.raises(InvalidInput) as raised:
                planned(**change)
            assert (raised.value.pointer, raised.value.code) == (pointer, code)
        assert Handout.objects.count() == 1

    def test_may_be_changed_until_it_begins(self, db: None):
        handout = handouts.change(handout=planned(), changes={"points": 60})
        assert handout.points == 60
        handouts.start(handout=handout, by="owner", at=NOON)

        with pytest.raises(HandoutBegun):
            handouts.change(handout=handout, changes={"points": 70})
        handout.refresh_from_db()
        assert handout.points == 60

    def test_is_previewed(self, ada: Member, bob: Member):
        Member.objects.filter(pk=bob.pk).update(status="closed")

        assert handouts.preview(handout=planned(), at=NOON) == handouts.Preview(1, 50)


class TestStart:
    def test_lets_a_worker_give(
        self, ada: Member, bob: Member, django_capture_on_commit_callbacks: Any
    ):
        with django_capture_on_commit_callbacks(execute=True):
            job = handouts.start(handout=planned(), by="owner", at=NOON)

        job.refresh_from_db()
        assert (job.state, job.result) == ("done", {"members": 2, "points": 100})
        handout = Handout.objects.get()
        assert (handout.state, handout.at, handout.by, handout.members) == (
            "done",
            NOON,
            "owner",
            2,
        )
        assert figures(wallet_of(bob)) == {"active": 50, "earned": 50}

    def test_begins_once(self, db: None):
        handout = planned()
        handouts.start(handout=handout, by="owner", at=NOON)

        with pytest.raises(HandoutBegun):
            handouts.start(handout=handout, by="owner", at=NOON)
        assert Job.objects.count() == 1

    def test_goes_on_after_a_failure_but_not_after_the_end(self, bob: Member):
        handout = begun()
        Job.objects.create(
            kind="handout", parameters={"handout": "gift"}, state="failed", requested_at=NOON
        )

        job = handouts.start(handout=handout, by="owner", at=NOON + HOUR)
        jobs.run(job=job.pk, clock=lambda: NOON + HOUR)

        handout.refresh_from_db()
        assert (handout.state, handout.at, handout.members) == ("done", NOON, 1)
        with pytest.raises(HandoutBegun):
            handouts.start(handout=handout, by="owner", at=NOON + HOUR)

    @pytest.mark.parametrize(("pending_days", "hours"), [(0, 0), (0, -1), (1, 23)])
    def test_refuses_points_that_nobody_could_use(self, db: None, pending_days: int, hours: int):
        program(pending_days=pending_days)
        handout = planned(expires_at=NOON + hours * HOUR)

        with pytest.raises(InvalidInput) as raised:
            handouts.start(handout=handout, by="owner", at=NOON)

        assert raised.value.pointer == "/expires_at"
        handout.refresh_from_db()
        assert handout.state == "planned"
        assert not Job.objects.exists()


class TestGive:
    def test_writes_entries_that_say_why(self, bob: Member):
        give(begun(expires_at=NOON + 48 * HOUR))

        entry = Entry.objects.get()
        assert (entry.kind, entry.points, entry.reference, entry.at) == (
            "earn",
            50,
            "handout/gift",
            NOON,
        )
        assert entry.details == {"title": "国庆礼"}
        assert entry.explanation == [
            {"rule": "handout", "kind": "bonus", "title": "国庆礼", "points": 50}
        ]
        assert Lot.objects.get().expires_at == NOON + 48 * HOUR
        assert_clean()

    def test_without_an_expiry_of_its_own_it_is_the_programs(self, bob: Member):
        program(expiry_policy="never")
        give(begun())

        assert Lot.objects.get().expires_at is None

    def test_reaches_who_is_in_the_segment_then(self, ada: Member, bob: Member):
        rich = {"all": [{"field": "active", "op": "gt", "value": 500}]}
        Segment.objects.create(code="rich", name="Rich", rules=rich)

        assert give(begun(segment="rich")) == {"members": 1, "points": 50}
        assert figures(wallet_of(ada))["active"] == 1050
        assert figures(wallet_of(bob)) == {}

    def test_reaches_frozen_members_but_no_closed_ones(self, ada: Member, bob: Member):
        lifecycle.freeze(member=ada, reason="", by="", at=NOON)
        segmenting.refresh_all(at=NOON)
        Member.objects.filter(pk=bob.pk).update(status="closed")

        assert give(begun()) == {"members": 1, "points": 50}
        assert figures(wallet_of(ada))["active"] == 1050

    def test_a_second_time_gives_nothing(self, bob: Member):
        handout = begun()
        first = give(handout)
        again = give(handout)
        Handout.objects.update(state="running")

        assert first == again == give(handout) == {"members": 1, "points": 50}
        assert figures(wallet_of(bob)) == {"active": 50, "earned": 50}

    def test_goes_on_where_it_was_killed(self, db: None, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(handouts, "BATCH", 3)
        everybody = people(10)
        handout = begun()

        def dies(percent: int) -> None:
            if percent >= 60:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            give(handout, dies)
        handout.refresh_from_db()
        assert (handout.state, handout.members) == ("running", 6)

        told: list[int] = []
        assert give(handout, told.append) == {"members": 10, "points": 500}
        assert told == [30, 60, 90, 99]
        assert {figures(wallet_of(each))["active"] for each in everybody} == {50}
        assert_clean()

    def test_passes_over_who_is_closed_in_the_middle(
        self, db: None, monkeypatch: pytest.MonkeyPatch
    ):
        first, second = people(2)
        handout = begun()
        as_it_is = awarding.award_all

        def closes(**asked: Any) -> Any:
            if Member.objects.get(pk=second.pk).status != "closed":
                Member.objects.filter(pk=second.pk).update(status="closed")
                raise MemberClosed
            return as_it_is(**asked)

        monkeypatch.setattr(awarding, "award_all", closes)
        # The refusal undoes the closing with the batch; here it is kept.
        monkeypatch.setattr(transactions, "in_transaction", lambda work: work())

        assert give(handout) == {"members": 1, "points": 50}
        assert figures(wallet_of(first)) == {"active": 50, "earned": 50}


class TestRace:
    def test_of_20_workers_every_member_gets_it_once(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setattr(handouts, "BATCH", 7)
        everybody = people(60)
        handout = begun()

        results = committed_db.run_parallel(lambda _: give(handout), 20)

        assert {type(each) for each in results} == {dict}
        assert {figures(wallet_of(each))["active"] for each in everybody} == {50}
        handout.refresh_from_db()
        assert (handout.state, handout.members) == ("done", 60)
        assert_clean()

    def test_without_its_reference_it_would_be_given_again(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ):
        everybody = people(5)
        handout = begun()
        as_it_is, number, guard = handouts._award, iter(range(10_000)), threading.Lock()

        def unguarded(of: Handout, member: int) -> Any:
            from dataclasses import replace

            with guard:
                return replace(as_it_is(of, member), reference=f"r{next(number)}")

        monkeypatch.setattr(handouts, "_award", unguarded)

        committed_db.run_parallel(lambda _: give(handout), 20)

        assert max(figures(wallet_of(each))["active"] for each in everybody) > 50

    def test_20_starts_begin_it_once(self, committed_db: Any, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(jobs, "_send", lambda job: None)
        handout = planned()

        results = committed_db.run_parallel(
            lambda n: handouts.start(handout=handout, by=f"{n}", at=NOON), 20
        )

        assert sum(isinstance(each, HandoutBegun) for each in results) == 19
        assert Job.objects.count() == 1
