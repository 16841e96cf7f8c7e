"""Draws over at least 20 real connections; each race has a twin without its guard, which shows the damage."""

import time
from collections.abc import Callable
from threading import Barrier
from typing import Any

import pytest
from django.db import OperationalError
from django.db.models import QuerySet

from loyalty import spending
from members import transactions
from members.models import Member
from rewards import (
    draw_checking,
    draw_queries,
    draw_rounds,
    draw_tickets,
    giving,
    redemption,
)
from rewards.giving import Gift
from rewards.models import Draw, DrawPlay, DrawPrize, DrawRound, Redemption, Reward, Voucher
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean
from tests.loyalty.test_races import broken
from tests.prove.sizes import size
from tests.rewards.conftest import new_reward
from tests.rewards.draws import NOTHING, go, new_draw, reward
from tests.rewards.test_races import PAUSE, active_in_all, kinds, members_with_points
from tests.rewards.test_voucher_races import WAIT

MEMBERS = 50
GOES = size("goes", 200)
LOCK_NOT_AVAILABLE = "55P03"
MUGS = {"weight": 9, "stock": 3}


def shop(**changes: Any) -> tuple[list[Member], Draw]:
    """Members with 100 points each and a draw with three mugs."""
    members = members_with_points(MEMBERS, 100, NOON)
    new_reward("mug", stock=3)
    return members, new_draw(prizes=[reward("mug", **MUGS), NOTHING], **changes)


