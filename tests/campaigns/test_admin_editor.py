"""The editor of campaigns: what is stored is shown, what is shown is stored, what is wrong is said at its field."""

from typing import Any

import pytest
from django.test import Client

from campaigns import conditions, editing, effects
from campaigns.models import Campaign
from members import stores
from members.models import Tier
from rewards import catalogue
from tests.campaigns.builders import bonus, double
from tests.conftest import NOON
from tests.console import desk, errors_of, filled
from tests.loyalty.builders import program

pytestmark = pytest.mark.django_db

ADD = "/console/campaigns/campaign/add/"
REVIEW, ORDER, REFERRAL = "review", "order.paid", "referral.converted"
#: Every condition: trigger, value as it is stored, what a person fills in.
CONDITIONS: list[tuple[str, str, Any, dict[str, Any]]] = [
    ("weekdays", ORDER, [6, 7], {"": ["6", "7"]}),
    ("month_days", ORDER, [8, 18, 28], {"": "8, 18\N{IDEOGRAPHIC COMMA}28"}),
    ("hours", ORDER, ["11:30-13:30", "22:00-02:00"], {"": "11:30 – 13:30,22:00-02:00"}),
    ("stores", ORDER, ["SH-1"], {"": ["SH-1"]}),
    ("channels", ORDER, ["app", "web"], {"": "app\nweb"}),
    ("tiers", ORDER, ["1", "vip"], {"": ["1", "vip"]}),
    ("segments", ORDER, ["new", "dormant"], {"": ["new", "dormant"]}),
    ("enrolled_within_days", ORDER, 30, {"": "30"}),
    ("birthday_month", ORDER, True, {"": "on"}),
    ("percentage", ORDER, 10, {"": "10"}),
    (
        "period_count",
        ORDER,
        {"period": "month", "orders": 4},
        {"period": "month", "orders": "4", "unit": "orders"},
    ),
    (
        "period_count",
        REVIEW,
        {"period": "week", "events": 2},
        {"period": "week", "orders": "2", "unit": "events"},
    ),
    (
        "period_count",
        REVIEW,
        {"period": "ever", "orders": 2},
        {"period": "ever", "orders": "2", "unit": "orders"},
    ),
    ("categories", ORDER, ["Tea, cold", "Cake"], {"": "Tea, cold\nCake"}),
    ("skus", ORDER, ["a,b"], {"": "a,b\n"}),
    ("brands", ORDER, ["X"], {"": "X"}),
    ("tags", ORDER, ["new", "hot"], {"": "new,hot"}),
    ("exclude_categories", ORDER, ["Cake"], {"": "Cake"}),
    ("exclude_skus", ORDER, ["a"], {"": "a"}),
    ("exclude_brands", ORDER, ["X", "Y"], {"": "X\r\nY\r\n"}),
    ("exclude_tags", ORDER, ["old"], {"": "old"}),
    ("min_amount", ORDER, "50.00", {"": "50"}),
    ("max_amount", ORDER, "99.50", {"": "99.5"}),
    ("payment_methods", ORDER, ["alipay"], {"": "alipay"}),
    ("first_order", ORDER, True, {"": "on"}),
    ("every_nth_order", ORDER, 5, {"": "5"}),
    ("after_spend", ORDER, {"amount": "500.00", "days": 30}, {"amount": "500", "days": "30"}),
    (
        "period_sum",
        ORDER,
        {"period": "quarter", "amount": "1000.00"},
        {"period": "quarter", "amount": "1000"},
    ),
    ("coupon", ORDER, "TEA", {"": "TEA"}),
    (
        "event_data",
        REVIEW,
        {
            "photo": True,
            "spam": False,
            "stars": {"gte": 4.5},
            "n": {"every": 3},
            "kind": "5",
            "size": 5,
        },
        {
            "_": [
                ("photo", "yes", ""),
                ("spam", "no", ""),
                ("stars", "gte", "4.5"),
                ("n", "every", "3"),
                ("kind", "text", "5"),
                ("size", "number", "5"),
            ]
        },
    ),
]
EFFECTS: list[tuple[str, dict[str, Any]]] = [
    (ORDER, {"type": "multiplier", "value": "1.2", "scope": "matching_lines"}),
    (ORDER, {"type": "multiplier", "value": "0", "scope": "order"}),
    (ORDER, {"type": "bonus", "points": 100, "multiplied": True}),
    (REFERRAL, {"type": "bonus", "points": 100, "multiplied": False, "to": "referrer"}),
    (
        REFERRAL,
        {"type": "bonus", "points": 5, "multiplied": False, "to": "both", "pending_days": 0},
    ),
    (ORDER, {"type": "per_amount", "points": 1, "amount": "10.00"}),
    (REVIEW, {"type": "per_amount", "points": 1, "amount": "10.00", "field": "km"}),
    (ORDER, {"type": "per_unit", "points": 5}),
    (REVIEW, {"type": "per_unit", "points": 5, "field": "photos"}),
    (ORDER, {"type": "status_points", "points": 100}),
    (ORDER, {"type": "grant_reward", "reward": "cake"}),
    (ORDER, {"type": "draw_ticket", "tickets": 3}),
]


