"""When and where a voucher is good; pure, at every border."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from members.models import Store
from rewards import voucher_rules, vouchers
from rewards.models import Reward, Variant, Voucher
from rewards.voucher_errors import day_names
from tests.conftest import NOON

MICROSECOND = timedelta(microseconds=1)
MIDNIGHT = datetime(2026, 11, 21, 16, tzinfo=UTC)  # 2026-11-22 00:00 in Shanghai, a Sunday
SHANGHAI = ZoneInfo("Asia/Shanghai")


class TestActiveFrom:
    @pytest.mark.parametrize(
        ("issued_at", "days", "first"),
        [
            (MIDNIGHT - MICROSECOND, 1, MIDNIGHT),
            (MIDNIGHT, 1, MIDNIGHT + timedelta(days=1)),
            (MIDNIGHT + MICROSECOND, 1, MIDNIGHT + timedelta(days=1)),
            (MIDNIGHT, 0, None),
            # 29 February and the year's end.
            (
                datetime(2028, 2, 28, 4, tzinfo=UTC),
                1,
                datetime(2028, 2, 28, 16, tzinfo=UTC),
            ),
            (
                datetime(2026, 12, 31, 4, tzinfo=UTC),
                1,
                datetime(2026, 12, 31, 16, tzinfo=UTC),
            ),
        ],
    )
    def test_is_the_first_moment_of_the_nth_day(
        self, issued_at: datetime, days: int, first: datetime | None
    ) -> None:
        reward = Reward(valid_from_days=days)
        found = voucher_rules.active_from(reward=reward, issued_at=issued_at, zone=SHANGHAI)
        assert found == first

    @pytest.mark.parametrize(("moment", "state"), [(-1, "inactive"), (0, "active"), (1, "active")])
    def test_until_then_the_voucher_is_inactive(self, moment: int, state: str) -> None:
        voucher = Voucher(state="active", active_from=MIDNIGHT)
        assert voucher_rules.state_of(voucher, MIDNIGHT + moment * MICROSECOND) == state


class TestExpiresAt:
    @pytest.mark.parametrize(
        ("days", "until", "end"),
        [
            (None, None, None),
            (None, MIDNIGHT, MIDNIGHT),
            (3, None, MIDNIGHT + timedelta(days=3)),
            (3, MIDNIGHT + timedelta(days=2), MIDNIGHT + timedelta(days=2)),
            (3, MIDNIGHT + timedelta(days=4), MIDNIGHT + timedelta(days=3)),
        ],
    )
    def test_is_the_earlier_of_days_and_date(
        self, days: int | None, until: datetime | None, end: datetime | None
    ) -> None:
        reward = Reward(valid_days=days, valid_until=until)
        issued_at = MIDNIGHT - timedelta(hours=1)
        found = voucher_rules.expires_at(reward=reward, issued_at=issued_at, zone=SHANGHAI)
        assert found == end

    @pytest.mark.parametrize(
        ("begins", "ends", "end"),
        [
            (timedelta(hours=-2), None, timedelta()),
            (timedelta(hours=-2), timedelta(), timedelta()),
            (timedelta(hours=-2), timedelta(microseconds=1), timedelta(days=1)),
            (timedelta(), None, timedelta(days=1)),
        ],
    )
    def test_of_a_session_is_the_end_of_its_day(
        self, begins: timedelta, ends: timedelta | None, end: timedelta
    ) -> None:
        session = Variant(
            begins_at=MIDNIGHT + begins, ends_at=None if ends is None else MIDNIGHT + ends
        )
        reward = Reward(valid_days=30, valid_from_days=3, valid_until=MIDNIGHT)
        said: dict[str, Any] = {
            "reward": reward,
            "issued_at": NOON - timedelta(days=9),
            "variant": session,
        }
        assert voucher_rules.expires_at(**said, zone=SHANGHAI) == MIDNIGHT + end
        assert voucher_rules.active_from(**said, zone=SHANGHAI) is None

    def test_of_another_variant_is_as_the_reward_says(self) -> None:
        said: dict[str, Any] = {"reward": Reward(valid_days=0), "variant": Variant(name="S")}
        found = voucher_rules.expires_at(**said, issued_at=NOON, zone=SHANGHAI)
        assert found == MIDNIGHT

    def test_one_that_ends_before_it_begins_is_expired(self) -> None:
        voucher = Voucher(state="active", active_from=MIDNIGHT, expires_at=MIDNIGHT - MICROSECOND)
        assert voucher_rules.state_of(voucher, MIDNIGHT) == "expired"


class TestWhereAndWhen:
    @pytest.mark.parametrize(("moment", "is_good"), [(-1, True), (0, False), (1, False)])
    def test_days_are_the_programs(self, moment: int, is_good: bool) -> None:
        saturdays = Reward(weekdays=[6])
        at = MIDNIGHT + moment * MICROSECOND
        assert voucher_rules.is_for_day(saturdays, at, SHANGHAI) == is_good
        assert voucher_rules.is_for_day(Reward(weekdays=[]), at, SHANGHAI)

    def test_for_some_stores_it_is_good_in_no_unknown_one(self) -> None:
        reward, jingan = Reward(stores=["jingan"]), Store(code="jingan")
        assert voucher_rules.is_for_store(reward, jingan)
        assert not voucher_rules.is_for_store(reward, Store(code="pudong"))
        assert not voucher_rules.is_for_store(reward, None)
        assert voucher_rules.is_for_store(Reward(stores=[]), None)

    def test_its_own_amount_goes_before_its_rewards(self) -> None:
        reward = Reward(discount_amount=Decimal(20))
        assert voucher_rules.amount_of(Voucher(reward=reward)) == Decimal(20)
        own = Voucher(reward=reward, amount=Decimal("3.12"))
        assert voucher_rules.amount_of(own) == Decimal("3.12")


class TestCodes:
    def test_a_partners_code_is_shown_as_it_was_written(self) -> None:
        assert vouchers.pretty("Movie-2026-a") == "Movie-2026-a"
        assert vouchers.pretty("ABCDEFGH-1234567") == "ABCDEFGH-1234567"

    @pytest.mark.parametrize(
        ("code", "shown"),
        [("HJ7K3P94WQ3M7KXA", "•••• 7KXA"), ("AB123456", "•••• 56"), ("AB", "••••")],
    )
    def test_are_masked_so_that_nobody_can_use_them(self, code: str, shown: str) -> None:
        assert vouchers.masked(code) == shown


@pytest.mark.parametrize(
    ("days", "english", "chinese"),
    [
        ([3], "Wednesday", "星期三"),
        ([6, 7], "Saturday and Sunday", "星期六和星期日"),
        ([1, 2, 3, 4, 5], "Monday to Friday", "星期一至星期五"),
        ([7, 3, 2, 1], "Monday to Wednesday and Sunday", "星期一至星期三和星期日"),
        ([1, 3, 5], "Monday, Wednesday and Friday", "星期一、星期三和星期五"),
    ],
)
def test_days_are_said_as_people_do(days: list[int], english: str, chinese: str) -> None:
    assert day_names(days) == chinese
    with translation.override("en"):
        assert day_names(days) == english
