"""A campaign's life, and the second person who lets it run."""

import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError
from django.db.models import QuerySet

from campaigns import editing, lifecycle
from campaigns.errors import (
    CampaignEnded,
    FindingsOpen,
    NeedsApproval,
    NothingAsked,
    SelfApproval,
    WrongState,
)
from campaigns.models import Campaign, CampaignVersion
from loyalty import programs
from tests.conftest import NOON

DOUBLE = {"type": "multiplier", "value": "2"}


def draft(**said: Any) -> Campaign:
    body = {"code": "double-day", "name": "双倍积分日", "effect": DOUBLE, **said}
    return editing.create(changes=body, by="ada", at=NOON)


def four_eyes() -> None:
    programs.change(changes={"campaigns_need_approval": True})


def over() -> dict[str, Any]:
    return {"ends_at": NOON - timedelta(days=1)}


@pytest.mark.django_db
class TestStart:
    def test_lets_a_draft_run(self):
        campaign = lifecycle.start(campaign=draft(), by="ada", at=NOON)

        assert (campaign.state, campaign.version) == ("active", 2)
        assert CampaignVersion.objects.get(number=2).content["state"] == "active"

    def test_of_a_running_one_changes_nothing(self):
        campaign = lifecycle.start(campaign=draft(), by="ada", at=NOON)

        assert lifecycle.start(campaign=campaign, by="ada", at=NOON).version == 2

    def test_waits_until_findings_are_fixed(self):
        campaign = draft(**over())

        with pytest.raises(FindingsOpen) as refused:
            lifecycle.start(campaign=campaign, by="ada", at=NOON)

        assert [each["code"] for each in refused.value.data["findings"]] == ["window_past"]
        assert "1" in str(refused.value)
        assert Campaign.objects.get().state == "draft"
        editing.change(campaign=campaign, changes={"ends_at": None}, by="ada", at=NOON)
        assert lifecycle.start(campaign=campaign, by="ada", at=NOON).state == "active"

    def test_remembers_findings_that_were_accepted_until_the_next_change(self):
        campaign = draft(**over())

        started = lifecycle.start(campaign=campaign, by="ada", at=NOON, accepted=["window_past"])

        assert started.accepted_findings == ["window_past"]
        lifecycle.pause(campaign=campaign, by="ada", at=NOON)
        assert lifecycle.start(campaign=campaign, by="ada", at=NOON).state == "active"
        editing.change(campaign=campaign, changes={"name": "x"}, by="ada", at=NOON)
        lifecycle.pause(campaign=campaign, by="ada", at=NOON)
        with pytest.raises(FindingsOpen):
            lifecycle.start(campaign=campaign, by="ada", at=NOON)

    def test_of_what_has_ended_is_refused(self):
        campaign = draft(state="ended")

        with pytest.raises(CampaignEnded):
            lifecycle.start(campaign=campaign, by="ada", at=NOON)

    def test_needs_a_second_person_where_the_program_says_so(self):
        four_eyes()

        with pytest.raises(NeedsApproval):
            lifecycle.start(campaign=draft(), by="ada", at=NOON)

        assert Campaign.objects.get().state == "draft"


@pytest.mark.django_db
class TestPauseAndEnd:
    def test_rest_and_go_on_and_stop_for_good(self):
        campaign = draft(state="active")

        assert lifecycle.pause(campaign=campaign, by="ada", at=NOON).state == "paused"
        assert lifecycle.start(campaign=campaign, by="ada", at=NOON).state == "active"
        assert lifecycle.end(campaign=campaign, by="ada", at=NOON).state == "ended"
        assert lifecycle.end(campaign=campaign, by="ada", at=NOON).version == 4
        with pytest.raises(CampaignEnded):
            lifecycle.pause(campaign=campaign, by="ada", at=NOON)

    def test_a_draft_cannot_pause(self):
        with pytest.raises(WrongState):
            lifecycle.pause(campaign=draft(), by="ada", at=NOON)


