"""Campaigns over the API."""

from typing import Any

import pytest

from campaigns.models import Budget, Campaign, CampaignVersion
from loyalty import programs
from members.models import Store
from tests.tills import Till, pointers

NO_LIMITS = {
    "per_member_per_day": None,
    "per_member_per_month": None,
    "per_member": None,
    "budget_points": None,
    "on_exceed": "cut",
}
BODY: dict[str, Any] = {
    "code": "double-day",
    "name": "双倍积分日",
    "state": "active",
    "starts_at": "2026-12-01T00:00:00+08:00",
    "ends_at": None,
    "trigger": "order.paid",
    "conditions": {
        "weekdays": [6, 7],
        "hours": ["11:30-13:30"],
        "stores": ["SH-1"],
        "tiers": ["gold"],
        "min_amount": "50.00",
    },
    "effect": {"type": "multiplier", "value": "2", "scope": "order"},
    "limits": {**NO_LIMITS, "per_member": 500},
    "combine": {"group": "weekend", "mode": "best", "priority": 10},
    "partner": "银行",
    "partner_share": "0.5",
}
SHORT: dict[str, Any] = {
    "code": "double-day",
    "name": "双倍积分日",
    "effect": {"type": "multiplier", "value": "2"},
}


@pytest.fixture(autouse=True)
def store(db: None) -> Store:
    return Store.objects.create(code="SH-1", name="静安寺店")


class TestCreate:
    def test_answers_the_whole_campaign(self, till: Till):
        response = till.post("campaigns", BODY)

        assert response.status_code == 201
        expected = {**BODY, "description": "", "is_public": True, "version": 1, "findings": []}
        assert response.json() == expected
        assert till.get("campaigns/double-day").json() == expected
        assert "till" in CampaignVersion.objects.get().by

    def test_fills_in_what_is_left_out(self, till: Till):
        answer = till.post("campaigns", {**SHORT, "conditions": None, "starts_at": None}).json()

        assert answer == {
            **SHORT,
            "state": "draft",
            "starts_at": None,
            "ends_at": None,
            "trigger": "order.paid",
            "conditions": {},
            "effect": {"type": "multiplier", "value": "2", "scope": "order"},
            "limits": NO_LIMITS,
            "combine": {"group": None, "mode": "stack", "priority": 0},
            "partner": None,
            "partner_share": None,
            "description": "",
            "is_public": True,
            "version": 1,
            "findings": [],
        }

    def test_takes_the_example_of_the_contract_with_all_that_is_empty(self, till: Till):
        empty: dict[str, Any] = {
            "stores": [],
            "channels": [],
            "max_amount": None,
            "categories": [],
            "first_order": False,
        }

        answer = till.post("campaigns", {**SHORT, "conditions": {**empty, "weekdays": [6]}}).json()

        assert answer["conditions"] == {"weekdays": [6]}

    def test_is_never_stopped_by_findings(self, till: Till):
        past = {
            "state": "active",
            "starts_at": "2020-01-01T00:00:00+08:00",
            "ends_at": "2020-01-02T00:00:00+08:00",
        }

        response = till.post("campaigns", {**SHORT, **past})

        assert (response.status_code, response.json()["state"]) == (201, "active")
        (finding,) = response.json()["findings"]
        assert (finding["code"], finding["severity"], finding["pointer"]) == (
            "window_past",
            "blocking",
            "/ends_at",
        )
        assert finding["text"].startswith("The window ended")

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"code": None}, "/code"),
            ({"code": "a b"}, "/code"),
            ({"name": ""}, "/name"),
            ({"state": "on"}, "/state"),
            ({"starts_at": "2026-12-01T00:00:00"}, "/starts_at"),
            (
                {"starts_at": "2026-12-01T00:00:00+08:00", "ends_at": "2026-12-01T00:00:00+08:00"},
                "/ends_at",
            ),
            ({"trigger": "order.payed"}, "/trigger"),
            ({"conditions": []}, "/conditions"),
            ({"conditions": {"min_amount": "lots"}}, "/conditions/min_amount"),
            ({"conditions": {"min_amount": 50}}, "/conditions/min_amount"),
            ({"conditions": {"hours": ["11:00-11:00"]}}, "/conditions/hours/0"),
            ({"conditions": {"stores": ["SH-9"]}}, "/conditions/stores/0"),
            ({"conditions": {"tiers": ["wood"]}}, "/conditions/tiers/0"),
            ({"conditions": {"segments": ["x"]}}, "/conditions/segments/0"),
            ({"conditions": {"colour": "red"}}, "/conditions/colour"),
            ({"effect": None}, "/effect"),
            ({"effect": {"type": "multiplier", "value": "-1"}}, "/effect/value"),
            ({"effect": {"type": "bonus", "points": "100"}}, "/effect/points"),
            ({"limits": {"budget_points": -1}}, "/limits/budget_points"),
            ({"limits": {"budget_points": 2**64}}, "/limits/budget_points"),
            ({"combine": {"mode": "all"}}, "/combine/mode"),
            ({"partner_share": "0.5"}, "/partner_share"),
            ({"partner": "x", "partner_share": 0.5}, "/partner_share"),
            ({"partner": "x", "partner_share": "2"}, "/partner_share"),
        ],
        ids=repr,
    )
    def test_says_where_the_input_is_bad(self, till: Till, change: Any, pointer: str):
        response = till.post("campaigns", {**SHORT, **change})

        assert response.status_code == 400
        assert list(pointers(response)) == [pointer]
        assert not Campaign.objects.exists()
        assert not CampaignVersion.objects.exists()

    def test_names_a_reward_that_is_not_there(self, till: Till):
        effect = {"type": "grant_reward", "reward": "pie"}

        response = till.post("campaigns", {**SHORT, "effect": effect})

        assert response.status_code == 404
        assert pointers(response) == {"/effect/reward": "not_found"}

    def test_of_a_code_twice_is_400(self, till: Till):
        till.post("campaigns", SHORT)

        response = till.post("campaigns", SHORT)

        assert (response.status_code, pointers(response)) == (400, {"/code": "taken"})

    def test_does_not_get_round_a_second_person(self, till: Till):
        programs.change(changes={"campaigns_need_approval": True})

        response = till.post("campaigns", {**SHORT, "state": "active"})

        assert (response.status_code, response.json()["code"]) == (422, "needs_approval")
        assert "draft" in response.json()["detail"]
        assert not Campaign.objects.exists()


