import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, transaction
from django.utils import translation

from loyalty import programs
from loyalty.errors import WalletFrozen
from members import codes
from members.errors import InvalidInput, MemberClosed, NotFound, ReferenceReused
from members.models import Member, Store
from rewards import redemption, vouchers
from rewards.errors import AlreadyUsed, VoucherExpired, VoucherVoid
from rewards.models import Redemption, Reward, Voucher
from tests.rewards.conftest import new_reward

MICROSECOND = timedelta(microseconds=1)
MIDNIGHT = datetime(2026, 11, 21, 16, tzinfo=UTC)  # 2026-11-22 00:00 in Shanghai
SHANGHAI = ZoneInfo("Asia/Shanghai")

Redeem = Callable[..., Redemption]
Everything = Callable[[], list[Any]]


def use(voucher: Voucher, at: datetime, **said: Any) -> Voucher:
    wish: dict[str, Any] = {"store": None, "reference": "", "used_by": "till 3"}
    return vouchers.use(code=voucher.code, at=at, **(wish | said))


@pytest.fixture
def voucher(ada: Member, cake: Reward, redeem: Redeem) -> Voucher:
    """A voucher of Ada's, good until the end of 2026-12-21."""
    redeem(ada, cake, "r1")
    return Voucher.objects.get()


class TestCodes:
    def test_have_sixteen_characters_nobody_confuses(self) -> None:
        made = {vouchers.generate() for _ in range(1000)}
        assert len(made) == 1000
        assert all(re.fullmatch(f"[{codes.ALPHABET}]{{16}}", code) for code in made)

    def test_are_shown_in_groups_of_four(self) -> None:
        assert vouchers.pretty("HJ7K3P94WQ3M7KXA") == "HJ7K 3P94 WQ3M 7KXA"

    @pytest.mark.parametrize(
        "typed", ["hj7k 3p94 wq3m 7kxa", "HJ7K-3P94-WQ3M-7KXA", "\tＨＪ７Ｋ３Ｐ９４wq3m7kxa\n"]
    )
    def test_may_be_typed_as_people_do(self, typed: str) -> None:
        assert vouchers.normalise(typed) == "HJ7K3P94WQ3M7KXA"


class TestValidity:
    @pytest.mark.parametrize(
        ("issued_at", "days", "last_day"),
        [
            (MIDNIGHT - MICROSECOND, 1, (2026, 11, 22)),
            (MIDNIGHT, 1, (2026, 11, 23)),
            (MIDNIGHT + MICROSECOND, 1, (2026, 11, 23)),
            (MIDNIGHT - MICROSECOND, 0, (2026, 11, 21)),
            (MIDNIGHT, 0, (2026, 11, 22)),
            (MIDNIGHT, 30, (2026, 12, 22)),
            (datetime(2027, 12, 31, 4, tzinfo=UTC), 60, (2028, 2, 29)),  # over a leap day
            (datetime(2026, 12, 31, 15, 59, tzinfo=UTC), 1, (2027, 1, 1)),  # over the year's end
        ],
    )
    def test_lasts_to_the_end_of_the_nth_day_of_the_program(
        self, issued_at: datetime, days: int, last_day: tuple[int, int, int]
    ) -> None:
        reward = Reward(valid_days=days)
        until = vouchers.expires_at(reward=reward, issued_at=issued_at, zone=SHANGHAI)
        assert until == datetime(*last_day, tzinfo=SHANGHAI) + timedelta(days=1)

    def test_without_days_never_ends(self) -> None:
        reward = Reward(valid_days=None)
        assert vouchers.expires_at(reward=reward, issued_at=MIDNIGHT, zone=SHANGHAI) is None

    def test_follows_the_clocks_of_the_program(self) -> None:
        berlin = ZoneInfo("Europe/Berlin")
        issued_at = datetime(
            2027, 3, 27, 12, tzinfo=berlin
        )  # the night before an hour is left out
        until = vouchers.expires_at(reward=Reward(valid_days=1), issued_at=issued_at, zone=berlin)
        assert until == datetime(2027, 3, 28, 22, tzinfo=UTC)

    def test_is_stored_with_the_voucher(self, voucher: Voucher) -> None:
        assert voucher.expires_at == datetime(2026, 12, 21, 16, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("moment", "is_good"),
        [(-MICROSECOND, True), (0 * MICROSECOND, False), (MICROSECOND, False)],
    )
    def test_ends_with_the_first_moment_of_the_next_day(
        self, voucher: Voucher, moment: timedelta, is_good: bool
    ) -> None:
        assert voucher.expires_at is not None
        at = voucher.expires_at + moment
        assert vouchers.state_of(voucher, at) == ("active" if is_good else "expired")
        if is_good:
            assert use(voucher, at).state == "used"
        else:
            with pytest.raises(VoucherExpired) as refusal:
                use(voucher, at)
            assert refusal.value.data == {"expires_at": "2026-12-22T00:00:00+08:00"}
            assert Voucher.objects.get().state == "active"


