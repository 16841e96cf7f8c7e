"""Campaigns in words."""

from typing import Any

import pytest
from django.utils import translation

from campaigns import conditions, effects, preset_files, wording
from campaigns.models import Segment
from members import stores
from members.models import Tier
from tests.loyalty import builders

pytestmark = pytest.mark.django_db

#: Every condition there is, and how it reads.
CONDITIONS: list[tuple[str, Any, str]] = [
    ("weekdays", [6, 7], "every Saturday, Sunday"),
    ("weekdays", [1, 2, 3, 4, 5], "from Monday to Friday"),
    ("month_days", [8, 18], "on day 8, 18 of the month"),
    ("hours", ["11:30-13:30"], "11:30–13:30"),
    ("stores", ["SH-1", "gone"], "at 静安寺店 or gone"),
    ("channels", ["app", "web", "till"], "through app, web or till"),
    ("tiers", ["vip"], "Vip members"),
    ("segments", ["quiet"], "members of the segment Quiet ones"),
    ("enrolled_within_days", 1, "within 1 day of enrolment"),
    ("birthday_month", True, "in their birthday month"),
    ("percentage", 10, "a pilot with 10 % of the members"),
    ("period_count", {"period": "month", "orders": 4}, "with 4 orders in a month"),
    ("period_count", {"period": "week", "events": 1}, "1 time in a week"),
    ("min_amount", "50.00", "an order of at least ¥50"),
    ("max_amount", "50.50", "an order of at most ¥50.50"),
    ("categories", ["drinks"], "with drinks (category)"),
    ("skus", ["a", "b"], "with the item a or b"),
    ("brands", ["X"], "with X (brand)"),
    ("tags", ["new"], "with an item marked new"),
    ("exclude_categories", ["drinks"], "not for drinks (category)"),
    ("exclude_skus", ["a"], "not for the item a"),
    ("exclude_brands", ["X"], "not for X (brand)"),
    ("exclude_tags", ["sale"], "not for an item marked sale"),
    ("payment_methods", ["alipay"], "paid by alipay"),
    ("first_order", True, "the first order"),
    ("every_nth_order", 5, "one order in 5"),
    (
        "after_spend",
        {"amount": "500.00", "days": 30},
        "after an order of at least ¥500 within 30 days",
    ),
    (
        "period_sum",
        {"period": "quarter", "amount": "1000.00"},
        "with orders of ¥1000 in a quarter",
    ),
    ("coupon", "TEA", "with the coupon code “TEA”"),
    (
        "event_data",
        {"photo": True, "stars": {"gte": 4}, "kind": "tea", "n": {"every": 3}},
        "with “photo”, “stars” at least 4, “kind” is tea, “n” a multiple of 3",
    ),
    (
        "event_data",
        {"streak": {"every": 7}, "total": 30},
        "every 7 days in a row, at sign-in no. 30",
    ),
]
EFFECTS: list[tuple[dict[str, Any], str]] = [
    ({"type": "multiplier", "value": "2", "scope": "order"}, "double points"),
    ({"type": "multiplier", "value": "0", "scope": "order"}, "no points"),
    (
        {"type": "multiplier", "value": "1.2", "scope": "matching_lines"},
        "1.2 × points on the matching items",
    ),
    ({"type": "bonus", "points": 1000, "multiplied": True}, "1,000 points, multiplied along"),
    (
        {"type": "bonus", "points": 1, "to": "both", "pending_days": 7},
        "1 point for each of you, usable after 7 days",
    ),
    ({"type": "per_amount", "points": 1, "amount": "10.00"}, "1 point for every ¥10"),
    (
        {"type": "per_amount", "points": 2, "amount": "0.50", "field": "km"},
        "2 points for every ¥0.50 of “km”",
    ),
    ({"type": "per_unit", "points": 5}, "5 points for each piece"),
    ({"type": "per_unit", "points": 5, "field": "photos"}, "5 points for each photo"),
    ({"type": "per_unit", "points": 5, "field": "beads"}, "5 points for each “beads”"),
    ({"type": "status_points", "points": 100}, "100 status points"),
    ({"type": "grant_reward", "reward": "cake"}, "“cake” as a gift"),
    ({"type": "draw_ticket", "tickets": 2}, "2 draw tickets"),
]


@pytest.fixture(autouse=True)
def shop() -> None:
    Tier.objects.create(code="vip", name="Vip", rank=90, threshold=90000)
    stores.create(changes={"code": "SH-1", "name": "静安寺店"})
    Segment.objects.create(code="quiet", name="Quiet ones", rules={"all": []})
    builders.program()


