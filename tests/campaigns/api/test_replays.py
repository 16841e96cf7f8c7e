"""Replays over the API."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from members import jobs
from members.models import Job, Member
from tests.campaigns.builders import campaign, place
from tests.tills import Till, pointers

PERIOD = {"from": "2026-11-01T00:00:00+08:00", "to": "2026-11-22T00:00:00+08:00"}


class TestReplay:
    def test_answers_a_job_whose_result_comes_later(self, till: Till, bob: Member):
        campaign("tried", state="draft")
        place("1", "100.00", member=bob)

        answer = till.post("campaigns/tried/replay", PERIOD)

        assert answer.status_code == 202
        job = answer.json()
        assert (job["kind"], job["state"], job["progress"], job["result"]) == (
            "replay",
            "queued",
            0,
            None,
        )
        jobs.run(job=job["id"], clock=timezone.now)
        done = till.get(f"jobs/{job['id']}").json()
        assert (done["state"], done["progress"]) == ("done", 100)
        result = done["result"]
        assert (result["orders"], result["members"], result["points"], result["cost"]) == (
            1,
            1,
            100,
            "1.00",
        )
        assert "till" in Job.objects.get().requested_by

    def test_the_same_key_starts_it_once(self, till: Till, db: None):
        campaign("tried", state="draft")

        one, other = (till.post("campaigns/tried/replay", PERIOD, key="k") for _ in range(2))

        assert one.json() == other.json()
        assert Job.objects.count() == 1

    @pytest.mark.parametrize(
        ("changes", "expected"),
        [
            ({"to": PERIOD["from"]}, {"/to": "invalid"}),
            ({"from": "2026-11-01T00:00:00"}, {"/from": "naive"}),
            ({"to": "2026-11-22"}, {"/to": "invalid"}),
            ({"from": "2020-11-01T00:00:00Z"}, {"/from": "too_long"}),
            ({"from": None}, {"/from": "null"}),
            ({"from": None, "to": 5}, {"/from": "null", "/to": "invalid"}),
        ],
    )
    def test_refuses_bad_periods(
        self, till: Till, db: None, changes: dict[str, Any], expected: dict[str, str]
    ):
        campaign("tried", state="draft")

        answer = till.post("campaigns/tried/replay", {**PERIOD, **changes})

        assert answer.status_code == 400
        assert pointers(answer) == expected
        assert not Job.objects.exists()

    def test_refuses_a_beginning_that_is_still_to_come(self, till: Till, db: None):
        campaign("tried", state="draft")
        coming = timezone.now() + timedelta(days=1)
        period = {"from": coming.isoformat(), "to": (coming + timedelta(days=1)).isoformat()}

        assert pointers(till.post("campaigns/tried/replay", period)) == {"/from": "future"}

    def test_refuses_campaigns_for_acts(self, till: Till, db: None):
        campaign("check-in", trigger="check_in", state="draft")

        answer = till.post("campaigns/check-in/replay", PERIOD)

        assert (answer.status_code, answer.json()["code"]) == (422, "not_replayable")

    def test_knows_no_other_campaigns(self, till: Till, db: None):
        assert till.post("campaigns/nothing/replay", PERIOD).status_code == 404

    def test_needs_the_scope_to_manage(self, db: None):
        campaign("tried", state="draft")

        assert Till("read", "earn").post("campaigns/tried/replay", PERIOD).status_code == 403
