"""Whoever guesses codes over the API is slowed, and no log tells codes."""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from config.logs import WithoutCodes
from members import codes
from members.models import Member
from rewards import vouchers
from rewards.models import Redemption, Reward, Voucher
from tests.conftest import NOON
from tests.tills import Till

MINUTE = timedelta(minutes=1)


class TestOverTheApi:
    @pytest.fixture
    def code(self, ada: Member, cake: Reward, redeem: Callable[..., Redemption]) -> str:
        return redeem(ada, cake, "r1").vouchers.get().code

    def test_a_thousand_guesses_hit_nothing_and_are_slowed(self, till: Till, code: str) -> None:
        with time_machine.travel(NOON, tick=False):
            answers = [till.get(f"vouchers/{codes.random_code(16)}") for _guess in range(1_000)]
            good = till.get(f"vouchers/{code}")
        assert [each.status_code for each in answers] == [404] * 20 + [429] * 980
        assert answers[-1].json()["code"] == "too_many_misses"
        assert answers[-1]["Retry-After"] == "60"
        assert good.status_code == 429  # the good one too: there is no way to tell

    def test_uses_count_although_what_they_wrote_is_undone(self, till: Till, code: str) -> None:
        with time_machine.travel(NOON, tick=False):
            for _guess in range(20):
                assert till.post("vouchers/GUESS/use", {}).status_code == 404
            slowed = till.post(f"vouchers/{code}/use", {}, key="later")
            assert (slowed.status_code, slowed["Retry-After"]) == (429, "60")
            assert Voucher.objects.get().state == "active"
        with time_machine.travel(NOON + MINUTE, tick=False):
            # Not kept under its Idempotency-Key: the till may send the same again.
            assert till.post(f"vouchers/{code}/use", {}, key="later").status_code == 200

    def test_a_good_code_between_resets_nothing(self, till: Till, code: str) -> None:
        for _guess in range(19):
            till.get("vouchers/GUESS")
        assert till.get(f"vouchers/{code}").status_code == 200
        till.get("vouchers/GUESS")
        assert till.get(f"vouchers/{code}").status_code == 429

    def test_no_code_stands_in_a_log(
        self, till: Till, code: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.handler.addFilter(WithoutCodes())
        with caplog.at_level(logging.DEBUG):
            vouchers.use(code=code, store=None, reference="", used_by="", at=NOON)
            assert till.post(f"vouchers/{code}/use", {}).status_code == 422
            till.get(f"vouchers/{code[:-1]}X")
        assert "/api/v1/vouchers/…" in caplog.text
        assert code[:-1] not in caplog.text