@pytest.fixture(autouse=True)
def shop() -> None:
    program()
    for rank, code in ((90, "vip"), (91, "1")):
        Tier.objects.create(code=code, name=code, rank=rank, threshold=rank * 1000)
    stores.create(changes={"code": "SH-1", "name": "静安寺店"})
    catalogue.create(
        changes={"code": "cake", "name": "Cake", "kind": "coupon", "points": 300}, at=NOON
    )


@pytest.fixture
def client(shop: None) -> Client:
    return desk("manager")


BLANK: dict[str, Any] = {}


def blank(client: Client, **changes: Any) -> dict[str, Any]:
    """The empty form with some fields filled in; it is the same for every test, and long, so it is asked for once."""
    if not BLANK:
        BLANK.update(filled(client.get(ADD)))
    return BLANK | changes


def made(**changes: Any) -> Campaign:
    said = {"code": "double-day", "name": "Double day", "effect": double(), **changes}
    return editing.create(changes=said, by="manager", at=NOON)


def form_of(campaign: Campaign) -> str:
    return f"/console/campaigns/campaign/{campaign.pk}/change/?edit=1"


def sent(name: str, parts: dict[str, Any]) -> dict[str, Any]:
    """What a person fills in for a condition, as the browser sends it."""
    if "_" in parts:
        cells = [cell for row in parts["_"] for cell in row]
        return {f"conditions_{name}_{place}": cell for place, cell in enumerate(cells)}
    return {
        "_".join(each for each in ("conditions", name, part) if each): value
        for part, value in parts.items()
    }


