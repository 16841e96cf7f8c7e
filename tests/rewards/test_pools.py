"""Partners' codes: read whole or not at all, handed out once for ever, counted as stock."""

from collections.abc import Callable
from typing import Any

import pytest

from members.errors import InvalidInput, NotFound
from members.models import Member
from rewards import pools, redemption, vouchers
from rewards.errors import OutOfStock
from rewards.models import PartnerCode, Reward, StockMovement, Voucher
from rewards.pools import Added
from tests.conftest import NOON
from tests.rewards.builders import asked, assert_sums, later, left
from tests.rewards.conftest import new_reward

Everything = Callable[[], list[Any]]


@pytest.fixture
def film(db: None) -> Reward:
    return new_reward("film", kind="partner_code", valid_days=30)


def added(file: str | bytes, reward: str = "film") -> Added:
    raw = file if isinstance(file, bytes) else file.encode()
    return pools.add(reward=reward, file=raw, by="owner", at=NOON)


def redeem(member: Member, reward: Reward, reference: str = "r1", pieces: int = 1) -> Any:
    wish = asked(member, reward, reference, quantity=pieces)
    return redemption.redeem(request=wish, at=NOON).redemption


class TestAdd:
    def test_takes_codes_with_and_without_a_header(self, film: Reward) -> None:
        assert added("code,expires_at\nAB-12 cd,2026-12-31\nx1,\n") == Added(
            added=2, duplicate_lines=[], free=2
        )
        assert added(b"\xef\xbb\xbfy1\r\n\r\n y2 ,\r\n").added == 2
        found = PartnerCode.objects.order_by("id").values_list("code", "lookup", "expires_at")
        assert list(found) == [
            ("AB-12 cd", "AB12CD", later(days=41) - later(hours=12) + NOON),
            ("x1", "X1", None),
            ("y1", "Y1", None),
            ("y2", "Y2", None),
        ]
        assert left(film) == [4]
        assert_sums()

    def test_says_which_lines_stood_before_in_the_file_or_in_any_pool(
        self, film: Reward, ada: Member, cake: Reward
    ) -> None:
        new_reward("other", kind="partner_code")
        added("a1\n", "other")
        own = redeem(ada, cake).vouchers.get().code
        file = f"code\nb1\nB-1\nA 1\n{own.lower()}\nb2\n"
        assert added(file) == Added(added=2, duplicate_lines=[3, 4, 5], free=2)
        assert added("b1\nb2\n") == Added(added=0, duplicate_lines=[1, 2], free=2)
        assert StockMovement.objects.filter(reward=film).count() == 1

    @pytest.mark.parametrize(
        ("file", "pointer"),
        [
            (b"", ""),
            (b"code,expires_at\n", ""),
            (b"\xff\xfe\x00", ""),
            (b"a1\n-,\n", "/2/code"),
            (b"a1\n" + b"x" * 65 + b"\n", "/2/code"),
            (b"code,expires_at\na1,2026-12-31\na2,31.12.2026\n", "/3/expires_at"),
            (b"a1,2026-12-31T10:00:00\n", "/1/expires_at"),
            (b"a1,2026-11-20\n", "/1/expires_at"),
            (b'a1\n"a2\n', "/2"),
            (b"a1\na\x002\n", "/2/code"),
            (b"a" * (5 * 1024 * 1024 + 1), ""),
        ],
    )
    def test_a_malformed_file_changes_nothing(
        self, film: Reward, file: bytes, pointer: str, everything: Everything
    ) -> None:
        before = everything()
        with pytest.raises(InvalidInput) as refusal:
            added(file)
        assert refusal.value.pointer == pointer
        assert everything() == before

    def test_is_for_rewards_of_partners_codes(self, cake: Reward) -> None:
        with pytest.raises(InvalidInput):
            added("a1\n", "cake")
        with pytest.raises(NotFound):
            added("a1\n", "nothing")

    def test_takes_a_large_file_in_a_fixed_number_of_statements(
        self, film: Reward, django_assert_max_num_queries: Any
    ) -> None:
        file = "\n".join(f"code-{number}" for number in range(20_000))
        with django_assert_max_num_queries(12):
            assert added(file).added == 20_000


class TestHandOut:
    def test_a_code_becomes_the_voucher_and_ends_when_the_first_of_both_does(
        self, film: Reward, ada: Member
    ) -> None:
        added("code,expires_at\nAB-12 cd,2026-11-30\nx1,2027-12-31\n")
        made = redeem(ada, film, pieces=2)
        first, second = Voucher.objects.order_by("id")
        assert [first.code, second.code] == ["AB-12 cd", "x1"]
        assert first.expires_at == later(days=10) - later(hours=12) + NOON
        assert second.expires_at == later(days=31) - later(hours=12) + NOON
        taken = PartnerCode.objects.filter(is_taken=True).order_by("id")
        assert [code.voucher for code in taken] == [first, second]
        assert left(film) == [0]
        used = vouchers.use(code="ab12CD", store=None, reference="", used_by="till", at=NOON)
        assert used.redemption == made

    def test_refuses_when_there_are_too_few(
        self, film: Reward, ada: Member, everything: Everything
    ) -> None:
        with pytest.raises(OutOfStock):
            redeem(ada, film)
        added("a1\n")
        before = everything()
        with pytest.raises(OutOfStock) as refusal:
            redeem(ada, film, pieces=2)
        assert refusal.value.data == {"left": 1}
        assert everything() == before

    def test_a_code_that_was_given_is_never_given_again(self, film: Reward, ada: Member) -> None:
        added("a1\na2\n")
        made = redeem(ada, film)
        redemption.cancel(number=made.number, at=NOON)
        assert left(film) == [1]
        assert redeem(ada, film, "r2").vouchers.get().code == "a2"
        with pytest.raises(OutOfStock):
            redeem(ada, film, "r3")
        assert added("A1\n").duplicate_lines == [1]
        assert_sums()

    def test_codes_that_lapse_leave_the_pool_and_the_stock(
        self, film: Reward, ada: Member
    ) -> None:
        added("code,expires_at\na1,2026-11-21\na2,\n")
        assert pools.drop_lapsed(at=later(hours=12) - (later(microseconds=1) - NOON)) == 0
        assert pools.drop_lapsed(at=later(hours=12)) == 1
        assert pools.drop_lapsed(at=later(hours=12)) == 0
        assert left(film) == [1]
        assert redeem(ada, film).vouchers.get().code == "a2"
        assert_sums()