class TestChange:
    @pytest.mark.parametrize(
        ("path", "named"), [("campaigns/double-day", {}), ("campaigns", {"code": "double-day"})]
    )
    def test_changes_what_is_named(self, till: Till, path: str, named: dict[str, str]):
        before = till.post("campaigns", BODY).json()

        response = till.patch(
            path, {**named, "limits": {"budget_points": 900}, "partner_share": None}
        )

        assert response.status_code == 200
        assert response.json() == {
            **before,
            "limits": {**NO_LIMITS, "budget_points": 900},
            "partner_share": None,
            "version": 2,
        }
        assert Budget.objects.get().points == 900

    def test_of_nothing_is_no_version(self, till: Till):
        till.post("campaigns", SHORT)

        assert till.patch("campaigns/double-day", {"name": "双倍积分日"}).json()["version"] == 1

    def test_goes_through_the_states(self, till: Till):
        till.post("campaigns", SHORT)

        for version, state in enumerate(["active", "paused", "active", "ended"], start=2):
            answer = till.patch("campaigns/double-day", {"state": state}).json()
            assert (answer["state"], answer["version"]) == (state, version)
        for changes in ({"state": "active"}, {"name": "x"}):
            response = till.patch("campaigns/double-day", changes)
            assert (response.status_code, response.json()["code"]) == (409, "campaign_ended")
        assert till.patch("campaigns/double-day", {"state": "ended"}).status_code == 200

    def test_of_a_state_that_cannot_follow_is_409(self, till: Till):
        till.post("campaigns", SHORT)

        response = till.patch("campaigns/double-day", {"state": "paused"})

        problem = response.json()
        assert (response.status_code, problem["code"]) == (409, "campaign_state")
        assert (problem["state"], problem["wanted"]) == ("draft", "paused")

    def test_keeps_the_budget_above_what_is_used(self, till: Till):
        till.post("campaigns", {**SHORT, "limits": {"budget_points": 500}})
        Budget.objects.update(used=300)

        response = till.patch("campaigns/double-day", {"limits": {"budget_points": 200}})

        assert (response.status_code, pointers(response)) == (
            400,
            {"/limits/budget_points": "below_used"},
        )
        assert "300" in response.json()["detail"]
        assert Budget.objects.get().points == 500

    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"code": "other"}, "/code"),
            ({"version": 7}, "/version"),
            ({"findings": []}, "/findings"),
            ({"conditions": {"weekdays": [8]}}, "/conditions/weekdays/0"),
            ({"effect": {}}, "/effect/type"),
        ],
        ids=repr,
    )
    def test_says_where_the_input_is_bad(self, till: Till, change: Any, pointer: str):
        till.post("campaigns", SHORT)

        response = till.patch("campaigns/double-day", change)

        assert (response.status_code, list(pointers(response))) == (400, [pointer])
        assert Campaign.objects.get().version == 1

    def test_of_what_is_not_there_is_404(self, till: Till):
        assert till.get("campaigns/x").status_code == 404
        assert till.patch("campaigns/x", {"name": "x"}).status_code == 404
        response = till.patch("campaigns", {"code": "x", "name": "x"})
        assert (response.status_code, pointers(response)) == (404, {"/code": "not_found"})


class TestList:
    def make(self, till: Till) -> None:
        bonus = {"type": "bonus", "points": 5}
        till.post("campaigns", {**SHORT, "code": "a", "state": "active"})
        till.post("campaigns", {**SHORT, "code": "b"})
        till.post("campaigns", {**SHORT, "code": "c", "trigger": "review", "effect": bonus})

    def test_is_newest_first_and_in_pages(self, till: Till):
        self.make(till)

        first = till.get("campaigns", page_size="2").json()

        assert [each["code"] for each in first["results"]] == ["c", "b"]
        assert [each["code"] for each in first["results"][0]["findings"]] == ["no_limit"]
        rest = till.get(first["next"]).json()
        assert ([each["code"] for each in rest["results"]], rest["next"]) == (["a"], None)

    @pytest.mark.parametrize(
        ("query", "codes"),
        [
            ({"state": "active"}, ["a"]),
            ({"state": "ended"}, []),
            ({"trigger": "review"}, ["c"]),
            ({"state": "draft", "trigger": "order.paid"}, ["b"]),
        ],
        ids=repr,
    )
    def test_can_be_filtered(self, till: Till, query: dict[str, str], codes: list[str]):
        self.make(till)

        assert [each["code"] for each in till.get("campaigns", **query).json()["results"]] == codes

    def test_refuses_a_state_that_is_none(self, till: Till):
        assert till.get("campaigns", state="on").status_code == 400


class TestScopes:
    def test_reading_needs_read_or_manage_and_writing_manage(self, db: None):
        for scope in ("read", "manage"):
            assert Till(scope).get("campaigns").status_code == 200
        assert Till("earn").get("campaigns").status_code == 403
        assert Till("read", "earn", "spend").post("campaigns", SHORT).status_code == 403
        assert Till("manage").post("campaigns", SHORT).status_code == 201