class TestUse:
    def test_writes_down_when_where_and_by_whom(
        self, voucher: Voucher, store: Store, noon: datetime
    ) -> None:
        used = use(voucher, noon, store="SH-1", reference="sale-9", used_by="u" * 200)
        used.refresh_from_db()
        assert (used.state, used.used_at, used.used_store) == ("used", noon, store)
        assert (used.used_reference, used.used_by) == ("sale-9", "u" * 150)

    def test_takes_no_points(
        self, voucher: Voucher, ada: Member, noon: datetime, active: Callable[[Member], int]
    ) -> None:
        use(voucher, noon)
        assert active(ada) == 700

    def test_understands_the_code_however_it_is_typed(
        self, voucher: Voucher, noon: datetime
    ) -> None:
        typed = vouchers.pretty(voucher.code).lower().replace(" ", "-")
        used = vouchers.use(code=typed, store=None, reference="", used_by="", at=noon)
        assert used == voucher

    def test_twice_is_refused_with_time_and_place(
        self, voucher: Voucher, store: Store, noon: datetime, everything: Everything
    ) -> None:
        use(voucher, noon, store="SH-1")
        before = everything()
        with pytest.raises(AlreadyUsed) as refusal:
            use(voucher, noon + timedelta(days=1))
        assert refusal.value.data == {
            "used_at": "2026-11-21T12:00:00+08:00",
            "used_store": "SH-1",
            "used_store_name": "静安寺店",
            "used_order": None,
        }
        with translation.override("en"):
            assert "静安寺店" in str(refusal.value)
            assert "2026" in str(refusal.value)
            assert "T12" not in str(refusal.value)
        assert everything() == before

    def test_the_place_may_be_unknown(self, voucher: Voucher, noon: datetime) -> None:
        use(voucher, noon)
        with pytest.raises(AlreadyUsed) as refusal:
            use(voucher, noon)
        assert refusal.value.data["used_store"] is None
        assert str(refusal.value)

    def test_with_its_reference_again_is_the_same_use(
        self, voucher: Voucher, ada: Member, store: Store, noon: datetime, everything: Everything
    ) -> None:
        first = use(voucher, noon, store="SH-1", reference="sale-9")
        Member.objects.update(status=Member.Status.FROZEN)
        before = everything()
        later = noon + timedelta(days=90)
        for store_again in ("SH-1", None):
            again = use(voucher, later, store=store_again, reference="sale-9")
            assert (again, again.used_at) == (first, noon)
        assert everything() == before

    def test_another_reference_or_none_is_another_use(
        self, voucher: Voucher, noon: datetime, everything: Everything
    ) -> None:
        use(voucher, noon, reference="sale-9")
        before = everything()
        for reference in ("sale-10", ""):
            with pytest.raises(AlreadyUsed):
                use(voucher, noon, reference=reference)
        assert everything() == before

    def test_a_reference_stands_for_one_use_only(
        self, ada: Member, cake: Reward, redeem: Redeem, store: Store, noon: datetime
    ) -> None:
        redeem(ada, cake, "r1", quantity=2)
        first, second = Voucher.objects.order_by("id")
        Store.objects.create(code="SH-2", name="徐家汇店")
        use(first, noon, store="SH-1", reference="sale-9")
        with pytest.raises(ReferenceReused):
            use(second, noon, store="SH-1", reference="sale-9")
        with pytest.raises(ReferenceReused):
            use(first, noon, store="SH-2", reference="sale-9")
        second.refresh_from_db()
        assert second.state == "active"
        use(second, noon)
        third = Voucher.objects.get(redemption=redeem(ada, cake, "r2"))
        assert use(third, noon).state == "used"  # without a reference any number of uses

    def test_the_last_voucher_closes_the_redemption(
        self, ada: Member, cake: Reward, redeem: Redeem, noon: datetime
    ) -> None:
        redeem(ada, cake, "r1", quantity=3)
        states = []
        for voucher in Voucher.objects.order_by("id"):
            use(voucher, noon)
            states.append(Redemption.objects.get().state)
        assert states == ["issued", "issued", "used"]

    def test_a_void_voucher_stays_void(
        self, voucher: Voucher, noon: datetime, everything: Everything
    ) -> None:
        redemption.cancel(number=voucher.redemption.number, at=noon)
        before = everything()
        with pytest.raises(VoucherVoid):
            use(voucher, noon)
        assert everything() == before

    @pytest.mark.parametrize(
        ("status", "kind"), [("frozen", WalletFrozen), ("closed", MemberClosed)]
    )
    def test_is_refused_for_a_frozen_or_closed_member(
        self,
        voucher: Voucher,
        noon: datetime,
        everything: Everything,
        status: str,
        kind: type[Exception],
    ) -> None:
        Member.objects.update(status=status)
        before = everything()
        with pytest.raises(kind):
            use(voucher, noon)
        assert everything() == before

    @pytest.mark.parametrize(
        ("said", "pointer", "code"),
        [
            ({"store": "nowhere"}, "/store", "unknown"),
            ({"reference": "r" * 101}, "/reference", "max_length"),
            ({"reference": "\x00"}, "/reference", "invalid"),
        ],
    )
    def test_points_at_bad_input(
        self,
        voucher: Voucher,
        noon: datetime,
        everything: Everything,
        said: dict[str, Any],
        pointer: str,
        code: str,
    ) -> None:
        before = everything()
        with pytest.raises(InvalidInput) as problem:
            use(voucher, noon, **said)
        assert (problem.value.pointer, problem.value.code) == (pointer, code)
        assert everything() == before

    @pytest.mark.parametrize("code", ["", "\x00", "AAAABBBBCCCCDDDD", "a" * 5000])
    def test_says_that_a_code_is_unknown(self, db: None, noon: datetime, code: str) -> None:
        with pytest.raises(NotFound):
            vouchers.use(code=code, store=None, reference="", used_by="", at=noon)


