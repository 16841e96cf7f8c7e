import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loyalty import awarding, programs, refunds
from loyalty import queries as loyalty_queries
from loyalty.errors import InDebt, InsufficientPoints, WalletFrozen
from loyalty.models import Allocation, Entry, Lot
from members import codes
from members.errors import InvalidInput, MemberClosed, NotFound, ReferenceReused
from members.models import Member, Store, Tier
from rewards import catalogue, queries, redemption, vouchers
from rewards.errors import (
    AlreadyUsed,
    LimitReached,
    MonthlyCapReached,
    NotEligible,
    NotOnSale,
    OutOfStock,
)
from rewards.models import Redemption, Reward, Voucher
from tests.conftest import NOON
from tests.rewards.conftest import new_reward

SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
# 2026-11-22 00:00 in Shanghai, and the first moment of December there.
MIDNIGHT = datetime(2026, 11, 21, 16, tzinfo=UTC)
DECEMBER = datetime(2026, 11, 30, 16, tzinfo=UTC)

Redeem = Callable[..., Redemption]
Everything = Callable[[], list[Any]]
Active = Callable[[Member], int]


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

    def test_a_number_that_is_taken_is_drawn_again(
        self, ada: Member, cake: Reward, redeem: Redeem, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = redeem(ada, cake, "r1")
        taken = first.number.removeprefix("R20261121-")
        drawn = [taken, "FREE44", "VOUCHER"]
        monkeypatch.setattr(codes, "random_code", lambda _length: drawn.pop(0))
        assert redeem(ada, cake, "r2").number == "R20261121-FREE44"
        assert Redemption.objects.count() == 2


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


class TestRefusals:
    """Each refusal names its reason and leaves everything as it was."""

    @pytest.fixture
    def refused(self, redeem: Redeem, everything: Everything) -> Callable[..., Any]:
        def refused(kind: type[Exception], *wish: Any, **said: Any) -> dict[str, Any]:
            before = everything()
            with pytest.raises(kind) as refusal:
                redeem(*wish, **said)
            assert type(refusal.value) is kind
            assert everything() == before
            return getattr(refusal.value, "data", {})

        return refused

    def test_points_are_short(
        self, ada: Member, cake: Reward, refused: Callable[..., Any]
    ) -> None:
        data = refused(InsufficientPoints, ada, cake, "r1", quantity=4)
        assert data == {"needed": 1200, "available": 1000}

    def test_one_point_decides(
        self, ada: Member, redeem: Redeem, refused: Callable[..., Any]
    ) -> None:
        dear = new_reward("dear", points=1001)
        just = new_reward("just", points=1000)
        refused(InsufficientPoints, ada, dear, "r1")
        assert redeem(ada, just, "r1").points == 1000

    def test_a_frozen_member_may_not_spend(
        self, ada: Member, cake: Reward, refused: Callable[..., Any]
    ) -> None:
        Member.objects.filter(pk=ada.pk).update(status=Member.Status.FROZEN)
        refused(WalletFrozen, ada, cake, "r1")

    def test_a_closed_member_takes_part_in_nothing(
        self, ada: Member, cake: Reward, refused: Callable[..., Any]
    ) -> None:
        Member.objects.filter(pk=ada.pk).update(status=Member.Status.CLOSED)
        refused(MemberClosed, ada, cake, "r1")

    def test_a_reward_switched_off_is_not_on_sale(
        self, ada: Member, refused: Callable[..., Any]
    ) -> None:
        refused(NotOnSale, ada, new_reward("off", active=False), "r1")

    def test_a_reward_for_other_tiers(
        self, ada: Member, refused: Callable[..., Any], redeem: Redeem
    ) -> None:
        vip = new_reward("vip", tiers=["gold", "diamond"])
        assert refused(NotEligible, ada, vip, "r1") == {"tiers": ["gold", "diamond"]}
        Member.objects.filter(pk=ada.pk).update(tier=Tier.objects.get(code="gold"))
        assert redeem(ada, vip, "r1").state == "issued"

    def test_stock_has_run_out(self, ada: Member, refused: Callable[..., Any]) -> None:
        assert refused(OutOfStock, ada, new_reward("none", stock=0), "r1") == {"left": 0}

    def test_stock_is_all_or_nothing(
        self, ada: Member, refused: Callable[..., Any], redeem: Redeem
    ) -> None:
        few = new_reward("few", stock=2)
        assert refused(OutOfStock, ada, few, "r1", quantity=3) == {"left": 2}
        redeem(ada, few, "r1", quantity=2)
        assert Reward.objects.get().stock == 0

    def test_stock_comes_back_when_points_are_short(
        self, ada: Member, refused: Callable[..., Any]
    ) -> None:
        refused(InsufficientPoints, ada, new_reward("dear", points=5000, stock=5), "r1")
        assert Reward.objects.get().stock == 5

    def test_what_is_wrong_first_is_said_first(
        self, ada: Member, refused: Callable[..., Any]
    ) -> None:
        wrong = new_reward(
            "wrong", points=5000, active=False, tiers=["gold"], per_member=1, stock=0
        )
        Member.objects.filter(pk=ada.pk).update(status=Member.Status.FROZEN)
        refused(WalletFrozen, ada, wrong, "r1", quantity=2)
        Member.objects.filter(pk=ada.pk).update(status=Member.Status.ACTIVE)
        refused(NotOnSale, ada, wrong, "r1", quantity=2)
        catalogue.change(reward=wrong, changes={"active": True}, at=NOON)
        refused(NotEligible, ada, wrong, "r1", quantity=2)
        catalogue.change(reward=wrong, changes={"tiers": []}, at=NOON)
        refused(LimitReached, ada, wrong, "r1", quantity=2)
        catalogue.change(reward=wrong, changes={"per_member": None}, at=NOON)
        refused(OutOfStock, ada, wrong, "r1", quantity=2)
        catalogue.change(reward=wrong, changes={"stock": None}, at=NOON)
        refused(InsufficientPoints, ada, wrong, "r1", quantity=2)


class TestSaleWindow:
    @pytest.mark.parametrize(
        ("after_start", "is_sold"),
        [(-MICROSECOND, False), (0 * SECOND, True), (MICROSECOND, True)],
    )
    def test_begins_with_its_first_moment(
        self, ada: Member, redeem: Redeem, noon: datetime, after_start: timedelta, is_sold: bool
    ) -> None:
        reward = new_reward("sale", starts_at=noon)
        assert queries.is_on_sale(reward, noon + after_start) == is_sold
        assert queries.on_sale(noon + after_start).exists() == is_sold
        if is_sold:
            redeem(ada, reward, "r1", at=noon + after_start)
        else:
            with pytest.raises(NotOnSale):
                redeem(ada, reward, "r1", at=noon + after_start)

    @pytest.mark.parametrize(
        ("after_end", "is_sold"),
        [(-MICROSECOND, True), (0 * SECOND, False), (MICROSECOND, False)],
    )
    def test_ends_before_its_last_moment(
        self, ada: Member, redeem: Redeem, noon: datetime, after_end: timedelta, is_sold: bool
    ) -> None:
        reward = new_reward("sale", ends_at=noon)
        assert queries.is_on_sale(reward, noon + after_end) == is_sold
        assert queries.on_sale(noon + after_end).exists() == is_sold
        if is_sold:
            redeem(ada, reward, "r1", at=noon + after_end)
        else:
            with pytest.raises(NotOnSale):
                redeem(ada, reward, "r1", at=noon + after_end)


class TestLimits:
    @pytest.mark.parametrize(
        ("period", "turn"), [("day", MIDNIGHT), ("month", DECEMBER)], ids=["day", "month"]
    )
    def test_count_by_the_day_and_month_of_the_program(
        self, ada: Member, redeem: Redeem, period: str, turn: datetime
    ) -> None:
        daily = new_reward("daily", per_member=2, per_member_period=period)
        redeem(ada, daily, "r1", at=turn - SECOND)
        redeem(ada, daily, "r2", at=turn - MICROSECOND)
        with pytest.raises(LimitReached) as refusal:
            redeem(ada, daily, "r3", at=turn - MICROSECOND)
        assert refusal.value.data == {"limit": 2, "used": 2}
        redeem(ada, daily, "r4", at=turn)
        with pytest.raises(LimitReached):
            redeem(ada, daily, "r5", at=turn + MICROSECOND, quantity=2)
        redeem(ada, daily, "r6", at=turn + MICROSECOND)
        assert Redemption.objects.count() == 4

    def test_the_program_may_live_in_another_zone(self, ada: Member, redeem: Redeem) -> None:
        programs.change(changes={"time_zone": "America/New_York"})
        midnight = datetime(2026, 11, 22, 5, tzinfo=UTC)
        daily = new_reward("daily", per_member=1, per_member_period="day")
        redeem(ada, daily, "r1", at=midnight - MICROSECOND)
        redeem(ada, daily, "r2", at=midnight)
        with pytest.raises(LimitReached):
            redeem(ada, daily, "r3", at=midnight + timedelta(hours=23, minutes=59))

    def test_ever_means_ever(self, ada: Member, redeem: Redeem, noon: datetime) -> None:
        once = new_reward("once", per_member=1)
        redeem(ada, once, "r1")
        with pytest.raises(LimitReached):
            redeem(ada, once, "r2", at=noon + timedelta(days=3650))

    def test_count_pieces_not_redemptions(self, ada: Member, redeem: Redeem) -> None:
        three = new_reward("three", per_member=3)
        with pytest.raises(LimitReached) as refusal:
            redeem(ada, three, "r1", quantity=4)
        assert refusal.value.data == {"limit": 3, "used": 0}
        redeem(ada, three, "r1", quantity=2)
        with pytest.raises(LimitReached) as refusal:
            redeem(ada, three, "r2", quantity=2)
        assert refusal.value.data == {"limit": 3, "used": 2}

    def test_are_each_members_own(
        self, ada: Member, bob: Member, redeem: Redeem, noon: datetime
    ) -> None:
        awarding.award(
            member=bob, points=100, reference="welcome", details={}, expires_at=None, at=noon
        )
        once = new_reward("once", per_member=1)
        redeem(ada, once, "r1")
        assert redeem(bob, once, "r1").state == "issued"

    def test_the_program_caps_the_points_of_a_month(
        self, ada: Member, cake: Reward, redeem: Redeem, everything: Everything, noon: datetime
    ) -> None:
        programs.change(changes={"monthly_redemption_cap": 700})
        redeem(ada, cake, "r1", at=DECEMBER - MICROSECOND)
        redeem(ada, cake, "r2", at=DECEMBER - MICROSECOND)
        before = everything()
        with pytest.raises(MonthlyCapReached) as refusal:
            redeem(ada, new_reward("pin", points=101), "r3", at=DECEMBER - MICROSECOND)
        assert refusal.value.data == {"limit": 700, "used": 600}
        assert refusal.value.code == "limit_reached"
        assert everything()[1:] == before[1:]
        redeem(ada, new_reward("pen", points=100), "r4", at=DECEMBER - MICROSECOND)
        redeem(ada, cake, "r5", at=DECEMBER)

    def test_a_cancelled_redemption_counts_in_no_limit(
        self, ada: Member, redeem: Redeem, noon: datetime
    ) -> None:
        programs.change(changes={"monthly_redemption_cap": 100})
        once = new_reward("once", per_member=1)
        made = redeem(ada, once, "r1")
        redemption.cancel(number=made.number, at=noon)
        assert redeem(ada, once, "r2").state == "issued"


class TestCancel:
    def test_gives_back_points_stock_and_limit_and_voids_the_vouchers(
        self, ada: Member, redeem: Redeem, noon: datetime, active: Active
    ) -> None:
        few = new_reward("few", points=200, stock=5, per_member=3)
        made = redeem(ada, few, "r1", quantity=3)
        later = noon + timedelta(hours=1)
        cancelled = redemption.cancel(number=made.number, at=later)
        assert (cancelled.state, cancelled.cancelled_at) == ("cancelled", later)
        assert active(ada) == 1000
        assert Reward.objects.get().stock == 5
        assert [voucher.state for voucher in Voucher.objects.all()] == ["void"] * 3
        entry = Entry.objects.get(kind="return")
        assert (entry.points, entry.balance, entry.at) == (600, 1000, later)
        figures = loyalty_queries.figures(member=ada, at=later)
        assert (figures.spent, figures.earned) == (0, 1000)
        assert queries.pieces_taken(member=ada, rewards=[few], at=later) == {few.pk: 0}

    def test_gives_back_to_the_lots_the_points_came_from(
        self, ada: Member, cake: Reward, redeem: Redeem, noon: datetime
    ) -> None:
        soon = noon + timedelta(days=3)
        awarding.award(
            member=ada, points=200, reference="soon", details={}, expires_at=soon, at=noon
        )
        before = list(Lot.objects.order_by("id").values())
        made = redeem(ada, cake, "r1")
        redemption.cancel(number=made.number, at=noon)
        assert list(Lot.objects.order_by("id").values()) == before
        moved = Allocation.objects.order_by("id").values_list("points", flat=True)
        assert sorted(moved) == [-200, -100, 100, 200]

    def test_points_that_lapsed_meanwhile_lapse_at_once(
        self, bob: Member, redeem: Redeem, noon: datetime
    ) -> None:
        soon = noon + timedelta(days=3)
        awarding.award(
            member=bob, points=100, reference="soon", details={}, expires_at=soon, at=noon
        )
        made = redeem(bob, new_reward("pin"), "r1")
        redemption.cancel(number=made.number, at=soon)
        figures = loyalty_queries.figures(member=bob, at=soon)
        assert (figures.active, figures.expired, figures.spent) == (0, 100, 0)

    def test_again_changes_nothing(
        self, ada: Member, redeem: Redeem, noon: datetime, everything: Everything
    ) -> None:
        made = redeem(ada, new_reward("few", stock=5), "r1")
        first = redemption.cancel(number=made.number, at=noon)
        before = everything()
        again = redemption.cancel(number=made.number.lower(), at=noon + SECOND)
        assert (again, again.cancelled_at) == (first, noon)
        assert everything() == before

    def test_refuses_after_a_use(
        self,
        ada: Member,
        store: Store,
        redeem: Redeem,
        noon: datetime,
        everything: Everything,
    ) -> None:
        made = redeem(ada, new_reward("few", stock=5), "r1", quantity=2)
        code = Voucher.objects.order_by("id")[0].code
        vouchers.use(code=code, store="SH-1", reference="", used_by="till", at=noon)
        before = everything()
        with pytest.raises(AlreadyUsed) as refusal:
            redemption.cancel(number=made.number, at=noon)
        assert refusal.value.data == {
            "used_at": "2026-11-21T12:00:00+08:00",
            "used_store": "SH-1",
            "used_store_name": "静安寺店",
        }
        assert everything() == before

    def test_stays_possible_for_a_frozen_member_and_expired_vouchers(
        self, ada: Member, cake: Reward, redeem: Redeem, noon: datetime, active: Active
    ) -> None:
        made = redeem(ada, cake, "r1")
        Member.objects.update(status=Member.Status.FROZEN)
        cancelled = redemption.cancel(number=made.number, at=noon + timedelta(days=90))
        assert cancelled.state == "cancelled"
        assert active(ada) == 1000

    def test_an_unlimited_stock_stays_unlimited(
        self, ada: Member, redeem: Redeem, noon: datetime
    ) -> None:
        few = new_reward("few", stock=5)
        made = redeem(ada, few, "r1")
        catalogue.change(reward=few, changes={"stock": None}, at=NOON)
        redemption.cancel(number=made.number, at=noon)
        assert Reward.objects.get().stock is None

    def test_says_that_a_number_is_unknown(self, db: None, noon: datetime) -> None:
        for number in ["R20261121-AAAAAA", "", "\x00"]:
            with pytest.raises(NotFound):
                redemption.cancel(number=number, at=noon)


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


def test_a_debt_is_said_before_missing_points(
    bob: Member, cake: Reward, redeem: Redeem, everything: Everything, noon: datetime
) -> None:
    from decimal import Decimal

    from loyalty import ordering

    order = ordering.OrderFacts(
        number="1",
        member=bob.number,
        placed_at=noon,
        lines=(ordering.Line(sku="A", amount=Decimal("300.00")),),
    )
    ordering.place(order=order, at=noon)
    redeem(bob, cake, "r1")
    facts = refunds.RefundFacts(reference="b1", at=noon, amount=Decimal("300.00"), lines=None)
    refunds.refund(source="default", number="1", facts=facts, now=noon)
    before = everything()
    with pytest.raises(InDebt) as refusal:
        redeem(bob, cake, "r2")
    assert refusal.value.data == {"debt": 300}
    assert everything() == before
