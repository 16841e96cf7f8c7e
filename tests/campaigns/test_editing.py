"""Making and changing campaigns: versions, states, budgets."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from campaigns import editing
from campaigns.errors import CampaignEnded, NeedsApproval, WrongState
from campaigns.models import Act, Budget, Campaign, CampaignAward, CampaignVersion
from loyalty import programs
from members.errors import InvalidInput, NotFound
from members.models import Member
from tests.conftest import NOON

pytestmark = pytest.mark.django_db

DOUBLE = {"type": "multiplier", "value": "2", "scope": "order"}
LATER = NOON + timedelta(hours=1)


def create(**said: Any) -> Campaign:
    body = {"code": "double-day", "name": "双倍积分日", "effect": DOUBLE, **said}
    return editing.create(changes=body, by="ada", at=NOON)


def change(campaign: Campaign, **changes: Any) -> Campaign:
    return editing.change(campaign=campaign, changes=changes, by="bob", at=LATER)


def everything() -> list[Any]:
    return [
        list(model._default_manager.order_by("pk").values())
        for model in (Campaign, CampaignVersion, Budget)
    ]


def give(campaign: Campaign, member: Member, points: int, reference: str = "A") -> None:
    act = Act.objects.create(member=member, type="review", reference=reference, at=NOON)
    CampaignAward.objects.create(
        campaign=campaign,
        version=1,
        member=member,
        act=act,
        day=NOON.date(),
        at=NOON,
        points=points,
    )


class TestCreate:
    def test_needs_code_name_and_effect_alone(self):
        campaign = create()

        assert editing.content(Campaign.objects.get()) == {
            "code": "double-day",
            "name": "双倍积分日",
            "description": "",
            "state": "draft",
            "starts_at": None,
            "ends_at": None,
            "trigger": "order.paid",
            "conditions": {},
            "effect": DOUBLE,
            "limits": {
                "per_member_per_day": None,
                "per_member_per_month": None,
                "per_member": None,
                "budget_points": None,
                "on_exceed": "cut",
            },
            "combine": {"group": None, "mode": "stack", "priority": 0},
            "partner": None,
            "partner_share": None,
            "is_public": True,
            "version": 1,
        }
        assert campaign.created_by == "ada"
        assert not Budget.objects.exists()

    def test_keeps_the_first_version(self):
        campaign = create()

        version = CampaignVersion.objects.get()
        assert (version.campaign, version.number, version.by, version.at) == (
            campaign,
            1,
            "ada",
            NOON,
        )
        assert version.content == editing.content(campaign)

    def test_takes_any_window_and_state_and_a_partner(self):
        campaign = create(
            state="active",
            starts_at=datetime(2020, 1, 1, tzinfo=UTC),
            ends_at=datetime(2020, 1, 2, tzinfo=UTC),
            partner="银行",
            partner_share=Decimal("0.5000"),
            description="喝咖啡",
            is_public=False,
        )

        content = editing.content(Campaign.objects.get(pk=campaign.pk))
        assert content["starts_at"] == "2020-01-01T08:00:00+08:00"
        assert (content["state"], content["partner"], content["partner_share"]) == (
            "active",
            "银行",
            "0.5",
        )
        assert (content["description"], content["is_public"]) == ("喝咖啡", False)

    def test_opens_the_budget(self):
        campaign = create(limits={"budget_points": 500})

        assert (campaign.budget.points, campaign.budget.used) == (500, 0)

    @pytest.mark.parametrize(
        ("said", "pointer", "code"),
        [
            ({"code": "a b"}, "/code", "invalid"),
            ({"code": "there"}, "/code", "taken"),
            ({"name": ""}, "/name", "blank"),
            ({"name": None}, "/name", "invalid"),
            ({"state": "running"}, "/state", "invalid_choice"),
            ({"starts_at": "2026-12-01"}, "/starts_at", "invalid"),
            ({"starts_at": NOON, "ends_at": NOON}, "/ends_at", "invalid"),
            ({"starts_at": datetime(1, 1, 1, tzinfo=UTC)}, "/starts_at", "invalid"),
            ({"ends_at": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)}, "/ends_at", "invalid"),
            ({"starts_at": NOON, "ends_at": NOON - timedelta(1)}, "/ends_at", "invalid"),
            ({"trigger": "order.payed"}, "/trigger", "invalid_choice"),
            ({"conditions": {"min_amount": "x"}}, "/conditions/min_amount", "invalid"),
            ({"effect": {"type": "multiplier", "value": "-1"}}, "/effect/value", "min_value"),
            ({"limits": {"per_member": -1}}, "/limits/per_member", "min_value"),
            ({"combine": {"mode": "x"}}, "/combine/mode", "invalid_choice"),
            ({"partner": ""}, "/partner", "blank"),
            ({"partner_share": "0.5"}, "/partner_share", "no_partner"),
            ({"partner": "x", "partner_share": "1.01"}, "/partner_share", "max_value"),
            ({"partner": "x", "partner_share": "-0.1"}, "/partner_share", "min_value"),
            ({"partner": "x", "partner_share": "0.12345"}, "/partner_share", "max_decimal_places"),
            ({"description": "x" * 301}, "/description", "max_length"),
            ({"is_public": 1}, "/is_public", "invalid"),
            ({"version": 5}, "/version", "unknown_field"),
            (
                {
                    "trigger": "birthday",
                    "conditions": {"min_amount": "5"},
                    "effect": {"type": "bonus", "points": 1},
                },
                "/conditions/min_amount",
                "not_for_trigger",
            ),
            ({"trigger": "birthday"}, "/effect/type", "not_for_trigger"),
        ],
        ids=repr,
    )
    def test_refuses_bad_input_and_writes_nothing(self, said: Any, pointer: str, code: str):
        create(code="there")
        before = everything()

        with pytest.raises(InvalidInput) as refused:
            create(**said)

        assert (refused.value.pointer, refused.value.code) == (pointer, code)
        assert everything() == before

    @pytest.mark.parametrize("name", ["code", "name", "effect"])
    def test_says_what_is_missing(self, name: str):
        body = {"code": "a", "name": "b", "effect": DOUBLE}
        del body[name]

        with pytest.raises(InvalidInput) as refused:
            editing.create(changes=body, by="", at=NOON)

        assert (refused.value.pointer, refused.value.code) == (f"/{name}", "required")

    def test_refuses_a_reward_that_is_not_there(self):
        with pytest.raises(NotFound):
            create(effect={"type": "grant_reward", "reward": "pie"})

        assert everything() == [[], [], []]

    def test_does_not_run_at_once_where_somebody_has_to_approve(self):
        programs.change(changes={"campaigns_need_approval": True})

        with pytest.raises(NeedsApproval):
            create(state="active")

        assert everything() == [[], [], []]
        assert create().state == "draft"


class TestChange:
    def test_keeps_what_was_and_what_is(self):
        campaign = create(conditions={"weekdays": [6], "min_amount": "5"})

        changed = change(campaign, conditions={"weekdays": [7]}, name="周日")

        assert (changed.version, changed.conditions) == (2, {"weekdays": [7]})
        first, second = CampaignVersion.objects.order_by("number")
        assert first.content["conditions"] == {"weekdays": [6], "min_amount": "5.00"}
        assert (second.number, second.by, second.at) == (2, "bob", LATER)
        assert second.content == editing.content(Campaign.objects.get())

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"name": "双倍积分日"},
            {"code": "double-day"},
            {"effect": {"type": "multiplier", "value": "2.0"}},
            {"limits": {}},
            {"combine": {"priority": 0}},
            {"conditions": {"stores": []}},
            {"state": "draft"},
        ],
        ids=repr,
    )
    def test_makes_no_version_of_nothing_new(self, changes: dict[str, Any]):
        campaign = create()
        before = everything()

        assert change(campaign, **changes).version == 1
        assert everything() == before

    def test_replaces_nested_objects_whole(self):
        campaign = create(limits={"per_member": 5, "per_member_per_day": 1, "on_exceed": "refuse"})

        changed = change(campaign, limits={"per_member": 6})

        assert changed.limits == {
            "per_member_per_day": None,
            "per_member_per_month": None,
            "per_member": 6,
            "budget_points": None,
            "on_exceed": "cut",
        }

    def test_makes_a_version_of_a_running_campaign(self):
        campaign = create(state="active")

        assert change(campaign, name="三倍").version == 2

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"code": "other"}, "/code", "read_only"),
            ({"name": ""}, "/name", "blank"),
            ({"starts_at": NOON}, "/starts_at", "invalid"),
            ({"ends_at": NOON - timedelta(days=9)}, "/ends_at", "invalid"),
            ({"partner": None}, "/partner", "no_partner"),
            ({"trigger": "birthday"}, "/conditions/min_amount", "not_for_trigger"),
            ({"trigger": "birthday", "conditions": {}}, "/effect/type", "not_for_trigger"),
            ({"conditions": {"stores": ["x"]}}, "/conditions/stores/0", "unknown"),
            ({"findings": []}, "/findings", "unknown_field"),
        ],
        ids=repr,
    )
    def test_refuses_bad_input_and_changes_nothing(self, changes: Any, pointer: str, code: str):
        campaign = create(
            starts_at=NOON - timedelta(days=2),
            ends_at=NOON - timedelta(days=1),
            conditions={"min_amount": "5"},
            partner="x",
            partner_share="0.5",
        )
        before = everything()

        with pytest.raises(InvalidInput) as refused:
            change(campaign, **changes)

        assert (refused.value.pointer, refused.value.code) == (pointer, code)
        assert everything() == before


class TestStates:
    ALLOWED = {
        ("draft", "active"),
        ("draft", "ended"),
        ("active", "paused"),
        ("active", "ended"),
        ("paused", "active"),
        ("paused", "ended"),
    }

    @pytest.mark.parametrize("before", Campaign.State.values)
    @pytest.mark.parametrize("after", Campaign.State.values)
    def test_follow_each_other_as_they_should(self, before: str, after: str):
        campaign = create(state=before)

        if before == after:
            assert change(campaign, state=after).version == 1
        elif (before, after) in self.ALLOWED:
            changed = change(campaign, state=after)
            assert (changed.state, changed.version) == (after, 2)
            assert CampaignVersion.objects.get(number=2).content["state"] == after
        else:
            error = CampaignEnded if before == "ended" else WrongState
            with pytest.raises(error) as refused:
                change(campaign, state=after)
            assert str(refused.value)
            assert CampaignVersion.objects.count() == 1

    def test_what_has_ended_is_not_changed_any_more(self):
        campaign = create(state="ended")

        with pytest.raises(CampaignEnded):
            change(campaign, name="x")

        assert Campaign.objects.get().name == "双倍积分日"


class TestApprovalByChange:
    """Where a second person approves, no change gets round it."""

    @pytest.fixture(autouse=True)
    def _four_eyes(self) -> None:
        self.running = create(state="active")
        programs.change(changes={"campaigns_need_approval": True})

    @pytest.mark.parametrize(
        "changes", [{"effect": {"type": "multiplier", "value": "9"}}, {"name": "x"}]
    )
    def test_a_running_campaign_is_not_changed(self, changes: dict[str, Any]):
        before = everything()

        with pytest.raises(NeedsApproval) as refused:
            change(self.running, **changes)

        assert str(refused.value)
        assert everything() == before

    def test_a_paused_one_is_changed_but_does_not_go_on(self):
        change(self.running, state="paused")
        change(self.running, name="x")

        with pytest.raises(NeedsApproval):
            change(self.running, state="active")

        assert Campaign.objects.get().state == "paused"

    def test_it_is_ended_by_anybody(self):
        assert change(self.running, state="ended").state == "ended"


class TestBudget:
    def test_follows_the_limits(self):
        campaign = create(limits={"budget_points": 500})

        change(campaign, limits={"budget_points": 800})

        assert Budget.objects.get().points == 800

    def test_is_not_lowered_below_what_is_used(self):
        campaign = create(limits={"budget_points": 500})
        Budget.objects.update(used=300)
        before = everything()

        with pytest.raises(InvalidInput) as refused:
            change(campaign, limits={"budget_points": 299}, name="x")

        assert (refused.value.pointer, refused.value.code) == (
            "/limits/budget_points",
            "below_used",
        )
        assert "300" in refused.value.detail
        assert everything() == before

    def test_is_exhausted_when_lowered_to_what_is_used_and_not_when_raised_again(self):
        campaign = create(limits={"budget_points": 500})
        Budget.objects.update(used=300)

        change(campaign, limits={"budget_points": 300})
        assert Budget.objects.get().exhausted_at == LATER

        change(campaign, limits={"budget_points": 301})
        assert Budget.objects.get().exhausted_at is None

    def test_taken_away_remembers_what_was_used(self):
        campaign = create(limits={"budget_points": 500})
        Budget.objects.update(used=300)

        assert change(campaign, limits={}).limits["budget_points"] is None
        assert Budget.objects.get().used == 300
        with pytest.raises(InvalidInput):
            change(campaign, limits={"budget_points": 200})
        change(campaign, limits={"budget_points": 400})
        assert (Budget.objects.get().points, Budget.objects.get().used) == (400, 300)

    def test_counts_what_was_given_before_there_was_one(self, bob: Member):
        campaign = create(state="active")
        give(campaign, bob, 120, "A")
        give(campaign, bob, 30, "B")

        change(campaign, limits={"budget_points": 400})

        assert Budget.objects.get().used == 150
