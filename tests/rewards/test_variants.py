from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from members.errors import InvalidInput
from members.models import Member
from rewards import variants
from rewards.models import Reward, StockMovement, Variant, Voucher
from tests.conftest import NOON
from tests.rewards.builders import Redeem
from tests.rewards.conftest import new_reward

HOUR = timedelta(hours=1)

BAD = [
    ({"code": ""}, "/code", "blank"),
    ({"name": " "}, "/name", "blank"),
    ({"name": None}, "/name", "invalid"),
    ({"stock": -1}, "/stock", "min_value"),
    ({"stock": "5"}, "/stock", "invalid"),
    ({"extra_points": -1}, "/extra_points", "min_value"),
    ({"extra_points": 2**63}, "/extra_points", "max_value"),
    ({"begins_at": "tomorrow"}, "/begins_at", "invalid"),
    ({"ends_at": NOON}, "/ends_at", "invalid"),
    ({"begins_at": NOON, "ends_at": NOON}, "/ends_at", "invalid"),
    ({"place": "p" * 201}, "/place", "max_length"),
    ({"position": 2**31}, "/position", "max_value"),
    ({"active": None}, "/active", "invalid"),
    ({"colour": "red"}, "/colour", "unknown_field"),
]


EVENING = datetime(2026, 12, 5, 6, tzinfo=UTC)  # 14:00 in Shanghai


@pytest.fixture
def class_(db: None) -> Reward:
    return new_reward("class", kind="experience")


def add(reward: Reward, **said: Any) -> Variant:
    said = {"code": "sat", "name": "周六场", **said}
    return variants.create(reward=reward, changes=said, at=NOON, by="owner")


class TestCreate:
    def test_adds_a_session_with_its_seats(self, class_: Reward) -> None:
        said = {"begins_at": NOON, "ends_at": NOON + HOUR, "place": "静安寺店", "stock": 12}
        made = add(class_, **said)
        made.refresh_from_db()
        assert {name: getattr(made, name) for name in said} == said
        assert (made.extra_points, made.position, made.active) == (0, 0, True)
        movement = StockMovement.objects.get()
        assert (movement.variant, movement.pieces, movement.by) == (made, 12, "owner")

    @pytest.mark.parametrize(("said", "pointer", "code"), BAD)
    def test_points_at_bad_input(
        self, class_: Reward, said: dict[str, Any], pointer: str, code: str
    ) -> None:
        with pytest.raises(InvalidInput) as problem:
            add(class_, **({"stock": 5} | said))
        assert (problem.value.pointer, problem.value.code) == (pointer, code)
        assert not Variant.objects.exists()
        assert not StockMovement.objects.exists()

    def test_a_code_is_one_of_its_reward(self, class_: Reward, cake: Reward) -> None:
        add(class_)
        assert add(cake).code == "sat"
        with pytest.raises(InvalidInput) as problem:
            add(class_)
        assert (problem.value.pointer, problem.value.code) == ("/code", "taken")
        assert Variant.objects.count() == 2

    @pytest.mark.parametrize("kind", ["donation", "partner_code", "draw_ticket"])
    def test_some_kinds_have_none(self, db: None, kind: str) -> None:
        with pytest.raises(InvalidInput) as problem:
            add(new_reward("x", kind=kind))
        assert problem.value.code == "not_for_kind"
        assert not Variant.objects.exists()


class TestChange:
    def test_changes_what_is_given(self, class_: Reward) -> None:
        made = add(class_, stock=12)
        Variant.objects.update(stock=7)
        changed = variants.change(variant=made, changes={"name": "Saturday"}, at=NOON)
        changed.refresh_from_db()
        assert (changed.name, changed.stock) == ("Saturday", 7)
        changed = variants.change(variant=made, changes={"stock": None}, at=NOON)
        assert changed.stock is None
        assert list(StockMovement.objects.order_by("id").values_list("pieces", flat=True)) == [
            12,
            -7,
        ]

    @pytest.mark.parametrize(
        ("said", "pointer", "code"), [*BAD[1:], ({"code": "sun"}, "/code", "read_only")]
    )
    def test_points_at_bad_input(
        self, class_: Reward, said: dict[str, Any], pointer: str, code: str
    ) -> None:
        made = add(class_)
        before = Variant.objects.values().get()
        with pytest.raises(InvalidInput) as problem:
            variants.change(variant=made, changes={"position": 3, **said}, at=NOON)
        assert (problem.value.pointer, problem.value.code) == (pointer, code)
        assert Variant.objects.values().get() == before

    def test_the_session_is_checked_against_what_is_stored(self, class_: Reward) -> None:
        made = add(class_, begins_at=NOON, ends_at=NOON + HOUR)
        with pytest.raises(InvalidInput):
            variants.change(variant=made, changes={"begins_at": NOON + HOUR}, at=NOON)
        with pytest.raises(InvalidInput):
            variants.change(variant=made, changes={"begins_at": None}, at=NOON)


class TestSessions:
    @pytest.fixture
    def voucher(self, ada: Member, class_: Reward, redeem: Redeem) -> Voucher:
        add(class_, begins_at=EVENING, ends_at=EVENING + 2 * HOUR, stock=5)
        return redeem(ada, class_, "r1", variant="sat").vouchers.get()

    def change(self, **said: Any) -> None:
        variants.change(variant=Variant.objects.get(), changes=said, at=NOON, by="owner")

    def test_a_voucher_is_good_to_the_end_of_its_day(self, voucher: Voucher) -> None:
        assert voucher.expires_at == datetime(2026, 12, 5, 16, tzinfo=UTC)

    def test_it_follows_a_session_that_is_moved(self, voucher: Voucher) -> None:
        later = EVENING + timedelta(days=60)
        self.change(begins_at=later, ends_at=later + HOUR)
        voucher.refresh_from_db()
        assert voucher.expires_at == datetime(2027, 2, 3, 16, tzinfo=UTC)

    def test_it_stays_as_it_is_with_other_changes(self, voucher: Voucher) -> None:
        Voucher.objects.update(expires_at=NOON)
        self.change(name="周日场", begins_at=EVENING)
        voucher.refresh_from_db()
        assert voucher.expires_at == NOON

    def test_one_that_is_used_keeps_its_end(self, voucher: Voucher) -> None:
        Voucher.objects.update(state="used", used_at=NOON)
        self.change(begins_at=EVENING - HOUR)
        self.change(ends_at=EVENING + 24 * HOUR)
        before = voucher.expires_at
        voucher.refresh_from_db()
        assert voucher.expires_at == before

    def test_a_move_that_is_refused_moves_no_voucher(self, voucher: Voucher) -> None:
        with pytest.raises(InvalidInput):
            self.change(ends_at=EVENING - timedelta(days=3))
        before = voucher.expires_at
        voucher.refresh_from_db()
        assert voucher.expires_at == before