class TestVoid:
    def test_one_keeps_points_and_stock_and_says_why(
        self, voucher: Voucher, ada: Member, noon: datetime, active: Callable[[Member], int]
    ) -> None:
        voided = vouchers.void_one(code=voucher.code, reason="misprint", by="boss", at=noon)
        assert (voided.state, voided.void_reason, voided.voided_by) == ("void", "misprint", "boss")
        assert active(ada) == 700
        again = vouchers.void_one(code=voucher.code, reason="other", by="x", at=noon)
        assert again.void_reason == "misprint"
        with pytest.raises(VoucherVoid) as refusal:
            use(voucher, noon)
        assert refusal.value.data == {
            "reason": "misprint",
            "voided_at": "2026-11-21T12:00:00+08:00",
        }
        assert [step.kind for step in voucher.steps.order_by("id")] == ["issued", "voided"]

    def test_a_used_one_stays_used(
        self, voucher: Voucher, noon: datetime, everything: Everything
    ) -> None:
        use(voucher, noon)
        before = everything()
        with pytest.raises(AlreadyUsed):
            vouchers.void_one(code=voucher.code, reason="x", by="", at=noon)
        assert everything() == before

    def test_needs_a_reason(self, voucher: Voucher, noon: datetime) -> None:
        with pytest.raises(InvalidInput):
            vouchers.void_one(code=voucher.code, reason="", by="", at=noon)
        assert Voucher.objects.get().state == "active"


class TestSteps:
    def test_are_never_changed(self, voucher: Voucher) -> None:
        step = voucher.steps.get()
        for change in (lambda: voucher.steps.update(note="x"), step.delete):
            with pytest.raises(DatabaseError), transaction.atomic():
                change()


class TestStateOf:
    def test_a_used_voucher_never_expires(self, voucher: Voucher, noon: datetime) -> None:
        used = use(voucher, noon)
        assert vouchers.state_of(used, noon + timedelta(days=400)) == "used"

    def test_a_void_voucher_stays_void(self, voucher: Voucher, noon: datetime) -> None:
        redemption.cancel(number=voucher.redemption.number, at=noon)
        voucher.refresh_from_db()
        assert vouchers.state_of(voucher, noon + timedelta(days=400)) == "void"

    def test_without_an_end_it_stays_active(
        self, ada: Member, redeem: Redeem, noon: datetime
    ) -> None:
        redeem(ada, new_reward("ever", valid_days=None), "r1")
        voucher = Voucher.objects.get()
        assert voucher.expires_at is None
        assert vouchers.state_of(voucher, noon + timedelta(days=36500)) == "active"
        assert use(voucher, noon + timedelta(days=36500)).state == "used"


def test_the_end_is_told_as_the_last_good_day(voucher: Voucher) -> None:
    programs.change(changes={"time_zone": "America/New_York"})
    with pytest.raises(VoucherExpired) as refusal:
        use(voucher, datetime(2027, 1, 1, tzinfo=UTC))
    with translation.override("en"):
        assert "Dec 21, 2026" in str(refusal.value)