@pytest.mark.django_db
class TestApproval:
    @pytest.fixture(autouse=True)
    def _four_eyes(self) -> None:
        four_eyes()

    def ask(self, campaign: Campaign, by: str = "ada") -> Campaign:
        return lifecycle.ask_approval(campaign=campaign, by=by, at=NOON)

    def test_lets_it_run(self):
        campaign = self.ask(draft())
        assert (campaign.state, campaign.requested_by, campaign.requested_at) == (
            "draft",
            "ada",
            NOON,
        )

        campaign = lifecycle.approve(campaign=campaign, by="bob", at=NOON)

        assert (campaign.state, campaign.approved_by, campaign.version) == ("active", "bob", 2)
        assert CampaignVersion.objects.get(number=2).by == "bob"

    def test_is_never_given_by_who_asked(self):
        campaign = self.ask(draft())

        with pytest.raises(SelfApproval) as refused:
            lifecycle.approve(campaign=campaign, by="ada", at=NOON)

        assert str(refused.value)
        assert Campaign.objects.get().state == "draft"

    def test_the_database_refuses_it_too(self):
        self.ask(draft())

        with pytest.raises(IntegrityError):
            Campaign.objects.update(approved_by="ada")

    def test_who_asked_first_stays_who_asked(self):
        campaign = self.ask(draft())

        assert self.ask(campaign, by="bob").requested_by == "ada"

    def test_needs_to_be_asked_for(self):
        for decide in (lifecycle.approve, lifecycle.refuse):
            with pytest.raises(NothingAsked) as refused:
                decide(campaign=Campaign.objects.first() or draft(), by="bob", at=NOON)
            assert str(refused.value)

    def test_is_asked_for_again_after_a_change(self):
        campaign = self.ask(draft())
        editing.change(campaign=campaign, changes={"name": "x"}, by="ada", at=NOON)

        with pytest.raises(NothingAsked):
            lifecycle.approve(campaign=campaign, by="bob", at=NOON)

    def test_holds_through_a_pause_but_not_through_a_change(self):
        campaign = self.ask(draft())
        lifecycle.approve(campaign=campaign, by="bob", at=NOON)
        lifecycle.pause(campaign=campaign, by="ada", at=NOON)
        lifecycle.start(campaign=campaign, by="ada", at=NOON)
        lifecycle.pause(campaign=campaign, by="ada", at=NOON)

        editing.change(campaign=campaign, changes={"name": "x"}, by="ada", at=NOON)

        with pytest.raises(NeedsApproval):
            lifecycle.start(campaign=campaign, by="ada", at=NOON)
        self.ask(campaign, by="bob")
        assert lifecycle.approve(campaign=campaign, by="ada", at=NOON).state == "active"

    def test_is_refused_and_asked_for_again_by_somebody_else(self):
        campaign = self.ask(draft())

        campaign = lifecycle.refuse(campaign=campaign, by="bob", at=NOON)

        assert (campaign.state, campaign.requested_by, campaign.requested_at) == (
            "draft",
            "",
            None,
        )
        self.ask(campaign, by="bob")
        with pytest.raises(SelfApproval):
            lifecycle.approve(campaign=campaign, by="bob", at=NOON)

    def test_is_not_asked_for_what_runs_or_has_ended(self):
        campaign = self.ask(draft())
        lifecycle.approve(campaign=campaign, by="bob", at=NOON)

        with pytest.raises(WrongState):
            self.ask(campaign)
        lifecycle.end(campaign=campaign, by="ada", at=NOON)
        with pytest.raises(CampaignEnded):
            self.ask(campaign)

    def test_findings_come_before_asking(self):
        campaign = draft(**over())
        with pytest.raises(FindingsOpen):
            self.ask(campaign)

        lifecycle.ask_approval(campaign=campaign, by="ada", at=NOON, accepted=["window_past"])

        assert lifecycle.approve(campaign=campaign, by="bob", at=NOON).state == "active"


class TestApprovalRace:
    """Twenty people ask for a campaign and approve it at the same time."""

    @staticmethod
    def ask_and_approve(campaign: Campaign) -> Any:
        def work(number: int) -> str:
            by = f"person {number}"
            lifecycle.ask_approval(campaign=campaign, by=by, at=NOON)
            lifecycle.approve(campaign=campaign, by=by, at=NOON)
            return by

        return work

    def test_one_asks_and_another_approves(self, committed_db: Any):
        four_eyes()
        campaign = draft()

        results = committed_db.run_parallel(self.ask_and_approve(campaign), 20)

        campaign.refresh_from_db()
        kinds = Counter(type(each).__name__ for each in results)
        # Who asked is refused as such, or comes too late to say anything.
        assert kinds["str"] == 1
        assert set(kinds) <= {"str", "SelfApproval", "WrongState"}
        assert campaign.approved_by in results
        assert "" != campaign.requested_by != campaign.approved_by
        assert list(
            CampaignVersion.objects.order_by("number").values_list("number", flat=True)
        ) == [
            1,
            2,
        ]

    def test_without_the_lock_the_database_has_to_stop_it(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ):
        four_eyes()
        campaign = draft()

        def unlocked(queryset: Any, **_: Any) -> Any:
            return queryset

        as_it_is = editing.locked

        def slowly(campaign: Campaign) -> Campaign:
            found = as_it_is(campaign)
            time.sleep(0.05)
            return found

        monkeypatch.setattr(QuerySet, "select_for_update", unlocked)
        monkeypatch.setattr(editing, "locked", slowly)

        results = committed_db.run_parallel(self.ask_and_approve(campaign), 20)

        assert any(isinstance(each, IntegrityError) for each in results)
