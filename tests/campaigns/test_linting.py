"""What the lint finds, and what it leaves in peace."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import editing, linting
from campaigns.linting import words
from campaigns.models import Act, Budget, Campaign, Segment
from loyalty import ordering
from loyalty import queries as loyalty_queries
from loyalty.order_facts import Line, OrderFacts
from members.models import Job, Member
from rewards import catalogue
from tests.conftest import NOON
from tests.rewards.conftest import new_reward

pytestmark = pytest.mark.django_db

DOUBLE = {"type": "multiplier", "value": "2"}
HUNDRED = {"type": "bonus", "points": 100}


def create(code: str = "mine", **said: Any) -> Campaign:
    body = {"code": code, "name": code.title(), "effect": DOUBLE, **said}
    return editing.create(changes=body, by="ada", at=NOON)


def found(campaign: Campaign) -> list[tuple[str, str, str]]:
    findings = linting.findings(campaign, NOON)
    assert all(each["text"] for each in findings)
    return [(each["code"], each["severity"], each["pointer"]) for each in findings]


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))


def shopping() -> None:
    """One order of ¥64 in the app, paid by wechat."""
    facts = OrderFacts(
        number="A",
        placed_at=NOON,
        channel="app",
        payments=(("wechat", Decimal("64.00")),),
        lines=(
            Line(
                sku="latte-L",
                category="Coffee",
                brand="Manner",
                tags=("new",),
                amount=Decimal("64.00"),
            ),
        ),
    )
    ordering.place(order=facts, at=NOON)


class TestFindings:
    def test_of_a_sound_campaign_are_none(self):
        shopping()

        assert found(create(conditions={"weekdays": [6, 7], "min_amount": "50"})) == []

    def test_are_the_same_for_content_that_is_not_stored(self):
        campaign = create(ends_at=NOON, starts_at=NOON - timedelta(hours=1), effect=DOUBLE)

        assert linting.findings(editing.content(campaign), NOON) == linting.findings(
            campaign, NOON
        )
        assert (
            linting.findings({"code": "x", "effect": DOUBLE, "trigger": "order.paid"}, NOON) == []
        )

    def test_name_first_what_blocks(self):
        campaign = create(effect={**DOUBLE, "value": "11"}, limits={"per_member": 0})

        assert [severity for _code, severity, _where in found(campaign)] == ["blocking", "warning"]

    def test_of_many_campaigns_ask_no_more_questions_than_of_one(self):
        shopping()
        said: dict[str, Any] = {
            "conditions": {"categories": ["tea"], "brands": ["x"], "min_amount": "999"},
            "limits": {"budget_points": 5},
        }
        campaigns = [create(f"c{number}", **said) for number in range(10)]

        def questions(some: list[Campaign]) -> int:
            known = linting.Background(at=NOON)
            with CaptureQueriesContext(
                connection,
            ) as asked:
                for each in Campaign.objects.select_related("budget").filter(
                    pk__in=[c.pk for c in some]
                ):
                    linting.findings(each, NOON, known)
            return len(asked)

        assert questions(campaigns[:1]) == questions(campaigns)


class TestTimes:
    @pytest.mark.parametrize(
        ("ends_at", "is_found"),
        [
            (NOON - timedelta(microseconds=1), True),
            (NOON, True),
            (NOON + timedelta(microseconds=1), False),
            (None, False),
        ],
    )
    def test_a_window_that_is_over(self, ends_at: datetime | None, is_found: bool):
        expected = [("window_past", "blocking", "/ends_at")] if is_found else []

        assert found(create(ends_at=ends_at)) == expected

    @pytest.mark.parametrize(
        ("starts_at", "ends_at", "conditions", "pointer"),
        [
            ("2027-02-01", "2027-03-01", {"month_days": [31]}, "month_days"),
            ("2027-02-01", "2027-03-01", {"month_days": [29, 30]}, "month_days"),
            ("2028-02-01", "2028-03-01", {"month_days": [29]}, None),
            ("2027-02-01", "2027-03-31", {"month_days": [31]}, "month_days"),
            ("2027-02-01", "2027-03-31T00:00:00.000001", {"month_days": [31]}, None),
            ("2027-02-01", None, {"month_days": [31]}, None),
            ("2026-12-07", "2026-12-12", {"weekdays": [6, 7]}, "weekdays"),  # Monday to Friday
            ("2026-12-07", "2026-12-12T00:01:00", {"weekdays": [6]}, None),
            ("2026-12-07", "2026-12-14", {"weekdays": [6], "month_days": [13]}, "month_days"),
            ("2026-12-07", "2026-12-14", {"weekdays": [7], "month_days": [13]}, None),
            ("2026-12-07T14:00:00", "2026-12-08T11:00:00", {"hours": ["11:30-13:30"]}, "hours"),
            ("2026-12-07T14:00:00", "2026-12-08T11:30:00", {"hours": ["11:30-13:30"]}, "hours"),
            ("2026-12-07T14:00:00", "2026-12-08T11:31:00", {"hours": ["11:30-13:30"]}, None),
            ("2026-12-07T13:29:00", "2026-12-07T18:00:00", {"hours": ["11:30-13:30"]}, None),
            ("2026-12-07T02:00:00", "2026-12-07T22:00:00", {"hours": ["22:00-02:00"]}, "hours"),
            ("2026-12-07T01:59:00", "2026-12-07T22:00:00", {"hours": ["22:00-02:00"]}, None),
            ("2026-12-07T02:00:00", "2026-12-08", {"hours": ["20:00-24:00"]}, None),
            ("2026-12-07", "2999-12-31", {"weekdays": [1], "month_days": [29]}, None),
        ],
        ids=repr,
    )
    def test_days_and_hours_that_never_come(
        self, starts_at: str, ends_at: str | None, conditions: Any, pointer: str | None
    ):
        campaign = create(
            starts_at=local(starts_at), ends_at=ends_at and local(ends_at), conditions=conditions
        )

        expected = [("never_matches", "blocking", f"/conditions/{pointer}")] if pointer else []
        assert found(campaign) == expected


class TestOthers:
    def test_the_same_once_more(self):
        create("other", state="active", conditions={"weekdays": [6]})

        assert found(create(conditions={"weekdays": [6]})) == [
            ("duplicate", "blocking", "/conditions")
        ]
        assert found(create("b", conditions={"weekdays": [6]}, effect=HUNDRED)) == [
            ("same_conditions", "warning", "/conditions")
        ]

    def test_is_none_when_it_does_not_run_at_the_same_time_or_for_the_same_moment(self):
        create("draft")
        create("over", state="active", ends_at=NOON)
        create(
            "event", state="active", trigger="review", effect=HUNDRED, limits={"per_member": 500}
        )
        create("paused", state="paused")

        assert found(create(starts_at=NOON)) == []

    def test_a_running_campaign_is_no_duplicate_of_itself(self):
        assert found(create(state="active")) == []

    def test_one_of_a_group_is_a_choice_and_no_duplicate(self):
        best = {"group": "weekend", "mode": "best"}
        create("other", state="active", combine=best)

        assert found(create(combine=best)) == []

    def test_modes_of_a_group_that_differ(self):
        create("other", state="active", combine={"group": "weekend", "mode": "first"})

        assert found(
            create(combine={"group": "weekend", "mode": "best"}, conditions={"weekdays": [6]})
        ) == [("group_modes_differ", "blocking", "/combine/mode")]
        assert found(create("b", combine={"group": "x"}, conditions={"weekdays": [5]})) == []

    @pytest.mark.parametrize(("priority", "is_found"), [(5, True), (6, False)])
    def test_priorities_of_a_group_that_are_equal(self, priority: int, is_found: bool):
        first = {"group": "weekend", "mode": "first", "priority": 5}
        create("other", state="active", combine=first)

        campaign = create(combine={**first, "priority": priority})

        expected = [("group_priorities_equal", "warning", "/combine/priority")]
        assert found(campaign) == (expected if is_found else [])


class TestBounds:
    @pytest.mark.parametrize(
        ("effect", "limits", "pointers"),
        [
            (HUNDRED, {"per_member_per_day": 99}, ["per_member_per_day"]),
            (HUNDRED, {"per_member_per_day": 100}, []),
            (
                HUNDRED,
                {"per_member": 50, "per_member_per_month": 99},
                ["per_member_per_month", "per_member"],
            ),
            (DOUBLE, {"per_member": 0}, ["per_member"]),
            (DOUBLE, {"per_member": 1}, []),
            ({"type": "per_unit", "points": 5}, {"per_member": 4}, ["per_member"]),
            (
                {"type": "per_amount", "points": 5, "amount": "1"},
                {"per_member": 4},
                ["per_member"],
            ),
            ({"type": "status_points", "points": 5}, {"per_member": 4}, ["per_member"]),
            ({"type": "draw_ticket", "tickets": 3}, {"per_member": 2}, ["per_member"]),
        ],
        ids=repr,
    )
    def test_a_limit_below_one_award(self, effect: Any, limits: Any, pointers: list[str]):
        cut = [
            where
            for code, _severity, where in found(create(effect=effect, limits=limits))
            if code == "limit_below_award"
        ]

        assert cut == [f"/limits/{each}" for each in pointers]

    @pytest.mark.parametrize(
        ("said", "budget", "is_found"),
        [
            ({"effect": HUNDRED}, 99, True),
            ({"effect": HUNDRED}, 100, False),
            ({"effect": DOUBLE}, 0, True),
            ({"trigger": "referral.converted", "effect": HUNDRED}, 199, True),
            ({"trigger": "referral.converted", "effect": HUNDRED}, 200, False),
        ],
        ids=repr,
    )
    def test_a_budget_below_one_award(self, said: Any, budget: int, is_found: bool):
        expected = [("budget_below_award", "blocking", "/limits/budget_points")]

        assert found(create(limits={"budget_points": budget}, **said)) == (
            expected if is_found else []
        )

    @pytest.mark.parametrize(("used", "is_found"), [(400, False), (401, True)])
    def test_a_budget_that_is_used_up(self, used: int, is_found: bool):
        create(effect=HUNDRED, limits={"budget_points": 500}, state="active")
        Budget.objects.update(used=used)

        expected = [("budget_used_up", "warning", "/limits/budget_points")]
        assert found(Campaign.objects.get()) == (expected if is_found else [])

    def test_limits_that_are_never_reached(self):
        limits = {"per_member_per_day": 200, "per_member": 150, "budget_points": 180}

        assert found(create(effect=HUNDRED, limits=limits)) == [
            ("limit_without_effect", "warning", "/limits/per_member_per_day")
        ]

    @pytest.mark.parametrize(
        ("value", "codes"),
        [
            ("0", []),
            ("1", ["no_effect"]),
            ("1.0001", []),
            ("10", []),
            ("10.0001", ["large_multiplier"]),
        ],
    )
    def test_multipliers_that_do_nothing_or_much(self, value: str, codes: list[str]):
        campaign = create(effect={"type": "multiplier", "value": value})

        assert found(campaign) == [(code, "warning", "/effect/value") for code in codes]

    @pytest.mark.parametrize(
        ("trigger", "limits", "is_found"),
        [
            ("review", {}, True),
            ("referral.converted", {}, True),
            ("review", {"per_member_per_month": 500}, False),
            ("review", {"budget_points": 500}, False),
            ("order.paid", {}, False),
            ("birthday", {}, False),
        ],
    )
    def test_acts_that_nothing_limits(self, trigger: str, limits: Any, is_found: bool):
        campaign = create(trigger=trigger, effect=HUNDRED, limits=limits)

        assert found(campaign) == ([("no_limit", "warning", "/limits")] if is_found else [])

    @pytest.mark.parametrize(("least", "is_found"), [("64.00", False), ("64.01", True)])
    def test_an_amount_above_all_orders(self, least: str, is_found: bool):
        campaign = create(conditions={"min_amount": least})
        assert found(campaign) == []  # no order to compare with

        shopping()

        expected = [("amount_above_orders", "warning", "/conditions/min_amount")]
        assert found(campaign) == (expected if is_found else [])


class TestReplays:
    SINCE = NOON - timedelta(days=30)

    def replay(self, campaign: Campaign, gone_at: datetime | None, window: str = "kept") -> None:
        Job.objects.create(
            kind="replay",
            state="done",
            requested_at=NOON,
            parameters={"campaign": campaign.code, "content": editing.content(campaign)},
            result={
                "period": {"from": self.SINCE.isoformat(), "to": NOON.isoformat()},
                "window": window,
                "budget_gone_at": gone_at and gone_at.isoformat(),
            },
        )

    @pytest.mark.parametrize(
        ("minutes", "is_found"), [(None, False), (42, True), (60, True), (25 * 60, False)]
    )
    def test_a_budget_that_was_gone_within_the_hour(self, minutes: float | None, is_found: bool):
        campaign = create(limits={"budget_points": 500})
        gone_at = None if minutes is None else self.SINCE + timedelta(minutes=minutes)
        self.replay(campaign, gone_at)

        expected = [("budget_gone_at_once", "blocking", "/limits/budget_points")]
        assert found(campaign) == (expected if is_found else [])
        if minutes == 42:
            assert "42" in linting.findings(campaign, NOON)[0]["text"]

    def test_a_budget_that_was_gone_within_the_day_is_a_warning(self):
        campaign = create(limits={"budget_points": 500})
        self.replay(campaign, self.SINCE + timedelta(hours=5))

        assert found(campaign) == [("budget_gone_soon", "warning", "/limits/budget_points")]
        assert "5" in linting.findings(campaign, NOON)[0]["text"]

    def test_counts_from_the_first_points(self):
        campaign = create(limits={"budget_points": 500})
        self.replay(campaign, self.SINCE + timedelta(days=3, minutes=30))
        job = Job.objects.get()
        job.result = {
            **(job.result or {}),
            "first_at": (self.SINCE + timedelta(days=3)).isoformat(),
        }
        job.save()

        assert [code for code, _severity, _where in found(campaign)] == ["budget_gone_at_once"]

    def test_counts_from_the_start_of_a_window_that_was_kept(self):
        starts_at = NOON - timedelta(days=2)
        campaign = create(limits={"budget_points": 500}, starts_at=starts_at)
        self.replay(campaign, starts_at + timedelta(minutes=5))
        assert [code for code, _severity, _where in found(campaign)] == ["budget_gone_at_once"]

        self.replay(campaign, starts_at + timedelta(minutes=5), window="left_out")

        assert found(campaign) == []

    def test_means_nothing_for_what_was_changed_since(self):
        campaign = create(limits={"budget_points": 500})
        self.replay(campaign, self.SINCE)

        changes = {"limits": {"budget_points": 501}}
        changed = editing.change(campaign=campaign, changes=changes, by="ada", at=NOON)

        assert found(changed) == []

    def test_is_looked_up_in_the_newest(self):
        campaign = create(limits={"budget_points": 500})
        self.replay(campaign, self.SINCE)
        self.replay(campaign, None)

        assert found(campaign) == []


class TestRewards:
    GRANT = {"type": "grant_reward", "reward": "cake"}

    @pytest.mark.parametrize(
        ("reward", "codes"),
        [
            ({}, []),
            ({"stock": 1}, []),
            ({"stock": 0}, ["reward_sold_out"]),
            ({"active": False}, ["reward_not_on_sale"]),
            ({"active": False, "stock": 0}, ["reward_not_on_sale", "reward_sold_out"]),
            ({"ends_at": NOON}, ["reward_not_on_sale"]),
            ({"ends_at": NOON + timedelta(hours=1)}, ["reward_not_on_sale"]),
            ({"starts_at": NOON + timedelta(hours=2)}, []),
        ],
        ids=repr,
    )
    def test_that_cannot_be_had(self, reward: Any, codes: list[str]):
        new_reward("cake", **reward)

        campaign = create(effect=self.GRANT, starts_at=NOON + timedelta(hours=2))

        assert found(campaign) == [(code, "blocking", "/effect/reward") for code in codes]

    @pytest.mark.parametrize(
        ("days", "codes"), [(None, ["reward_ends_first"]), (8, ["reward_ends_first"]), (7, [])]
    )
    def test_that_go_off_sale_before_the_campaign_ends(self, days: int | None, codes: list[str]):
        new_reward("cake", ends_at=NOON + timedelta(days=7))
        ends_at = None if days is None else NOON + timedelta(days=days)

        campaign = create(effect=self.GRANT, ends_at=ends_at)

        assert found(campaign) == [(code, "warning", "/effect/reward") for code in codes]

    def test_that_go_off_sale_while_it_runs(self):
        cake = new_reward("cake")
        campaign = create(effect=self.GRANT, state="active")
        assert found(campaign) == []

        catalogue.change(reward=cake, changes={"active": False}, at=NOON, by="ada")

        assert found(campaign) == [("reward_not_on_sale", "blocking", "/effect/reward")]


class TestWords:
    @pytest.mark.parametrize(
        ("condition", "word", "near"),
        [
            ("categories", "coffee", "Coffee"),
            ("exclude_categories", "Cofee", "Coffee"),
            ("brands", "Maner", "Manner"),
            ("skus", "latte-l", "latte-L"),
            ("tags", "news", "new"),
            ("exclude_tags", "neww", "new"),
            ("channels", "App", "app"),
            ("payment_methods", "weixin", None),
            ("payment_methods", "wechatpay", "wechat"),
        ],
    )
    def test_that_no_order_has(self, condition: str, word: str, near: str | None):
        shopping()
        campaign = create(conditions={condition: [word]})

        findings = linting.findings(campaign, NOON)

        assert [(each["code"], each["pointer"]) for each in findings] == [
            ("unknown_word", f"/conditions/{condition}/0")
        ]
        assert word in findings[0]["text"]
        assert near is None or near in findings[0]["text"]

    def test_that_orders_have_are_fine(self):
        shopping()
        conditions = {
            "categories": ["Coffee"],
            "brands": ["Manner"],
            "skus": ["latte-L"],
            "tags": ["new"],
            "channels": ["app"],
            "payment_methods": ["wechat"],
        }

        assert found(create(conditions=conditions)) == []

    def test_mean_nothing_before_there_are_orders(self):
        assert found(create(conditions={"categories": ["tea"]})) == []

    def test_of_old_orders_do_not_count(self):
        shopping()
        campaign = create(conditions={"categories": ["Coffee"]})

        late = NOON + timedelta(days=365, seconds=1)
        assert linting.findings(campaign, late) == []

    def test_are_looked_for_in_more_orders_before_they_are_called_unknown(
        self, monkeypatch: pytest.MonkeyPatch
    ):
        shopping()
        later = OrderFacts(
            number="B",
            placed_at=NOON + timedelta(minutes=1),
            lines=(Line(sku="tea", category="Tea", amount=Decimal(5)),),
        )
        ordering.place(order=later, at=NOON + timedelta(minutes=1))
        monkeypatch.setattr(loyalty_queries, "FEW", 1)
        campaign = create(conditions={"categories": ["Tea", "Coffee"]})
        assert found(campaign) == []

        monkeypatch.setattr(loyalty_queries, "MANY", 1)

        assert found(campaign) == [("unknown_word", "warning", "/conditions/categories/1")]

    def test_are_not_all_listed(self):
        shopping()
        campaign = create(conditions={"skus": [f"x{number}" for number in range(50)]})

        assert len(found(campaign)) == words.MOST_FINDINGS

    def test_a_segment_without_members(self):
        Segment.objects.create(code="nobody", name="None", rules={"all": []}, size=0)
        Segment.objects.create(code="fresh", name="Fresh", rules={"all": []}, size=None)

        campaign = create(conditions={"segments": ["fresh", "nobody"]})

        assert found(campaign) == [("empty_segment", "warning", "/conditions/segments/1")]

    def test_an_event_that_is_spelled_otherwise(self, bob: Member):
        limits = {"per_member": 500}
        create("a", trigger="review", effect=HUNDRED, limits=limits)

        campaign = create("b", trigger="reveiw", effect=HUNDRED, limits=limits)

        assert found(campaign) == [("unknown_event", "warning", "/trigger")]
        assert "review" in linting.findings(campaign, NOON)[0]["text"]
        assert found(create("c", trigger="survey", effect=HUNDRED, limits=limits)) == []
        Act.objects.create(member=bob, type="reveiw", reference="A", at=NOON)
        assert found(campaign) == []
