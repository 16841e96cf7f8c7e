"""What tiers give by themselves: once a period, on reaching the tier, on the birthday."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from campaigns import benefits
from campaigns.models import BenefitGrant
from loyalty import closing, merging, ordering, tier_grants
from loyalty.models import Entry
from members import enrolment
from members.benefits import of_tier
from members.enrolment import Newcomer
from members.models import Member, Tier
from rewards import stock, vouchers
from rewards.models import Reward, Voucher
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean, day, entries, figures, wallet_of
from tests.loyalty.builders import order as order_facts
from tests.loyalty.test_races import outcomes
from tests.tills import Till, till

CENT = {"code": "cent", "kind": "yearly_gift", "name": "年礼", "points": 100}
COUPON = {"code": "ten", "kind": "monthly_coupon", "name": "月券", "reward": "ten"}
BIRTHDAY = {"code": "cake", "kind": "birthday_gift", "name": "生日礼", "points": 66}
SHIPPING = {"code": "ship", "kind": "free_shipping", "name": "包邮"}


def gives(tier: str, *said: dict[str, Any]) -> Tier:
    found = Tier.objects.get(code=tier)
    found.benefits = list(said)
    found.save()
    return found


def coupon(pieces: int | None = None) -> Reward:
    reward = Reward.objects.create(
        code="ten", name="¥10", kind="coupon", points=500, valid_days=30
    )
    return stock.set_to(row=reward, stock=pieces, by="", note="", at=NOON)


def spend(member: Member, amount: str, number: str = "1", **more: Any) -> None:
    ordering.place(order=order_facts(number, amount, member=member, **more), at=NOON)


def given() -> list[tuple[str, str]]:
    return list(BenefitGrant.objects.order_by("id").values_list("benefit", "period"))


class TestReading:
    def test_knows_how_often_each_kind_is_given(self, db: None) -> None:
        tier = gives(
            "silver",
            CENT,
            COUPON,
            BIRTHDAY,
            SHIPPING,
            {**COUPON, "code": "w", "period": "weekly"},
            {**COUPON, "code": "o", "kind": "thing", "reward": None},
        )

        found = [(each.code, each.period, each.is_given) for each in of_tier(tier)]

        assert found == [
            ("cent", "year", True),
            ("ten", "month", True),
            ("cake", "year", True),
            ("ship", "ever", False),
            ("w", "week", True),
            ("o", "ever", False),
        ]


class TestReached:
    def test_gives_with_the_order_that_reached_the_tier(self, bob: Member) -> None:
        coupon()
        gives("silver", CENT, COUPON, SHIPPING, BIRTHDAY)

        spend(bob, "5000.00")

        assert given() == [("cent", "2026"), ("ten", "2026-11")]
        assert entries(wallet_of(bob)) == [("earn", 5000, 5000), ("earn", 100, 5100)]
        entry = Entry.objects.get(points=100)
        assert (entry.reference, entry.details["title"]) == ("benefit/cent/2026", "年礼")
        assert Voucher.objects.get().expires_at is not None
        assert_clean()

    def test_of_an_imported_history_only_what_is_held_now_for_now(self, bob: Member) -> None:
        gives("silver", CENT)
        gives("gold", {**CENT, "code": "gold-cent"})
        orders = [
            order_facts("1", "5000.00", member=bob, placed_at=day(-800)),
            order_facts("2", "20000.00", member=bob, placed_at=day(-100)),
        ]

        ordering.place_all(orders=orders, at=NOON)

        assert given() == [("gold-cent", "2026")]
        assert Entry.objects.get(reference="benefit/gold-cent/2026").at == NOON
        assert_clean()

    def test_a_benefit_of_two_tiers_is_given_once_a_period(self, bob: Member) -> None:
        gives("silver", CENT)
        gives("gold", CENT)

        spend(bob, "5000.00")
        spend(bob, "20000.00", "2")

        assert given() == [("cent", "2026")]

    def test_given_by_hand_a_tier_gives_too(self, bob: Member) -> None:
        gold = gives("gold", CENT)

        tier_grants.give(member=bob, tier=gold, until=None, reason="", by="eve", at=NOON)

        assert figures(wallet_of(bob))["active"] == 100
        assert_clean()


class TestKeep:
    def holder(self, bob: Member) -> Member:
        spend(bob, "5000.00")
        return bob

    def test_gives_to_everybody_who_holds_the_tier_once_a_period(self, bob: Member) -> None:
        self.holder(bob)
        coupon()
        gives("silver", COUPON)

        found = [
            benefits.keep(at=at)
            for at in (
                NOON,
                NOON,
                datetime(2026, 11, 30, 15, 59, 59, tzinfo=UTC),
                datetime(2026, 11, 30, 16, 0, tzinfo=UTC),
                datetime(2026, 12, 31, 16, 0, tzinfo=UTC),
            )
        ]

        assert found == [1, 0, 0, 1, 1]
        assert [period for _, period in given()] == ["2026-11", "2026-12", "2027-01"]

    def test_lower_tiers_and_closed_members_get_nothing(
        self, bob: Member, mallory: Member
    ) -> None:
        self.holder(bob)
        asked = closing.Closing(member=bob.number, forfeit=True)
        closing.close(closing=asked, by="eve", at=NOON)
        gives("silver", CENT)

        assert benefits.keep(at=NOON) == 0

    def test_a_tier_whose_fall_is_due_gives_nothing_more(self, bob: Member) -> None:
        Tier.objects.filter(code="silver").update(downgrade="to_eligible")
        self.holder(bob)
        gives("silver", CENT)
        bob.refresh_from_db()
        assert bob.tier_review_at is not None

        assert benefits.keep(at=bob.tier_review_at) == 0
        assert benefits.keep(at=bob.tier_review_at - timedelta(microseconds=1)) == 1

    def test_an_empty_shelf_costs_the_same_for_any_number_of_members(
        self, bob: Member, mallory: Member, django_assert_num_queries: Any
    ) -> None:
        gives("base", {**COUPON, "reward": "unknown"})

        # The program, the tiers, the shelf: nobody is locked or looked at.
        with django_assert_num_queries(3):
            assert benefits.keep(at=NOON) == 0

    def test_what_is_out_of_stock_waits(self, bob: Member, mallory: Member) -> None:
        for member in (bob, mallory):
            spend(member, "5000.00", member.number)
        reward = coupon(1)
        gives("silver", COUPON, {**COUPON, "code": "none", "reward": "unknown"})

        assert benefits.keep(at=NOON, limit=1) == 1
        stock.set_to(row=reward, stock=5, by="", note="", at=NOON)
        assert benefits.keep(at=NOON) == 1
        assert Voucher.objects.count() == BenefitGrant.objects.count() == 2
        assert_clean()

    def test_goes_on_set_by_set(self, db: None) -> None:
        gives("base", CENT)
        for n in range(5):
            enrolment.enrol(newcomer=Newcomer(phone=f"+86137{n:08d}"), at=NOON)

        assert benefits.keep(at=NOON, limit=2) == 5
        assert_clean()


class TestBirthday:
    def member(self, birthday: date) -> Member:
        return enrolment.enrol(
            newcomer=Newcomer(phone="+8613700000000", birthday=birthday), at=day(-100)
        )

    @pytest.mark.parametrize(
        ("birthday", "count"),
        [
            (date(1990, 11, 22), 0),
            (date(1990, 11, 21), 1),
            (date(1990, 11, 7), 1),
            (date(1990, 11, 6), 0),
        ],
        ids=str,
    )
    def test_is_given_on_the_day_and_made_up_for(self, birthday: date, count: int) -> None:
        gives("base", BIRTHDAY)
        self.member(birthday)

        assert (benefits.keep(at=NOON), benefits.keep(at=NOON)) == (count, 0)

    def test_an_edited_birthday_gives_no_second_gift(self, db: None) -> None:
        gives("base", BIRTHDAY)
        bob = self.member(date(1990, 11, 21))
        benefits.keep(at=NOON)

        enrolment.change(member=bob, changes={"birthday": date(1990, 11, 25)}, at=NOON)

        assert benefits.keep(at=day(4)) == 0
        assert given() == [("cake", "2026")]

    @pytest.fixture(autouse=True)
    def _db(self, db: None) -> None:
        """All of them need the database."""


class TestTwoWorkers:
    def test_at_once_give_each_benefit_once(self, committed_db: Any) -> None:
        gives("base", CENT, BIRTHDAY)
        newcomers = [Newcomer(phone=f"+86137{n:08d}") for n in range(20)]
        enrolment.enrol_all(newcomers=newcomers, at=NOON)

        results = committed_db.run_parallel(
            lambda _: benefits.keep(at=NOON, limit=6), 4, connections_at_once=4
        )

        assert outcomes(results) == {"int": 4}
        assert sum(results) == BenefitGrant.objects.count() == 20
        assert_clean()


class TestShown:
    @time_machine.travel(NOON, tick=False)
    def test_over_the_api_with_what_is_used_and_left(self, till: Till, bob: Member) -> None:
        coupon()
        gives("silver", COUPON, SHIPPING)
        spend(bob, "5000.00")
        voucher = Voucher.objects.get()

        first = till.get(f"members/{bob.number}/tier").json()["benefits"]
        vouchers.use(code=voucher.code, store=None, reference="", used_by="eve", at=NOON)
        then = till.get(f"members/{bob.number}/tier").json()["benefits"]

        assert first == [
            {**COUPON, "granted_at": "2026-11-21T12:00:00+08:00", "used": 0, "left": 1},
            SHIPPING,
        ]
        assert (then[0]["used"], then[0]["left"]) == (1, 0)

    def test_goes_along_when_members_are_merged(self, ada: Member, bob: Member) -> None:
        gives("silver", CENT)
        spend(bob, "5000.00")

        merging.merge(source=bob.number, into=ada.number, by="eve", at=NOON)

        assert benefits.keep(at=NOON) == 0
        assert BenefitGrant.objects.get().member == ada
        assert_clean()


__all__ = ["till"]
