"""The replay of a campaign at the console."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from campaigns import editing, replaying
from campaigns.models import Campaign
from members import jobs
from members.models import Job, Member
from tests.campaigns.builders import campaign, double, place
from tests.conftest import NOON
from tests.console import desk, filled

pytestmark = pytest.mark.django_db
DAYS = {"first": "2026-11-01", "last": "2026-11-21"}


def address(tried: Campaign) -> str:
    return f"/console/campaigns/campaign/{tried.pk}/replay/"


def english(client: Client, path: str, **data: Any) -> str:
    answer = client.get(path, data, headers={"accept-language": "en"})
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def done(tried: Campaign, content: dict[str, Any] | None = None) -> Job:
    job = replaying.start(
        content=content or editing.content(tried),
        since=NOON - timedelta(days=10),
        until=NOON + timedelta(days=1),
        by="owner",
        at=NOON,
    )
    jobs.run(job=job.pk, clock=timezone.now)
    job.refresh_from_db()
    assert job.state == "done"
    return job


class TestAsk:
    def test_starts_a_job_and_shows_how_far_it_is(self, bob: Member) -> None:
        tried = campaign("tried", state="draft")
        owner = desk("owner")

        answer = owner.post(address(tried), DAYS)

        job = Job.objects.get()
        assert answer["Location"] == f"{address(tried)}?job={job.pk}"
        assert (job.parameters["from"], job.parameters["to"]) == (
            "2026-11-01T00:00:00+08:00",
            "2026-11-22T00:00:00+08:00",
        )
        page = english(owner, answer["Location"])
        assert "Waiting · 0 %" in page
        assert 'hx-trigger="every 2s"' in page

    def test_offers_the_last_four_weeks_with_orders(self, bob: Member) -> None:
        tried = campaign("tried", state="draft")
        place("1", "10.00", member=bob, placed_at=NOON - timedelta(days=400))

        page = english(desk("owner"), address(tried))

        assert 'value="2025-09-20"' in page
        assert 'value="2025-10-17"' in page

    @pytest.mark.parametrize(
        "days",
        [
            {"first": "2026-11-21", "last": "2026-11-01"},
            {"first": "", "last": "2026-11-01"},
            {"first": "2001-01-01", "last": "2026-11-01"},
            {"first": "x", "last": "9999-12-31"},
        ],
    )
    def test_refuses_bad_periods(self, days: dict[str, str]) -> None:
        tried = campaign("tried", state="draft")

        assert desk("owner").post(address(tried), days).status_code == 200
        assert not Job.objects.exists()

    def test_refuses_the_last_day_of_all(self) -> None:
        tried = campaign("tried", state="draft")
        days = {"first": "9999-12-30", "last": "9999-12-31"}

        assert desk("owner").post(address(tried), days).status_code == 200
        assert not Job.objects.exists()

    def test_is_not_for_everybody(self) -> None:
        tried = campaign("tried", state="draft")
        clerk = desk("clerk")

        assert clerk.get(address(tried)).status_code == 200
        assert clerk.post(address(tried), DAYS).status_code == 403

    def test_is_offered_on_the_page_of_campaigns_for_orders(self) -> None:
        tried, act = campaign("tried", state="draft"), campaign("act", trigger="check_in")
        owner = desk("owner")

        assert address(tried) in english(owner, address(tried).replace("replay", "change"))
        assert address(act) not in english(owner, address(act).replace("replay", "change"))

    def test_replays_what_stands_in_the_form_without_saving_it(self, bob: Member) -> None:
        place("1", "100.00", member=bob)
        tried = editing.create(
            changes={"code": "tried", "name": "Tried", "effect": double()}, by="owner", at=NOON
        )
        owner = desk("owner")
        form = owner.get(f"{address(tried).replace('replay', 'change')}?edit=1")

        answer = owner.post(address(tried), {**filled(form, effect_value="3"), "unsaved": "1"})

        assert answer.status_code == 302
        assert Job.objects.get().parameters["content"]["effect"]["value"] == "3"
        tried.refresh_from_db()
        assert (tried.effect["value"], tried.version) == ("2", 1)

    def test_tells_what_is_wrong_in_the_form(self) -> None:
        tried = editing.create(
            changes={"code": "tried", "name": "Tried", "effect": double()}, by="owner", at=NOON
        )
        owner = desk("owner")
        form = owner.get(f"{address(tried).replace('replay', 'change')}?edit=1")

        answer = owner.post(address(tried), {**filled(form, effect_value="-1"), "unsaved": "1"})

        assert answer.status_code == 200
        assert list(answer.context["messages"])
        assert not Job.objects.exists()


class TestResult:
    def test_shows_figures_pictures_and_people(self, bob: Member, mallory: Member) -> None:
        running = campaign("tried", limits={"per_member": 150, "budget_points": 500})
        place("1", "200.00", member=bob, placed_at=NOON - timedelta(days=1))
        place("2", "100.00", member=mallory)
        changed = {**editing.content(running), "effect": double("1.5")}
        done(running, changed)

        page = english(desk("owner"), address(running))

        assert "This replay is of other settings" in page
        assert "of 2 looked at; for each of these 2 75.0 points" in page
        assert "now 250, that is −100" in page
        assert "¥1.50" in page
        assert "1 gets less" not in page
        assert "2 get less than now: −100" in page
        assert 'data-type="bar"' in page
        assert f'{bob.number}</small></span> <span class="j-side">+100' in page

    def test_shows_the_caps_and_when_the_budget_was_gone(self, bob: Member) -> None:
        tried = campaign("tried", state="draft", limits={"per_member": 150, "budget_points": 150})
        place("1", "200.00", member=bob)
        done(tried)

        page = english(desk("owner"), address(tried))

        assert "Budget used up" in page
        assert re.search(r'Nov 21(, 2026)?</span> <span class="j-meta">12:00</span>', page)
        assert "For each member" in page

    def test_says_that_the_window_was_left_out(self, bob: Member) -> None:
        tried = campaign("tried", state="draft")
        Campaign.objects.update(starts_at=NOON + timedelta(days=90))
        tried.refresh_from_db()
        place("1", "200.00", member=bob)
        done(tried)

        assert "so they were left out" in english(desk("owner"), address(tried))

    def test_shows_no_other_jobs(self, bob: Member) -> None:
        tried, other = campaign("tried", state="draft"), campaign("other", state="draft")
        job = done(other)
        owner = desk("owner")

        page = english(owner, address(tried), job=str(job.pk))

        assert "Points by day" not in page
        assert owner.get(address(tried), {"job": "x" * 30}).status_code == 200
