"""Redeeming: points become a reward with its vouchers, once for each reference."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from loyalty import awarding
from loyalty.errors import InsufficientPoints
from loyalty.models import Entry, Lot
from members import codes
from members.errors import InvalidInput, NotFound, ReferenceReused
from members.models import Member, Store
from rewards import catalogue, redemption, vouchers
from rewards.models import Redemption, Reward, Voucher
from tests.conftest import NOON
from tests.rewards.builders import (
    MICROSECOND,
    MIDNIGHT,
    Active,
    Everything,
    Redeem,
)
from tests.rewards.conftest import new_reward


class TestRedeem:
    def test_takes_the_points_and_issues_a_voucher(
        self, ada: Member, cake: Reward, store: Store, noon: datetime, active: Active
    ) -> None:
        request = redemption.RedemptionRequest(
            member=ada.number,
            reward="cake",
            reference="till-7",
            store="SH-1",
            address={"city": "上海"},
        )
        done = redemption.redeem(request=request, at=noon)
        assert done.is_new
        stored = Redemption.objects.get()
        assert done.redemption == stored
        assert re.fullmatch(f"R20261121-[{codes.ALPHABET}]{{6}}", stored.number)
        assert (stored.member, stored.reward, stored.store) == (ada, cake, store)
        assert (stored.quantity, stored.points, stored.state) == (1, 300, "issued")
        assert (stored.reference, stored.address) == ("till-7", {"city": "上海"})
        assert stored.redeemed_at == noon
        assert active(ada) == 700
        voucher = Voucher.objects.get()
        assert (voucher.redemption, voucher.member, voucher.reward) == (stored, ada, cake)
        assert (voucher.state, voucher.issued_at, voucher.used_at) == ("active", noon, None)
        assert len(voucher.code) == 16

    def test_the_entry_says_what_for(
        self, ada: Member, cake: Reward, redeem: Redeem, noon: datetime
    ) -> None:
        made = redeem(ada, cake, "r1", quantity=2)
        entry = Entry.objects.get(kind="redeem")
        assert (entry.points, entry.balance, entry.reference) == (-600, 400, made.number)
        assert entry.at == noon
        assert entry.details == {"reward": "CAKE", "redemption": made.number}
        assert entry.explanation == [
            {
                "rule": "cake",
                "title": "CAKE",
                "kind": "reward",
                "points": -600,
                "price": 300,
                "quantity": 2,
            }
        ]

    def test_issues_a_voucher_for_each_piece_and_counts_the_stock(
        self, ada: Member, redeem: Redeem
    ) -> None:
        pin = new_reward("pin", points=1, stock=1000)
        made = redeem(ada, pin, "r1", quantity=1000)
        assert made.points == 1000
        assert Voucher.objects.filter(redemption=made, state="active").count() == 1000
        assert Voucher.objects.values("code").distinct().count() == 1000
        assert Reward.objects.get().stock == 0

    def test_without_stock_figure_there_is_no_end(
        self, ada: Member, cake: Reward, redeem: Redeem
    ) -> None:
        redeem(ada, cake, "r1", quantity=3)
        assert Reward.objects.get().stock is None

    def test_spends_what_expires_first(
        self, ada: Member, cake: Reward, redeem: Redeem, noon: datetime
    ) -> None:
        soon = noon + timedelta(days=3)
        awarding.award(
            member=ada, points=200, reference="soon", details={}, expires_at=soon, at=noon
        )
        redeem(ada, cake, "r1")
        lots = Lot.objects.order_by("id").values_list("points", "remaining")
        assert list(lots) == [(1000, 900), (200, 0)]

    def test_says_that_a_member_or_reward_is_unknown(
        self, ada: Member, cake: Reward, everything: Everything, noon: datetime
    ) -> None:
        before = everything()
        for member, reward, pointer in [
            ("123456789012", "cake", "/member"),
            ("\x00", "cake", "/member"),
            (ada.number, "pie", "/reward"),
            (ada.number, "\x00", "/reward"),
        ]:
            request = redemption.RedemptionRequest(member=member, reward=reward, reference="r1")
            with pytest.raises(NotFound) as problem:
                redemption.redeem(request=request, at=noon)
            assert problem.value.pointer == pointer
        assert everything() == before

    @pytest.mark.parametrize(
        ("said", "pointer", "code"),
        [
            ({"quantity": 0}, "/quantity", "min_value"),
            ({"quantity": -1}, "/quantity", "min_value"),
            ({"quantity": 1001}, "/quantity", "max_value"),
            ({"quantity": 10**9}, "/quantity", "max_value"),
            ({"quantity": True}, "/quantity", "invalid"),
            ({"quantity": 1.0}, "/quantity", "invalid"),
            ({"quantity": "1"}, "/quantity", "invalid"),
            ({"reference": " "}, "/reference", "blank"),
            ({"reference": "r" * 101}, "/reference", "max_length"),
            ({"reference": "r\x00"}, "/reference", "invalid"),
            ({"store": "nowhere"}, "/store", "unknown"),
            ({"store": "\x00"}, "/store", "unknown"),
            ({"address": "Nanjing Road"}, "/address", "invalid"),
            ({"address": {"city": "a\x00"}}, "/address", "invalid"),
            ({"address": {"city": "a\ud800"}}, "/address", "invalid"),
            ({"address": {"x": float("nan")}}, "/address", "invalid"),
            ({"address": {"city": "a" * 4000}}, "/address", "max_length"),
        ],
    )
    def test_points_at_bad_input(
        self,
        ada: Member,
        cake: Reward,
        everything: Everything,
        noon: datetime,
        said: dict[str, Any],
        pointer: str,
        code: str,
    ) -> None:
        before = everything()
        wish: Any = {"member": ada.number, "reward": "cake", "reference": "r1"}
        request = redemption.RedemptionRequest(**(wish | said))
        with pytest.raises(InvalidInput) as problem:
            redemption.redeem(request=request, at=noon)
        assert (problem.value.pointer, problem.value.code) == (pointer, code)
        assert everything() == before

    def test_refuses_a_sum_too_large_to_be_counted(
        self, ada: Member, redeem: Redeem, everything: Everything
    ) -> None:
        island = new_reward("island", points=2**62)
        before = everything()
        with pytest.raises(InvalidInput) as problem:
            redeem(ada, island, "r1", quantity=2)
        assert (problem.value.pointer, problem.value.code) == ("/quantity", "out_of_range")
        assert everything() == before


class TestTheSameReference:
    def test_and_content_again_is_the_same_redemption(
        self, ada: Member, cake: Reward, store: Store, noon: datetime, everything: Everything
    ) -> None:
        request = redemption.RedemptionRequest(
            member=ada.number,
            reward="cake",
            quantity=2,
            reference="r1",
            store="SH-1",
            address={"a": 1},
        )
        first = redemption.redeem(request=request, at=noon)
        # Whatever has happened since, the answer stays: sold out, off sale, frozen.
        catalogue.change(
            reward=cake, changes={"stock": 0, "active": False, "points": 999}, at=NOON
        )
        Member.objects.update(status=Member.Status.FROZEN)
        before = everything()
        again = redemption.redeem(request=request, at=noon + timedelta(days=400))
        assert (first.is_new, again.is_new) == (True, False)
        assert again.redemption == first.redemption
        assert again.redemption.points == 600
        assert everything()[:4] == before[:4]

    @pytest.mark.parametrize(
        "other",
        [
            {"quantity": 2},
            {"reward": "pin"},
            {"store": "SH-1"},
            {"address": {}},
            {"address": {"city": "上海"}},
        ],
    )
    def test_with_other_content_is_refused(
        self,
        ada: Member,
        cake: Reward,
        store: Store,
        noon: datetime,
        everything: Everything,
        other: dict[str, Any],
    ) -> None:
        new_reward("pin")
        content: Any = {"member": ada.number, "reward": "cake", "reference": "r1"}
        redemption.redeem(request=redemption.RedemptionRequest(**content), at=noon)
        before = everything()
        with pytest.raises(ReferenceReused) as refusal:
            redemption.redeem(request=redemption.RedemptionRequest(**(content | other)), at=noon)
        assert refusal.value.data == {"reference": "r1"}
        assert everything() == before

    def test_is_free_for_another_member(
        self, ada: Member, bob: Member, cake: Reward, redeem: Redeem, noon: datetime
    ) -> None:
        awarding.award(
            member=bob, points=300, reference="welcome", details={}, expires_at=None, at=noon
        )
        assert redeem(ada, cake, "r1") != redeem(bob, cake, "r1")

    def test_is_not_used_up_by_a_refusal(
        self, bob: Member, cake: Reward, redeem: Redeem, noon: datetime, active: Active
    ) -> None:
        with pytest.raises(InsufficientPoints):
            redeem(bob, cake, "r1", quantity=2)
        awarding.award(
            member=bob, points=300, reference="welcome", details={}, expires_at=None, at=noon
        )
        assert redeem(bob, cake, "r1").points == 300
        assert active(bob) == 0


class TestStateOf:
    def test_is_expired_when_nothing_can_be_used_any_more(
        self, ada: Member, redeem: Redeem, noon: datetime
    ) -> None:
        made = redeem(ada, new_reward("day", valid_days=0), "r1", quantity=2)
        assert redemption.state_of(made, MIDNIGHT - MICROSECOND) == "issued"
        assert redemption.state_of(made, MIDNIGHT) == "expired"
        code = Voucher.objects.order_by("id")[0].code
        vouchers.use(code=code, store=None, reference="", used_by="", at=noon)
        assert redemption.state_of(made, MIDNIGHT) == "expired"

    def test_is_otherwise_what_is_stored(
        self, ada: Member, cake: Reward, redeem: Redeem, noon: datetime
    ) -> None:
        made = redeem(ada, cake, "r1")
        assert redemption.state_of(made, noon) == "issued"
        cancelled = redemption.cancel(number=made.number, at=noon)
        assert redemption.state_of(cancelled, noon + timedelta(days=90)) == "cancelled"