class TestRoundTrip:
    def test_covers_every_condition_and_effect(self):
        assert {name for name, *_rest in CONDITIONS} == set(conditions.CHECKS)
        assert {effect["type"] for _trigger, effect in EFFECTS} == set(effects.CHECKS)

    @pytest.mark.parametrize(("name", "trigger", "stored", "parts"), CONDITIONS)
    def test_what_is_filled_in_is_stored(
        self, client: Client, name: str, trigger: str, stored: Any, parts: dict[str, Any]
    ):
        effect = {"effect_type": "bonus", "effect_points": "5"}
        data = blank(client, name="New", trigger=trigger, **effect, **sent(name, parts))
        answer = client.post(ADD, data)
        assert answer.status_code == 302, errors_of(answer)
        assert Campaign.objects.get().conditions == {name: stored}

    @pytest.mark.parametrize(("name", "trigger", "stored", "parts"), CONDITIONS)
    def test_what_is_stored_comes_back_from_the_form(
        self, client: Client, name: str, trigger: str, stored: Any, parts: dict[str, Any]
    ):
        campaign = made(trigger=trigger, effect=bonus(5), conditions={name: stored})
        before = editing.content(campaign)
        client.post(form_of(campaign), filled(client.get(form_of(campaign))))
        campaign.refresh_from_db()
        assert editing.content(campaign) == before

        # Something else in the rule is touched, so that the whole of it is written again.
        touched = filled(client.get(form_of(campaign)), conditions_percentage="7")
        answer = client.post(form_of(campaign), touched)
        assert answer.status_code == 302, errors_of(answer)
        campaign.refresh_from_db()
        assert campaign.conditions == {name: stored, "percentage": 7}

    @pytest.mark.parametrize(("name", "trigger", "stored", "parts"), CONDITIONS)
    def test_what_is_emptied_is_gone(
        self, client: Client, name: str, trigger: str, stored: Any, parts: dict[str, Any]
    ):
        campaign = made(trigger=trigger, effect=bonus(5), conditions={name: stored})
        data = filled(client.get(form_of(campaign)))
        for field in [each for each in data if each.startswith(f"conditions_{name}")]:
            data[field] = [] if isinstance(data[field], list) else ""
        data["conditions_period_count_unit"] = "orders"
        answer = client.post(form_of(campaign), data)
        assert answer.status_code == 302, errors_of(answer)
        campaign.refresh_from_db()
        assert campaign.conditions == {}

    @pytest.mark.parametrize(("trigger", "effect"), EFFECTS)
    def test_effects_come_back_from_the_form(
        self, client: Client, trigger: str, effect: dict[str, Any]
    ):
        campaign = made(trigger=trigger, effect=effect)
        assert campaign.effect == effect
        # Sent again after a detour by another name, as a whole.
        data = filled(client.get(form_of(campaign)), name="Other")
        answer = client.post(form_of(campaign), data)
        assert answer.status_code == 302, errors_of(answer)
        campaign.refresh_from_db()
        assert (campaign.effect, campaign.name) == (effect, "Other")

    @pytest.mark.parametrize(("trigger", "effect"), EFFECTS)
    def test_effects_are_made_by_the_form(
        self, client: Client, trigger: str, effect: dict[str, Any]
    ):
        said = {
            f"effect_{name}": "on" if value is True else value
            for name, value in effect.items()
            if value is not False
        }
        data = blank(client, name="New", trigger=trigger, **said)
        answer = client.post(ADD, data)
        assert answer.status_code == 302, errors_of(answer)
        assert Campaign.objects.get().effect == effect

    def test_limits_combination_partner_and_words(self, client: Client):
        said = {
            "code": "ours",
            "description": "双倍",
            "limits_per_member_per_day": "1",
            "limits_per_member_per_month": "2",
            "limits_per_member": "3",
            "limits_budget_points": "4",
            "limits_on_exceed": "refuse",
            "combine_group": "days",
            "combine_mode": "best",
            "combine_priority": "-7",
            "partner": "Bank",
            "partner_share": "33.33",
            "starts_at_0": "2026-12-01",
            "starts_at_1": "00:00",
            "ends_at_0": "2026-12-02",
            "ends_at_1": "00:00",
        }
        answer = client.post(ADD, blank(client, name="New", **said))
        assert answer.status_code == 302, errors_of(answer)
        content = editing.content(Campaign.objects.get())
        assert content["limits"] == {
            "per_member_per_day": 1,
            "per_member_per_month": 2,
            "per_member": 3,
            "budget_points": 4,
            "on_exceed": "refuse",
        }
        assert content["combine"] == {"group": "days", "mode": "best", "priority": -7}
        assert (content["partner"], content["partner_share"]) == ("Bank", "0.3333")
        assert content["starts_at"] == "2026-12-01T00:00:00+08:00"
        assert (content["code"], content["description"]) == ("ours", "双倍")
        assert content["is_public"] is True


