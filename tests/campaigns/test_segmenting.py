"""Who is in a segment: every field at its boundaries, live and kept alike, groups, and what it costs."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import segment_rules, segmenting
from campaigns.models import Segment, SegmentMember
from campaigns.tasks import refresh_segments
from loyalty import awarding, refunds
from loyalty.models import Order
from loyalty.refunds import RefundFacts
from members import enrolment, lifecycle, queries, stores
from members.errors import NotFound
from members.models import Member, Tier
from tests.campaigns import builders
from tests.conftest import NOON
from tests.loyalty.builders import figures, wallet_of

TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)


def enrolled(name: str = "X", at: datetime = NOON, **said: Any) -> Member:
    number = Member.objects.count() + 1
    newcomer = enrolment.Newcomer(phone=f"+86137{number:08d}", name=name, enrolled_at=at, **said)
    return enrolment.enrol(newcomer=newcomer, at=at)


def bought(member: Member, at: datetime = NOON, amount: str = "100.00", **more: Any) -> Order:
    """A stored order of a member, as a till reported it."""
    return Order.objects.create(
        member=member,
        number=str(Order.objects.count() + 1),
        placed_at=at,
        amount=Decimal(amount),
        **more,
    )


def given(member: Member, points: int) -> None:
    awarding.award(
        member=member, points=points, reference="gift", details={}, expires_at=None, at=NOON
    )


def is_in(
    member: Member, field: str, op: str, value: Any, at: datetime = NOON, **more: Any
) -> bool:
    """Whether one condition holds, asked in all the ways there are."""
    rules = segment_rules.checked({"all": [{"field": field, "op": op, "value": value, **more}]})
    segment, _ = Segment.objects.update_or_create(
        code="probe", defaults={"name": "Probe", "rules": rules}
    )
    live = "probe" in segmenting.codes_of(members=[member.pk], codes=["probe"], at=at)[member.pk]
    matching = segmenting.members_matching(rules=rules, at=at)
    segmenting.refresh(segment=segment, at=at)
    kept = SegmentMember.objects.filter(segment=segment, member=member)
    assert live is matching.filter(pk=member.pk).exists() is kept.exists()
    opposite = segment_rules.checked({"not": {"all": [{**rules["all"][0]}]}})
    other = segmenting.members_matching(rules=opposite, at=at)
    assert other.filter(pk=member.pk).exists() is not live
    return live


class TestDays:
    @pytest.mark.parametrize(
        ("op", "value", "before", "exactly", "after"),
        [
            ("gt", 90, False, False, True),
            ("gte", 90, False, True, True),
            ("lt", 90, True, False, False),
            ("lte", 90, True, True, False),
            ("between", [90, 91], False, True, True),
            ("between", [89, 90], True, True, False),
        ],
    )
    def test_are_spans_of_24_hours_exact_to_the_moment(
        self, db: None, op: str, value: Any, before: bool, exactly: bool, after: bool
    ):
        member = enrolled(at=NOON)
        bought(member, NOON)
        for field in ("days_since_last_order", "days_since_enrolled"):
            for shift, wanted in ((-TICK, before), (timedelta(0), exactly), (TICK, after)):
                assert is_in(member, field, op, value, NOON + 90 * DAY + shift) is wanted

    def test_since_the_last_order_count_from_the_latest(self, db: None):
        member = enrolled()
        bought(member, NOON - 200 * DAY)
        bought(member, NOON - 10 * DAY)

        assert not is_in(member, "days_since_last_order", "gt", 90)
        assert is_in(member, "days_since_last_order", "lte", 10)

    @pytest.mark.parametrize(
        ("op", "value", "wanted"),
        [
            ("gt", 36_500, True),
            ("gte", 0, True),
            ("lt", 36_500, False),
            ("lte", 36_500, False),
            ("between", [0, 36_500], False),
        ],
    )
    def test_who_never_bought_is_longer_ago_than_any_number(
        self, db: None, op: str, value: Any, wanted: bool
    ):
        assert is_in(enrolled(), "days_since_last_order", op, value) is wanted

    def test_an_order_that_comes_later_does_not_count_yet(self, db: None):
        member = enrolled()
        bought(member, NOON + TICK)

        assert is_in(member, "orders", "eq", 0)
        assert is_in(member, "orders", "eq", 1, NOON + TICK)


class TestOrders:
    @pytest.mark.parametrize(
        ("status", "counts"),
        [
            ("created", 0),
            ("paid", 1),
            ("shipped", 1),
            ("completed", 1),
            ("cancelled", 0),
            ("partially_refunded", 1),
            ("refunded", 0),
        ],
    )
    def test_count_when_something_was_bought(self, db: None, status: str, counts: int):
        member = enrolled()
        bought(member, status=status)

        assert is_in(member, "orders", "eq", counts)
        assert is_in(member, "days_since_last_order", "gt", 10) is not bool(counts)

    @pytest.mark.parametrize(
        ("op", "value", "wanted"),
        [
            ("eq", 2, True),
            ("ne", 2, False),
            ("gt", 2, False),
            ("gt", 1, True),
            ("gte", 2, True),
            ("gte", 3, False),
            ("lt", 2, False),
            ("lt", 3, True),
            ("lte", 2, True),
            ("lte", 1, False),
            ("between", [2, 5], True),
            ("between", [0, 1], False),
        ],
    )
    def test_are_compared(self, db: None, op: str, value: Any, wanted: bool):
        member = enrolled()
        bought(member)
        bought(member)

        assert is_in(member, "orders", op, value) is wanted

    @pytest.mark.parametrize(("shift", "counted"), [(-TICK, 1), (timedelta(0), 1), (TICK, 0)])
    def test_within_days_count_from_the_moment_itself(
        self, db: None, shift: timedelta, counted: int
    ):
        member = enrolled()
        bought(member, NOON, "80.00")
        at = NOON + 30 * DAY + shift

        assert is_in(member, "orders", "eq", counted, at, days=30)
        assert is_in(member, "spend", "eq", f"{80 * counted}.00", at, days=30)
        assert is_in(member, "orders", "eq", 1, at)

    def test_money_is_what_was_not_given_back(self, db: None):
        member = enrolled()
        bought(
            member, amount="100.00", refunded_amount=Decimal("30.01"), status="partially_refunded"
        )
        bought(member, amount="50.00")
        bought(member, amount="70.00", refunded_amount=Decimal("70.00"), status="refunded")

        assert is_in(member, "spend", "eq", "119.99")
        assert is_in(member, "average_order", "between", ["59.99", "60.00"])
        assert not is_in(member, "spend", "gt", "119.99")

    def test_who_has_no_order_has_spent_nothing_and_has_no_average(self, db: None):
        member = enrolled()

        assert is_in(member, "spend", "eq", "0.00")
        assert is_in(member, "spend", "lt", "1.00", days=7)
        assert not is_in(member, "average_order", "lt", "1.00")
        assert not is_in(member, "average_order", "eq", "0.00")

    def test_stores_are_those_of_the_orders(self, db: None):
        for code in ("SH-1", "SH-2"):
            stores.create(changes={"code": code, "name": code})
        member = enrolled(store="SH-2")
        bought(member, store=queries.store("SH-1"))
        later = NOON + 8 * DAY

        assert is_in(member, "bought_in", "in", ["SH-1", "SH-2"])
        assert not is_in(member, "bought_in", "eq", "SH-2")
        assert is_in(member, "bought_in", "not_in", ["SH-2"])
        assert not is_in(member, "bought_in", "in", "SH-1", later, days=7)
        assert is_in(member, "store", "eq", "SH-2")
        assert is_in(member, "store", "ne", "SH-1")

    def test_orders_of_others_and_of_nobody_do_not_count(self, db: None):
        member, other = enrolled(), enrolled()
        bought(other)
        Order.objects.create(number="walk-in", placed_at=NOON, amount=5)

        assert is_in(member, "orders", "eq", 0)

    def test_come_from_the_verbs_too(self, ada: Member):
        order = builders.place("1", "60.00", member=ada)
        assert is_in(ada, "spend", "eq", "60.00")
        back = RefundFacts(reference="R", at=NOON, amount=Decimal(20), lines=None)
        refunds.refund(source=order.source, number=order.number, facts=back, now=NOON)

        assert is_in(ada, "spend", "eq", "40.00")
        assert is_in(ada, "orders", "eq", 1)


class TestPoints:
    def test_are_those_of_the_wallets(self, ada: Member):
        assert figures(wallet_of(ada)) == {"active": 1000, "earned": 1000}
        assert is_in(ada, "active", "eq", 1000)
        assert not is_in(ada, "active", "gt", 1000)
        assert is_in(ada, "earned", "gte", 1000)
        for name in ("pending", "debt", "spent", "expired", "status_points"):
            assert is_in(ada, name, "eq", 0)

    def test_status_points_are_those_of_the_other_wallet(self, ada: Member):
        builders.place("1", "60.00", member=ada)

        assert is_in(ada, "status_points", "eq", 60)
        assert is_in(ada, "active", "eq", 1060)


class TestPerson:
    def test_tier(self, bob: Member):
        assert is_in(bob, "tier", "eq", "base")
        assert is_in(bob, "tier", "not_in", ["gold", "silver"])
        Member.objects.filter(pk=bob.pk).update(tier=Tier.objects.get(code="gold"))
        assert is_in(bob, "tier", "in", ["gold", "silver"])
        assert not is_in(bob, "tier", "ne", "gold")

    def test_channel_store_and_tags(self, db: None):
        member = enrolled(channel="app", tags=["vip", "coffee"])

        assert is_in(member, "channel", "in", ["app", "web"])
        assert is_in(member, "channel", "ne", "web")
        assert is_in(member, "tags", "has", "vip")
        assert is_in(member, "tags", "has", ["tea", "coffee"])
        assert not is_in(member, "tags", "has", "tea")
        assert is_in(member, "tags", "has_none", ["tea"])
        stores.create(changes={"code": "S", "name": "S"})
        assert is_in(member, "store", "not_in", ["S"])

    def test_status(self, bob: Member):
        assert is_in(bob, "status", "eq", "active")
        lifecycle.freeze(member=bob, reason="", by="", at=NOON)
        assert is_in(bob, "status", "eq", "frozen")
        assert not is_in(bob, "status", "in", ["active"])

    @pytest.mark.parametrize(
        ("birthday", "today", "days"),
        [
            (date(1990, 5, 1), date(2026, 5, 1), 0),
            (date(1990, 5, 1), date(2026, 4, 30), 1),
            (date(1990, 5, 1), date(2026, 5, 2), 364),
            (date(1990, 1, 1), date(2026, 12, 31), 1),
            (date(1992, 2, 29), date(2028, 2, 28), 1),
            (date(1992, 2, 29), date(2027, 2, 28), 0),
            (date(1992, 2, 29), date(2027, 3, 1), 365),
            (date(2026, 5, 1), date(2026, 4, 30), 1),
        ],
    )
    def test_days_until_the_birthday(self, db: None, birthday: date, today: date, days: int):
        member = enrolled(birthday=None)
        Member.objects.filter(pk=member.pk).update(birthday=birthday)
        at = datetime(today.year, today.month, today.day, 4, 0, tzinfo=UTC)

        assert is_in(member, "days_until_birthday", "eq", days, at)

    @pytest.mark.parametrize(
        ("at", "month"),
        [
            (datetime(2026, 4, 30, 15, 59, 59, 999_999, tzinfo=UTC), 4),
            (datetime(2026, 4, 30, 16, 0, tzinfo=UTC), 5),  # midnight in Shanghai
        ],
    )
    def test_this_month_is_that_of_the_programs_clock(self, db: None, at: datetime, month: int):
        member = enrolled(birthday=date(1990, 5, 1))

        assert is_in(member, "birthday_month", "eq", "this", at) is (month == 5)
        assert is_in(member, "birthday_month", "in", [5, 6], at)
        assert not is_in(member, "birthday_month", "not_in", [5, 6], at)

    def test_an_unknown_birthday_is_in_no_month(self, bob: Member):
        assert not is_in(bob, "birthday_month", "in", list(range(1, 13)))
        assert is_in(bob, "birthday_month", "ne", 5)
        assert not is_in(bob, "days_until_birthday", "lte", 366)
        assert is_in(bob, "birthday_known", "eq", False)
        assert is_in(bob, "birthday_known", "ne", True)


class TestGroups:
    def test_of_conditions(self, ada: Member, bob: Member):
        rich = {"field": "active", "op": "gt", "value": 500}
        buyer = {"field": "orders", "op": "gt", "value": 0}
        bought(bob)
        both: dict[str, Any] = {"all": [rich, buyer]}

        def found(rules: Any) -> set[str]:
            members = segmenting.members_matching(rules=segment_rules.checked(rules), at=NOON)
            return {each.name for each in members}

        assert found(both) == set()
        assert found({"any": [rich, buyer]}) == {"Ada", "Bob"}
        assert found({"not": both}) == {"Ada", "Bob"}
        assert found({"not": {"any": [rich, buyer]}}) == set()
        assert found({"all": [rich, {"not": buyer}]}) == {"Ada"}
        assert found({"all": []}) == {"Ada", "Bob"}
        assert found({"not": {"all": []}}) == set()

    def test_of_segments_exclude_each_other_by_position(self, ada: Member, bob: Member):
        everybody: dict[str, Any] = {"all": []}
        rich = {"all": [{"field": "active", "op": "gt", "value": 500}]}
        Segment.objects.create(code="rest", name="x", rules=everybody, group="g", position=2)
        Segment.objects.create(code="rich", name="x", rules=rich, group="g", position=1)
        Segment.objects.create(code="free", name="x", rules=everybody)
        codes = ["rest", "rich", "free"]

        live = segmenting.codes_of(members=[ada.pk, bob.pk], codes=codes, at=NOON)
        segmenting.refresh_all(at=NOON)

        assert live == {ada.pk: {"rich", "free"}, bob.pk: {"rest", "free"}}
        assert segmenting.codes_of(members=[ada.pk], codes=["rest"], at=NOON) == {ada.pk: set()}
        assert kept(codes) == {("rich", "Ada"), ("free", "Ada"), ("rest", "Bob"), ("free", "Bob")}


def kept(codes: list[str]) -> set[tuple[str, str]]:
    rows = SegmentMember.objects.filter(segment__code__in=codes)
    return set(rows.values_list("segment__code", "member__name"))


CLASSIC = ["dormant", "high_value", "potential", "new"]


class TestClassic:
    @pytest.mark.parametrize(
        ("points", "orders", "last", "days", "wanted"),
        [
            (10_001, 1, 91, 400, "dormant"),
            (10_001, 0, 0, 400, "dormant"),
            (10_000, 1, 91, 400, "potential"),
            (10_001, 1, 90, 400, "potential"),
            (20_001, 6, 91, 400, "dormant"),
            (20_001, 6, 5, 400, "high_value"),
            (20_001, 5, 5, 400, None),
            (20_000, 6, 5, 400, None),
            (5_001, 1, 5, 400, "potential"),
            (5_001, 2, 5, 400, None),
            (5_000, 1, 5, 400, None),
            (5_001, 1, 5, 3, "potential"),
            (0, 0, 0, 29, "new"),
            (0, 0, 0, 30, None),
            (0, 9, 1, 0, "new"),
        ],
    )
    def test_are_evaluated_in_their_order(
        self, db: None, points: int, orders: int, last: int, days: int, wanted: str | None
    ):
        member = enrolled(at=NOON - days * DAY)
        if points:
            given(member, points)
        for _ in range(orders):
            bought(member, NOON - last * DAY)

        live = segmenting.codes_of(members=[member.pk], codes=CLASSIC, at=NOON)
        segmenting.refresh_all(at=NOON)

        assert live == {member.pk: {wanted} if wanted else set()}
        assert kept(CLASSIC) == ({(wanted, "X")} if wanted else set())

    def test_have_names_and_rules_that_the_merchant_may_change(self, db: None):
        shipped = list(Segment.objects.order_by("position").values_list("code", "name"))

        assert shipped == [
            ("dormant", "沉睡会员"),
            ("high_value", "高价值会员"),
            ("potential", "潜力会员"),
            ("new", "新会员"),
        ]
        for segment in Segment.objects.all():
            assert segment_rules.checked(segment.rules) == segment.rules


class TestRefresh:
    def test_writes_only_what_changed(self, ada: Member, bob: Member):
        segment = Segment.objects.get(code="new")
        segmenting.refresh(segment=segment, at=NOON)
        before = dict(SegmentMember.objects.values_list("member__name", "pk"))
        carol = enrolled("Carol")
        Member.objects.filter(pk=bob.pk).update(enrolled_at=NOON - 40 * DAY)

        segment = segmenting.refresh(segment=segment, at=NOON + TICK)

        after = dict(SegmentMember.objects.values_list("member__name", "pk"))
        assert set(before) == {"Ada", "Bob"}
        assert set(after) == {"Ada", "Carol"}
        assert after["Ada"] == before["Ada"]
        assert carol.pk
        assert (segment.size, segment.refreshed_at) == (2, NOON + TICK)

    def test_leaves_out_closed_members(self, bob: Member):
        Member.objects.filter(pk=bob.pk).update(status="closed")
        segmenting.refresh_all(at=NOON)

        assert not SegmentMember.objects.exists()
        assert segmenting.codes_of(members=[bob.pk], codes=CLASSIC, at=NOON) == {}
        assert Segment.objects.get(code="new").size == 0

    def test_leaves_a_segment_alone_that_is_changed_meanwhile(self, bob: Member):
        segment = Segment.objects.get(code="new")
        Segment.objects.filter(pk=segment.pk).update(rules={"all": []})

        segmenting.refresh_these(segments=[segment], at=NOON)

        assert not SegmentMember.objects.exists()
        assert Segment.objects.get(code="new").refreshed_at is None

    def test_the_task_of_the_timetable_refreshes_all(self, bob: Member):
        assert refresh_segments() == 4
        assert Segment.objects.filter(refreshed_at__isnull=False).count() == 4

    def test_takes_as_many_statements_for_many_as_for_one(self, bob: Member):
        def statements(work: Callable[[], Any]) -> int:
            with CaptureQueriesContext(connection) as captured:
                work()
            return len(captured)

        def live() -> Any:
            members = list(Member.objects.values_list("pk", flat=True))
            return segmenting.codes_of(members=members, codes=CLASSIC, at=NOON)

        few = statements(lambda: segmenting.refresh_all(at=NOON)), statements(live)
        for number in range(20):
            bought(enrolled(f"N{number}"), NOON)

        assert (statements(lambda: segmenting.refresh_all(at=NOON)), statements(live)) == few
        assert few[1] <= 5

    def test_by_20_at_once_leaves_one_of_each(self, committed_db: Any):
        for code in ("a", "b"):
            Segment.objects.create(code=code, name=code, rules={"all": []})
        for number in range(30):
            enrolled(f"N{number}")

        results = committed_db.run_parallel(lambda _: segmenting.refresh_all(at=NOON), 20)

        assert {type(each) for each in results} == {int}
        assert SegmentMember.objects.filter(segment__code="a").count() == 30
        assert SegmentMember.objects.filter(segment__code="b").count() == 30
        assert Segment.objects.get(code="a").size == 30


class TestWithin:
    def test_is_live_in_a_small_shop_and_kept_in_a_large_one(
        self, bob: Member, monkeypatch: pytest.MonkeyPatch
    ):
        def found() -> list[str]:
            members = segmenting.within(members=Member.objects.all(), code="new", at=NOON)
            return [each.name for each in members]

        assert found() == ["Bob"]
        monkeypatch.setattr(segmenting, "SMALL", 0)
        assert found() == []
        segmenting.refresh_all(at=NOON)
        assert found() == ["Bob"]
        Member.objects.filter(pk=bob.pk).update(status="closed")
        assert found() == []

    def test_refuses_a_segment_that_is_not_there(self, db: None):
        with pytest.raises(NotFound):
            segmenting.within(members=Member.objects.all(), code="nothing", at=NOON)

    def test_of_unknown_codes_or_nobody_there_is_nothing_to_say(self, bob: Member):
        assert segmenting.codes_of(members=[bob.pk], codes=["nothing", "\x00"], at=NOON) == {}
        assert segmenting.codes_of(members=[], codes=CLASSIC, at=NOON) == {}
