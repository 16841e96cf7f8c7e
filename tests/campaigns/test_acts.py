"""Acts: each counts once, and earns what the campaigns of its type give."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from campaigns import acts
from campaigns.acts import ActFacts, Occurrence, Recorded
from campaigns.models import Act, Budget, CampaignAward
from loyalty import closing, merging
from loyalty.models import Entry
from members import lifecycle, tiering
from members import queries as member_queries
from members.errors import InvalidInput, MemberClosed, NotFound, ReferenceReused
from members.models import Member, Store, Tier
from rewards import stock
from rewards.models import Redemption, Reward, Voucher
from tests.campaigns.builders import bonus, campaign, double
from tests.conftest import NOON
from tests.loyalty.builders import (
    assert_clean,
    day,
    entries,
    figures,
    lot_of,
    program,
    wallet_of,
)


def reported(member: Member, reference: str = "r1", type: str = "review", **more: Any) -> ActFacts:
    return ActFacts(member=member.number, type=type, reference=reference, **more)


def record(member: Member, reference: str = "r1", type: str = "review", **more: Any) -> Recorded:
    return acts.record(act=reported(member, reference, type, **more), now=NOON)


def parts(act: Act) -> list[tuple[str, str, int]]:
    return [(part["rule"], part["kind"], part["points"]) for part in act.explanation]


class TestRecord:
    def test_gives_what_the_campaign_gives_and_says_why(self, bob: Member) -> None:
        campaign("review", trigger="review", effect=bonus(30), event_data={"has_photo": True})

        made = record(bob, data={"has_photo": True}, client={"ip": "10.0.0.1"})

        assert made.is_new
        assert (made.act.points, parts(made.act)) == (30, [("review", "bonus", 30)])
        entry = Entry.objects.get()
        assert (entry.kind, entry.points, entry.reference) == ("earn", 30, "act/reported/r1")
        assert entry.details == {"event": "review", "title": "review"}
        assert entry.explanation == made.act.explanation
        award = CampaignAward.objects.get()
        assert (award.act, award.order, award.points, award.day) == (
            made.act,
            None,
            30,
            NOON.date(),
        )
        assert_clean()

    def test_without_a_campaign_it_is_taken_down_and_gives_nothing(self, bob: Member) -> None:
        campaign("other", trigger="share", effect=bonus(30))

        made = record(bob)

        assert (made.act.points, made.act.explanation) == (0, [])
        assert Act.objects.get().data == {}
        assert Entry.objects.count() == 0

    def test_the_same_again_is_the_same_act(self, bob: Member) -> None:
        campaign("review", trigger="review", effect=bonus(30))
        first = record(bob, at=day(-1), data={"stars": 5, "on": [1, {"a": None}]})

        again = record(bob, at=day(-1), data={"on": [1.0, {"a": None}], "stars": 5.0}, client={})

        assert (again.act.pk, again.is_new) == (first.act.pk, False)
        assert entries(wallet_of(bob)) == [("earn", 30, 30)]

    @pytest.mark.parametrize(
        "other",
        [
            {"type": "share"},
            {"at": day(-2)},
            {"at": None},
            {"data": {"stars": 4}},
            {"data": {"stars": True}},
            {"data": {}},
        ],
        ids=str,
    )
    def test_other_content_is_refused(self, bob: Member, other: dict[str, Any]) -> None:
        said = reported(bob, at=day(-1), data={"stars": 1})
        acts.record(act=said, now=NOON)

        with pytest.raises(ReferenceReused):
            acts.record(act=replace(said, **other), now=NOON)
        assert Act.objects.count() == 1

    def test_each_member_has_references_of_its_own(self, bob: Member, mallory: Member) -> None:
        campaign("review", trigger="review", effect=bonus(30))

        assert [record(each).is_new for each in (bob, mallory)] == [True, True]
        assert Act.objects.count() == 2

    @pytest.mark.parametrize(
        ("wrong", "pointer", "code"),
        [
            ({"type": "birthday"}, "/type", "reserved"),
            ({"type": "order.paid"}, "/type", "reserved"),
            ({"type": "referral.converted"}, "/type", "reserved"),
            ({"type": "check_in"}, "/type", "reserved"),
            ({"type": ""}, "/type", "invalid"),
            ({"type": "a b"}, "/type", "invalid"),
            ({"type": "评价"}, "/type", "invalid"),
            ({"type": "a" * 51}, "/type", "invalid"),
            ({"reference": " "}, "/reference", "blank"),
            ({"reference": "r" * 101}, "/reference", "max_length"),
            ({"at": NOON + timedelta(minutes=5, seconds=1)}, "/at", "future"),
            ({"at": NOON.replace(tzinfo=None)}, "/at", "invalid"),
            ({"data": {"a": float("nan")}}, "/data", "invalid"),
            ({"data": {"a": "x" * 10_000}}, "/data", "max_length"),
            ({"client": ["x"]}, "/client", "invalid"),
        ],
        ids=str,
    )
    def test_refuses_bad_input_and_uses_up_nothing(
        self, bob: Member, wrong: dict[str, Any], pointer: str, code: str
    ) -> None:
        said = reported(bob)

        with pytest.raises(InvalidInput) as refused:
            acts.record(act=replace(said, **wrong), now=NOON)

        assert (refused.value.pointer, refused.value.code) == (pointer, code)
        assert acts.record(act=said, now=NOON).is_new

    def test_a_clock_may_be_five_minutes_ahead(self, bob: Member) -> None:
        campaign("review", trigger="review", effect=bonus(30))
        ahead = NOON + timedelta(minutes=5)

        record(bob, at=ahead)

        lot = lot_of(wallet_of(bob), "act/reported/r1")
        assert (lot.active_from, Entry.objects.get().at) == (NOON, ahead)

    def test_refuses_an_unknown_member(self, db: None) -> None:
        with pytest.raises(NotFound) as refused:
            acts.record(act=ActFacts(member="nobody", type="x", reference="1"), now=NOON)
        assert refused.value.pointer == "/member"

    def test_of_a_closed_member_only_what_is_known(self, bob: Member) -> None:
        record(bob)
        closing.close(closing=closing.Closing(member=bob.number), by="eve", at=NOON)

        assert not record(bob).is_new
        with pytest.raises(MemberClosed):
            record(bob, "r2")
        assert Act.objects.count() == 1

    def test_a_frozen_member_earns(self, bob: Member) -> None:
        campaign("review", trigger="review", effect=bonus(30))
        lifecycle.freeze(member=bob, reason="", by="eve", at=NOON)

        assert record(bob).act.points == 30

    def test_the_references_of_a_merged_member_count(self, ada: Member, bob: Member) -> None:
        campaign("review", trigger="review", effect=bonus(30))
        record(bob, "r1", at=day(-1))
        record(bob, "both", at=day(-1))
        record(ada, "both", at=day(-1))
        merging.merge(source=bob.number, into=ada.number, by="eve", at=NOON)

        assert not record(ada, "r1", at=day(-1)).is_new
        assert not record(ada, "both", at=day(-1)).is_new
        with pytest.raises(MemberClosed):
            record(bob, "r1", at=day(-1))
        references = set(Act.objects.filter(member=ada).values_list("reference", flat=True))
        assert references == {"r1", "both", f"both/{bob.number}"}
        assert CampaignAward.objects.filter(member=ada).count() == 3
        assert_clean()


class TestDates:
    def test_points_wait_as_long_as_those_of_orders(self, bob: Member) -> None:
        program(pending_days=7)
        campaign("review", trigger="review", effect=bonus(30))

        record(bob, at=day(-1))

        lot = lot_of(wallet_of(bob), "act/reported/r1")
        assert lot.active_from == day(6)
        assert lot.expires_at is not None
        assert figures(wallet_of(bob)) == {"pending": 30, "earned": 30}

    def test_an_old_act_may_lapse_at_once(self, bob: Member) -> None:
        program(expiry_policy="rolling", expiry_months=1)
        campaign("review", trigger="review", effect=bonus(30))

        record(bob, at=day(-100))

        assert [kind for kind, *_ in entries(wallet_of(bob))] == ["earn", "expire"]
        assert_clean()

    def test_the_window_holds_the_moment_of_the_act(self, bob: Member) -> None:
        made = campaign("review", trigger="review", effect=bonus(30))
        made.starts_at = day(-1)
        made.save()

        assert record(bob, "1", at=day(-1)).act.points == 30
        assert record(bob, "2", at=day(-1) - timedelta(microseconds=1)).act.points == 0


class TestArithmetic:
    def test_a_multiplied_bonus_is_multiplied_by_tier_and_factors(self, bob: Member) -> None:
        Tier.objects.filter(pk=bob.tier_id).update(multiplier=Decimal("1.5"))
        campaign("review", trigger="review", effect=bonus(33, multiplied=True))
        campaign("double", trigger="review", effect=double())
        campaign("plain", trigger="review", effect=bonus(7))

        made = record(bob).act

        assert made.points == 99 + 7
        assert parts(made) == [
            ("base", "base", 0),
            ("review", "bonus", 33),
            ("tier", "tier", 16),
            ("double", "multiplier", 50),
            ("plain", "bonus", 7),
        ]
        assert_clean()

    def test_what_multiplies_nothing_is_not_said(self, bob: Member) -> None:
        Tier.objects.filter(pk=bob.tier_id).update(multiplier=Decimal("1.5"))
        campaign("double", trigger="review", effect=double())
        campaign("plain", trigger="review", effect=bonus(7))

        assert parts(record(bob).act) == [("plain", "bonus", 7)]
        assert_clean()

    def test_points_for_each_unit_that_the_act_names(self, bob: Member) -> None:
        effect = {"type": "per_unit", "points": 500, "field": "nights"}
        campaign("hotel", trigger="hotel_stay", effect=effect)

        assert record(bob, "1", "hotel_stay", data={"nights": 3}).act.points == 1500
        assert record(bob, "2", "hotel_stay", data={"nights": -3}).act.points == 0
        assert record(bob, "3", "hotel_stay", data={"nights": "two"}).act.points == 0
        assert record(bob, "4", "hotel_stay").act.points == 500

    @pytest.mark.parametrize("units", [2**63, "1e30", "9" * 4000], ids=["2^63", "1e30", "long"])
    def test_refuses_more_than_a_wallet_holds(self, bob: Member, units: object) -> None:
        effect = {"type": "per_unit", "points": 5, "field": "nights"}
        campaign("hotel", trigger="hotel_stay", effect=effect)

        with pytest.raises(InvalidInput) as refused:
            record(bob, "1", "hotel_stay", data={"nights": units})

        assert (refused.value.pointer, refused.value.code) == ("/data", "out_of_range")
        assert Act.objects.count() == 0

    @pytest.mark.parametrize("odd", [[1], {"a": 1}, 7, None, True], ids=str)
    def test_odd_data_are_no_store(self, bob: Member, odd: object) -> None:
        Store.objects.create(code="S1", name="Store")
        campaign("review", trigger="review", effect=bonus(30), stores=["S1"])

        assert record(bob, data={"store": odd}).act.points == 0

    def test_a_store_that_is_named_is_that_of_the_entry(self, bob: Member) -> None:
        store = Store.objects.create(code="S1", name="Store")
        campaign("review", trigger="review", effect=bonus(30), stores=["S1"])

        assert record(bob, data={"store": "S1"}).act.points == 30
        assert Entry.objects.get().store == store


class TestLimits:
    def test_cut_by_the_day_of_the_act(self, bob: Member) -> None:
        campaign(
            "share",
            trigger="share",
            effect=bonus(20),
            limits={"per_member_per_day": 50, "per_member": 60},
        )

        found = [record(bob, str(n), "share").act.points for n in range(4)]
        before = record(bob, "y", "share", at=day(-1)).act

        assert (found, before.points) == ([20, 20, 10, 0], 10)
        assert parts(before) == [("share", "bonus", 20), ("share", "cap", -10)]
        assert_clean()

    def test_a_budget_is_used_up_exactly(self, bob: Member, mallory: Member) -> None:
        campaign("share", trigger="share", effect=bonus(20), limits={"budget_points": 30})

        assert [record(each, "1", "share").act.points for each in (bob, mallory)] == [20, 10]
        assert (Budget.objects.get().left, Budget.objects.get().exhausted_at) == (0, NOON)

    def test_a_goal_counts_acts_of_the_type(self, bob: Member) -> None:
        campaign(
            "three",
            trigger="share",
            effect=bonus(100),
            period_count={"period": "month", "events": 3},
        )
        record(bob, "other", "review")

        assert [record(bob, str(n), "share").act.points for n in range(4)] == [0, 0, 100, 0]


class TestOtherEffects:
    def test_status_points_lift_the_tier(self, bob: Member) -> None:
        tiering.create(
            changes={
                "code": "test-gold",
                "name": "Gold",
                "rank": 99,
                "threshold": 10**9,
                "multiplier": "2",
            }
        )
        campaign("hero", trigger="hero", effect={"type": "status_points", "points": 10**9})
        campaign("hero-too", trigger="hero", effect=bonus(10, multiplied=True))

        first, second = record(bob, "1", "hero").act, record(bob, "2", "hero").act

        bob.refresh_from_db()
        assert bob.tier.code == "test-gold"
        assert (first.status_points, first.points, second.points) == (10**9, 10, 20)
        assert entries(wallet_of(bob, "status"))[0] == ("earn", 10**9, 10**9)
        assert_clean()

    def test_a_reward_is_handed_out_while_there_are_some(self, bob: Member) -> None:
        mug = Reward.objects.create(code="mug", name="Mug", kind="gift", points=500)
        stock.set_to(row=mug, stock=1, by="", note="", at=NOON)
        campaign("survey", trigger="survey", effect={"type": "grant_reward", "reward": "mug"})

        first, second = record(bob, "1", "survey").act, record(bob, "2", "survey").act

        assert (first.points, second.points) == (0, 0)
        assert Voucher.objects.get().member == bob
        assert Redemption.objects.get().reference.endswith(f"/act/{first.pk}")
        assert list(CampaignAward.objects.order_by("id").values_list("pieces", "cut")) == [
            (1, 0),
            (0, 1),
        ]
        assert_clean()


class TestRecordAll:
    def happened(self, member: Member, reference: str = "x", **more: Any) -> Occurrence:
        facts: dict[str, Any] = {"type": "birthday", "at": NOON, **more}
        return Occurrence(member=member, reference=reference, **facts)

    def test_answers_in_the_order_given_once_each(
        self, ada: Member, bob: Member, mallory: Member
    ) -> None:
        campaign("birthday", trigger="birthday", effect=bonus(100))
        campaign("year", trigger="anniversary", effect=bonus(7))
        first = acts.record_all(occurrences=[self.happened(bob)], at=NOON)

        found = acts.record_all(
            occurrences=[
                self.happened(mallory),
                self.happened(bob),
                self.happened(mallory, "y", type="anniversary"),
                self.happened(mallory),
                self.happened(ada),
            ],
            at=NOON,
        )

        assert [(act.member, act.reference, act.points) for act in found] == [
            (mallory, "x", 100),
            (bob, "x", 100),
            (mallory, "y", 7),
            (mallory, "x", 100),
            (ada, "x", 100),
        ]
        assert found[1].pk == first[0].pk
        assert found[0] is found[3]
        assert Act.objects.filter(source="system").count() == 4
        assert entries(wallet_of(mallory)) == [("earn", 100, 100), ("earn", 7, 107)]
        assert_clean()

    def test_takes_the_same_number_of_statements_for_one_and_for_many(
        self, ada: Member, bob: Member, mallory: Member, django_assert_num_queries: Any
    ) -> None:
        campaign("birthday", trigger="birthday", effect=bonus(100), limits={"per_member": 500})

        with django_assert_num_queries(12) as one:
            acts.record_all(occurrences=[self.happened(ada)], at=NOON)
        with django_assert_num_queries(len(one)):
            acts.record_all(
                occurrences=[self.happened(each, "2") for each in (ada, bob, mallory)], at=NOON
            )

    def test_refuses_what_is_new_for_a_closed_member(self, bob: Member) -> None:
        known = acts.record_all(occurrences=[self.happened(bob)], at=NOON)
        closing.close(closing=closing.Closing(member=bob.number), by="eve", at=NOON)

        assert acts.record_all(occurrences=[self.happened(bob)], at=NOON) == known
        with pytest.raises(MemberClosed):
            acts.record_all(occurrences=[self.happened(bob, "new")], at=NOON)

    def test_of_nothing_is_nothing(self, db: None) -> None:
        assert acts.record_all(occurrences=[], at=NOON) == []

    def test_reported_and_system_references_do_not_meet(self, bob: Member) -> None:
        record(bob, "x")

        assert acts.record_all(occurrences=[self.happened(bob)], at=NOON)[0].source == "system"
        assert member_queries.by_number(bob.number) == bob