class TestMakingAndChanging:
    def test_a_new_one_is_a_draft_with_a_code_of_its_own(self, client: Client):
        answer = client.post(ADD, filled(client.get(ADD), name="New"))
        campaign = Campaign.objects.get()
        assert (campaign.state, campaign.created_by) == ("draft", "manager")
        assert campaign.code.startswith("campaign-")
        assert answer["Location"] == f"/console/campaigns/campaign/{campaign.pk}/change/"

    def test_any_other_event_may_set_it_off(self, client: Client):
        said = {"trigger": "…", "trigger_other": "yoga_class", "effect_type": "bonus"}
        data = filled(client.get(ADD), name="Yoga", **said, effect_points="5")
        client.post(ADD, data)
        campaign = Campaign.objects.get()
        assert campaign.trigger == "yoga_class"
        again = client.post(form_of(campaign), filled(client.get(form_of(campaign)), name="Y"))
        assert again.status_code == 302

    def test_a_change_is_a_version_by_whoever_made_it(self, client: Client):
        campaign = made()
        client.post(form_of(campaign), filled(client.get(form_of(campaign)), name="Other"))
        version = campaign.versions.order_by("-number")[0]
        assert (version.number, version.by, version.content["name"]) == (2, "manager", "Other")

    def test_a_copy_says_the_same_under_another_code(self, client: Client):
        campaign = made(
            conditions={"min_amount": "50.00", "weekdays": [6]},
            limits={"per_member": 5},
            partner="Bank",
            partner_share="0.5",
        )
        page = client.get(ADD, {"from": campaign.pk})
        client.post(ADD, filled(page))
        copy = Campaign.objects.exclude(pk=campaign.pk).get()
        assert copy.code != campaign.code
        for part in ("conditions", "effect", "limits", "combine", "partner", "partner_share"):
            assert getattr(copy, part) == getattr(campaign, part), part

    def test_two_at_once_do_not_overwrite_each_other(self, client: Client):
        campaign = made()
        first, second = (filled(client.get(form_of(campaign))) for _each in range(2))
        client.post(form_of(campaign), first | {"name": "First"})
        answer = client.post(form_of(campaign), second | {"name": "Second"})
        assert list(errors_of(answer)) == ["__all__"]
        campaign.refresh_from_db()
        assert (campaign.name, campaign.version) == ("First", 2)

    def test_what_has_ended_stays_as_it_is(self, client: Client):
        campaign = made()
        data = filled(client.get(form_of(campaign)), name="Other")
        editing.change(campaign=campaign, changes={"state": "ended"}, by="x", at=NOON)
        data["version"] = 2
        assert list(errors_of(client.post(form_of(campaign), data))) == ["__all__"]
        campaign.refresh_from_db()
        assert campaign.name == "Double day"

    def test_a_running_one_is_paused_before_it_is_changed_where_approval_is_needed(
        self, client: Client
    ):
        campaign = made(state="active")
        program(campaigns_need_approval=True)
        data = filled(client.get(form_of(campaign)), name="Other")
        assert list(errors_of(client.post(form_of(campaign), data))) == ["__all__"]
        campaign.refresh_from_db()
        assert (campaign.name, campaign.version) == ("Double day", 1)

    def test_sections_in_which_something_is_set_are_open(self, client: Client):
        campaign = made(conditions={"min_amount": "50.00"})
        page = client.get(form_of(campaign))
        is_closed = {
            line: fieldset.is_collapsible
            for fieldset in page.context["adminform"]
            for field in fieldset.fields
            for line in ((field,) if isinstance(field, str) else field)
        }
        assert is_closed["conditions_min_amount"] is False
        assert is_closed["conditions_tiers"] is True