def patiently(work: Callable[[int], Any]) -> Callable[[int], Any]:
    """The work, asked for again while a lock could not be had in time: what a door answers with 503 then."""

    def again(number: int) -> Any:
        while True:
            try:
                return work(number)
            except OperationalError as problem:
                if getattr(problem.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
                    raise

    return again


class TestStock:
    def test_three_prizes_go_to_three_of_hundreds(self, committed_db: Any) -> None:
        members, draw = shop()

        results = committed_db.run_parallel(
            patiently(lambda number: go(members[number % MEMBERS], draw, f"r{number}")), GOES
        )

        assert kinds(results) == {"DrawPlay": GOES}
        assert DrawPlay.objects.filter(prize__name="mug").count() == 3
        assert Redemption.objects.count() == Voucher.objects.count() == 3
        assert Reward.objects.get().stock == 0
        assert sorted(DrawPlay.objects.values_list("number", flat=True)) == list(
            range(1, GOES + 1)
        )
        assert active_in_all() == MEMBERS * 100 - GOES * 10
        round_ = draw_rounds.close_by_hand(draw=draw, at=NOON)
        assert round_ is not None
        found = draw_checking.verify_round(round_)
        assert (found.tickets, found.differences) == (GOES, [])
        assert_clean()

    def test_without_the_guards_more_go_or_numbers_meet(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def read_only(round_: int) -> DrawRound | None:
            return DrawRound.objects.filter(pk=round_, closed_at=None).first()

        def read_check_write(prize: DrawPrize) -> bool:
            time.sleep(PAUSE)
            if prize.stock is not None:
                DrawPrize.objects.filter(pk=prize.pk).update(
                    stock=prize.stock - 1, set_aside=prize.stock - 1
                )
            return True

        monkeypatch.setattr(draw_rounds, "lock_open", read_only)
        monkeypatch.setattr(draw_rounds, "take_one", read_check_write)
        members, draw = shop()

        results = committed_db.run_parallel(
            lambda number: go(members[number % MEMBERS], draw, f"r{number}"), 60
        )

        # Everybody drew the same ticket: the unique number refuses all but one of them.
        assert broken(results) > 0

    def test_goes_and_redemptions_of_one_reward_never_wait_crosswise(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(transactions, "ATTEMPTS", 1)  # a deadlock would be seen
        members = members_with_points(MEMBERS, 100, NOON)
        mug = new_reward("mug", points=10, stock=60)
        draw = new_draw(prizes=[reward("mug", weight=1, stock=30), NOTHING])

        def work(number: int) -> Any:
            member = members[number % MEMBERS]
            if number % 3:
                return go(member, draw, f"r{number}")
            if number % 60 == 0:
                return draw_rounds.close_by_hand(draw=draw, at=NOON)
            asked = redemption.RedemptionRequest(
                member=member.number, reward=mug.code, reference=f"r{number}"
            )
            return redemption.redeem(request=asked, at=NOON)

        results = committed_db.run_parallel(patiently(work), 120)

        assert set(kinds(results)) <= {
            "DrawPlay",
            "DrawRound",
            "Redeemed",
            "OutOfStock",
            "DrawOver",
            "DrawNotOpen",
        }
        draw_rounds.stop(draw=draw, at=NOON)
        stock = Reward.objects.get().stock
        assert stock == 60 - Redemption.objects.count()
        for round_ in DrawRound.objects.all():
            assert draw_checking.verify_round(round_).is_right
        assert_clean()


class TestLimit:
    def test_one_go_per_member_is_one_of_sixty_four(self, committed_db: Any) -> None:
        (member,) = members_with_points(1, 10_000, NOON)
        draw = new_draw(per_member=1)

        results = committed_db.run_parallel(
            patiently(lambda number: go(member, draw, f"r{number}")), 64
        )

        assert kinds(results) == {"DrawPlay": 1, "GoesUsedUp": 63}
        assert DrawPlay.objects.count() == 1
        assert active_in_all() == 9_990

    def test_without_the_lock_the_limit_is_passed(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def read_only(*, member: Member, at: Any) -> Member:
            return Member.objects.select_related("tier").get(pk=member.pk)

        counted = draw_queries.goes_taken

        def slowly(**asked: Any) -> dict[int, int]:
            taken = counted(**asked)
            time.sleep(PAUSE)
            return taken

        monkeypatch.setattr(spending, "lock_member", read_only)
        monkeypatch.setattr(draw_queries, "goes_taken", slowly)
        (member,) = members_with_points(1, 10_000, NOON)
        draw = new_draw(per_member=1)

        results = committed_db.run_parallel(lambda number: go(member, draw, f"r{number}"), 64)

        assert kinds(results)["DrawPlay"] > 1

    def test_one_reference_is_one_go(self, committed_db: Any) -> None:
        (member,) = members_with_points(1, 1_000, NOON)
        draw = new_draw()

        results = committed_db.run_parallel(patiently(lambda _number: go(member, draw, "r1")), 64)

        assert kinds(results) == {"DrawPlay": 64}
        assert len({each.pk for each in results}) == 1
        assert active_in_all() == 990


class TestTicket:
    def ticket(self) -> tuple[Member, Draw]:
        (member,) = members_with_points(1, 5, NOON)
        draw = new_draw(points=None)
        gift = Gift(
            member=member.pk, reward=draw_tickets.reward_for(None), pieces=1, reference="gift"
        )
        assert giving.give(gift=gift, at=NOON) is not None
        return member, draw

    def test_is_used_by_one_of_forty(self, committed_db: Any) -> None:
        member, draw = self.ticket()

        results = committed_db.run_parallel(
            patiently(lambda number: go(member, draw, f"r{number}")), 40
        )

        assert kinds(results) == {"DrawPlay": 1, "TicketNeeded": 39}
        assert Voucher.objects.get().state == "used"
        assert DrawPlay.objects.get().voucher == Voucher.objects.get()

    def test_without_the_guards_the_database_has_to_refuse_a_second_go(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def read_only(*, member: Member, at: Any) -> Member:
            return Member.objects.select_related("tier").get(pk=member.pk)

        def unlocked(queryset: Any, **_: Any) -> Any:
            return queryset

        both_have_read = Barrier(2)

        def read_check_write(*, ticket: Voucher, draw: Draw, reference: str, at: Any) -> bool:
            is_free = Voucher.objects.filter(pk=ticket.pk, state="active").exists()
            both_have_read.wait(WAIT)
            if is_free:
                Voucher.objects.filter(pk=ticket.pk).update(state="used", used_at=at)
            return is_free

        monkeypatch.setattr(spending, "lock_member", read_only)
        monkeypatch.setattr(QuerySet, "select_for_update", unlocked)
        monkeypatch.setattr(draw_tickets, "use_up", read_check_write)
        member, draw = self.ticket()

        results = committed_db.run_parallel(lambda number: go(member, draw, f"r{number}"), 2, 2)

        assert broken(results) == 1