class TestConditionWords:
    @pytest.mark.parametrize(("name", "value", "words"), CONDITIONS)
    def test_says_it(self, name: str, value: Any, words: str):
        with translation.override("en"):
            assert wording.condition_words(name, value) == words

    def test_has_words_for_every_condition(self):
        assert {name for name, _value, _words in CONDITIONS} == set(conditions.CHECKS)

    def test_counts_what_is_too_much_to_read(self):
        with translation.override("en"):
            said = wording.condition_words("skus", [str(n) for n in range(9)])
        assert said == "with the item 0, 1, 2, 3, 4, 5 and 3 more"


class TestEffectWords:
    @pytest.mark.parametrize(("effect", "words"), EFFECTS)
    def test_says_it(self, effect: dict[str, Any], words: str):
        with translation.override("en"):
            assert wording.effect_words(effect) == words

    def test_has_words_for_every_effect(self):
        assert {effect["type"] for effect, _words in EFFECTS} == set(effects.CHECKS)


class TestWindowWords:
    @pytest.mark.parametrize(
        ("starts_at", "ends_at", "words"),
        [
            (None, None, ""),
            ("2026-12-01T00:00:00+08:00", "2026-12-02T00:00:00+08:00", "on Dec 1, 2026"),
            (
                "2026-12-01T00:00:00+08:00",
                "2026-12-03T00:00:00+08:00",
                "from Dec 1, 2026 to Dec 2, 2026",
            ),
            (
                "2026-12-01T00:00:00+08:00",
                "2026-12-01T12:00:00+08:00",
                "on Dec 1, 2026 00:00–12:00",
            ),
            (
                "2026-12-01T09:30:00+08:00",
                "2026-12-03T00:00:00+08:00",
                "from Dec 1, 2026 09:30 to Dec 2, 2026 24:00",
            ),
            ("2026-11-30T16:00:00+00:00", None, "from Dec 1, 2026 on"),
            (None, "2026-12-02T00:00:00+08:00", "until Dec 1, 2026"),
        ],
    )
    def test_names_the_last_day_that_counts(self, starts_at: Any, ends_at: Any, words: str):
        with translation.override("en"):
            assert wording.window_words(starts_at, ends_at) == words


class TestSentence:
    content: dict[str, Any] = {
        "trigger": "order.paid",
        "starts_at": "2026-12-01T00:00:00+08:00",
        "ends_at": "2026-12-02T00:00:00+08:00",
        "conditions": {"tiers": ["vip"], "stores": ["SH-1"], "min_amount": "50.00"},
        "effect": {"type": "multiplier", "value": "2", "scope": "order"},
        "limits": {"per_member": 500, "budget_points": 10000, "on_exceed": "cut"},
    }

    def test_says_when_who_where_what_and_how_much(self):
        with translation.override("en"):
            assert wording.sentence(self.content) == (
                "On Dec 1, 2026, Vip members who order at 静安寺店, an order of at least ¥50: double points; "
                "at most 500 points per member, 10,000 points in all."
            )

    def test_needs_no_condition_and_no_limit(self):
        bare = {"trigger": "review", "effect": {"type": "bonus", "points": 5}}
        with translation.override("en"):
            assert wording.sentence(bare) == "All members who write a review: 5 points."

    def test_says_an_unknown_event_by_its_name(self):
        bare = {"trigger": "yoga", "effect": {"type": "bonus", "points": 5}}
        with translation.override("en"):
            assert wording.sentence(bare) == "All members who do “yoga”: 5 points."

    def test_says_what_presets_report_in_words(self):
        for preset in preset_files.presets().values():
            words = preset.words()
            rewards = {each["code"]: each["name"] for each in words.get("rewards", [])}
            names = wording.Names({"rewards": rewards})
            for campaign in words["campaigns"]:
                said = wording.sentence(campaign, names)
                data = (campaign.get("conditions") or {}).get("event_data", {})
                raw = {campaign["trigger"], campaign["effect"].get("field"), *data}
                raw -= {None, "order.paid"}
                assert not [each for each in raw if each in said], said

    def test_limits_status_points_as_such(self):
        walk = {
            "trigger": "walk",
            "effect": {"type": "status_points", "points": 10},
            "limits": {"per_member_per_day": 10},
        }
        assert wording.sentence(walk) == "所有会员步行达标：10 成长值；每人每天最多 10 成长值。"

    def test_counts_what_is_reported_in_its_unit(self):
        hotel = {
            "trigger": "hotel_stay",
            "effect": {"type": "per_unit", "points": 500, "field": "nights"},
        }
        assert wording.sentence(hotel) == "所有会员入住合作酒店：每晚得 500 积分。"

    def test_asks_for_names_once_for_many(self, django_assert_max_num_queries: Any):
        names = wording.Names()
        with django_assert_max_num_queries(2):
            for _each in range(3):
                wording.sentence(self.content, names)