class TestBadInput:
    @pytest.mark.parametrize(
        ("said", "field"),
        [
            ({"name": ""}, "name"),
            ({"code": "no blanks"}, "code"),
            ({"code": "taken"}, "code"),
            ({"trigger": "order.payed"}, "trigger"),
            ({"trigger": "…", "trigger_other": "order.payed"}, "trigger_other"),
            ({"trigger": "…", "trigger_other": ""}, "trigger_other"),
            ({"starts_at_0": "2026-12-02", "ends_at_0": "2026-12-01"}, "ends_at"),
            ({"starts_at_0": "soon"}, "starts_at"),
            ({"effect_value": "-1"}, "effect_value"),
            ({"effect_value": ""}, "effect_value"),
            ({"effect_value": "two"}, "effect_value"),
            ({"effect_value": "NaN"}, "effect_value"),
            ({"effect_type": "bonus"}, "effect_points"),
            ({"effect_type": "bonus", "effect_points": "0"}, "effect_points"),
            ({"effect_type": "bonus", "effect_points": "1.5"}, "effect_points"),
            ({"effect_type": "per_amount", "effect_points": "1"}, "effect_amount"),
            ({"effect_type": "grant_reward"}, "effect_reward"),
            ({"trigger": "review"}, "effect_type"),
            ({"conditions_weekdays": ["8"]}, "conditions_weekdays"),
            ({"conditions_month_days": "32"}, "conditions_month_days"),
            ({"conditions_month_days": "eight"}, "conditions_month_days"),
            ({"conditions_hours": "noon"}, "conditions_hours"),
            ({"conditions_hours": "12:00-12:00"}, "conditions_hours"),
            ({"conditions_stores": ["gone"]}, "conditions_stores"),
            ({"conditions_tiers": ["gone"]}, "conditions_tiers"),
            ({"conditions_segments": ["gone"]}, "conditions_segments"),
            ({"conditions_min_amount": "much"}, "conditions_min_amount"),
            ({"conditions_min_amount": "-1"}, "conditions_min_amount"),
            ({"conditions_min_amount": "1.005"}, "conditions_min_amount"),
            (
                {"conditions_min_amount": "9", "conditions_max_amount": "8"},
                "conditions_max_amount",
            ),
            ({"conditions_skus": "a\n\x00"}, "conditions_skus"),
            ({"conditions_channels": "x" * 51}, "conditions_channels"),
            (
                {"conditions_categories": "a", "conditions_exclude_categories": "b\na"},
                "conditions_exclude_categories",
            ),
            ({"conditions_every_nth_order": "0"}, "conditions_every_nth_order"),
            ({"conditions_percentage": "101"}, "conditions_percentage"),
            ({"conditions_enrolled_within_days": "0"}, "conditions_enrolled_within_days"),
            ({"conditions_after_spend_amount": "5"}, "conditions_after_spend_days"),
            ({"conditions_after_spend_days": "5"}, "conditions_after_spend_amount"),
            ({"conditions_period_sum_period": "day"}, "conditions_period_sum_amount"),
            ({"conditions_period_sum_amount": "5"}, "conditions_period_sum_period"),
            ({"conditions_period_count_period": "day"}, "conditions_period_count_orders"),
            ({"conditions_period_count_orders": "5"}, "conditions_period_count_period"),
            (
                {
                    "conditions_period_count_period": "day",
                    "conditions_period_count_orders": "5",
                    "conditions_period_count_unit": "events",
                },
                "conditions_period_count_orders",
            ),
            (
                {"conditions_first_order": "on", "conditions_every_nth_order": "5"},
                "conditions_every_nth_order",
            ),
            ({"conditions_event_data_0": "stars"}, "conditions_event_data"),
            ({"conditions_event_data_1": "gte"}, "conditions_event_data"),
            (
                {
                    "conditions_event_data_0": "stars",
                    "conditions_event_data_1": "gte",
                    "conditions_event_data_2": "many",
                },
                "conditions_event_data",
            ),
            (
                {"conditions_event_data_0": "photo", "conditions_event_data_1": "yes"},
                "conditions_event_data",
            ),
            ({"limits_per_member": "-1"}, "limits_per_member"),
            ({"limits_budget_points": "lots"}, "limits_budget_points"),
            ({"limits_budget_points": str(10**20)}, "limits_budget_points"),
            ({"combine_priority": "9999999"}, "combine_priority"),
            ({"combine_group": "x" * 51}, "combine_group"),
            ({"partner_share": "10"}, "partner_share"),
            ({"partner": "Bank", "partner_share": "101"}, "partner_share"),
            ({"description": "x" * 301}, "description"),
        ],
    )
    def test_is_said_at_the_field_and_nothing_is_kept(
        self, client: Client, said: dict[str, Any], field: str
    ):
        made(code="taken")
        data = {"starts_at_1": "00:00", "ends_at_1": "00:00", **said}
        for end in ("starts_at", "ends_at"):
            if f"{end}_0" not in said:
                data[f"{end}_1"] = ""
        answer = client.post(ADD, blank(client, **{"name": "New", **data}))
        assert answer.status_code == 200
        assert list(errors_of(answer)) == [field]
        assert Campaign.objects.count() == 1
