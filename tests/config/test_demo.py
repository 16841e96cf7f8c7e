"""The demo shop: made once for all these tests, undone after them."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import override_settings
from django.utils import timezone

from campaigns import friends, progress
from campaigns.calendars import Calendar
from campaigns.models import Segment
from campaigns.offers import Offers
from config.demo import logins, people
from loyalty import programs, queries, tiers
from loyalty.models import Adjustment, BuyBack, Donation, Hold, Order, Refund, Transfer
from members.models import Member, Store, User
from rewards import project_queries, redemption, vouchers
from rewards import queries as reward_queries
from rewards.models import (
    DonationProject,
    DrawPlay,
    DrawRound,
    Offer,
    PartnerCode,
    Redemption,
    Reward,
    Voucher,
    VoucherGift,
    Wish,
)

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def demo(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The output of the command that made it."""
    output = StringIO()
    with django_db_blocker.unblock(), transaction.atomic():
        with override_settings(DEBUG=True):
            call_command("demo_shop", stdout=output)
        yield output.getvalue()
        transaction.set_rollback(True)


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def lin(demo: str) -> Member:
    return Member.objects.with_names().get(phone=people.LIN_PHONE)


class TestDemoShop:
    def test_tells_the_logins_and_they_work(self, demo):
        for username in ("owner", "manager", "clerk"):
            assert re.search(rf"{username} +{logins.PASSWORD} +/console/", demo)
            assert User.objects.get(username=username).check_password(logins.PASSWORD)
        assert people.LIN_PHONE[3:] in demo
        owner, clerk = (User.objects.get(username=name) for name in ("owner", "clerk"))
        assert owner.is_superuser
        assert not clerk.is_superuser
        assert clerk.has_perm("rewards.change_voucher")
        assert not clerk.has_perm("loyalty.add_adjustment")

    def test_a_second_call_changes_nothing_and_tells_them_again(self, demo):
        before = (Member.objects.count(), Order.objects.count(), Reward.objects.count())
        output = StringIO()
        call_command("demo_shop", stdout=output)
        assert output.getvalue() == demo
        assert (Member.objects.count(), Order.objects.count(), Reward.objects.count()) == before

    def test_tells_only_logins_that_still_work(self, demo):
        with transaction.atomic():
            owner = User.objects.get(username="owner")
            owner.set_password("another")
            owner.save()
            told = "\n".join(logins.told())
            transaction.set_rollback(True)
        assert "owner" not in told
        assert "clerk" in told

    def test_has_stores_members_of_every_tier_and_a_year_of_orders(self, demo, now):
        assert Store.objects.count() == 8
        assert 250 <= Member.objects.count() <= 350
        of_tier = Counter(Member.objects.values_list("tier__code", flat=True))
        assert set(of_tier) == {"base", "silver", "gold", "diamond"}
        orders = Order.objects.order_by("placed_at")
        newest, year_ago = orders.last(), orders.filter(placed_at__gt=now - timedelta(days=365))
        assert newest is not None
        assert now - timedelta(days=2) < newest.placed_at < now
        assert len(year_ago) > 3_000
        assert {order.placed_at.month for order in year_ago} == set(range(1, 13))
        assert orders.filter(member=None).exists()
        assert not orders.filter(number="").exists()

    def test_has_refunds_adjustments_and_vouchers_in_every_state(self, demo, now):
        assert Refund.objects.count() > 10
        assert Adjustment.objects.exclude(message="").count() > 5
        states = {vouchers.state_of(voucher, now) for voucher in Voucher.objects.all()}
        assert {"active", "used", "expired", "void"} <= states
        states = {redemption.state_of(each, now) for each in Redemption.objects.all()}
        assert states == set(Redemption.State.values)
        # Two parcels wait to be sent, one is on its way.
        sent = Redemption.objects.filter(delivery="shipping")
        assert Counter(sent.values_list("state", flat=True)) == {"issued": 2, "fulfilled": 1}
        assert Voucher.objects.exclude(used_order=None).count() == 1
        assert VoucherGift.objects.count() == 1

    def test_has_rewards_of_every_kind_an_offer_a_draw_and_a_project(self, demo, now):
        assert set(Reward.objects.values_list("kind", flat=True)) == set(Reward.Kind.values)
        assert not Reward.objects.filter(terms="").exists()
        offer = Offer.objects.get()
        assert offer.starts_at < now < offer.ends_at
        assert offer.stock == 34
        closed, running = DrawRound.objects.order_by("number")
        assert (closed.tickets, running.tickets) == (12, 9)
        assert (closed.closed_at is None, running.closed_at is None) == (False, True)
        assert DrawPlay.objects.exclude(voucher=None).count() == 2
        project = DonationProject.objects.get()
        assert project_queries.totals([project])[project.pk].points > 1_000
        assert Wish.objects.count() == 8
        assert PartnerCode.objects.filter(is_taken=True).count() == 2

    def test_has_gifts_a_hold_a_frozen_member_and_work_for_a_second_person(self, demo, now):
        assert Transfer.objects.count() == 3
        assert Donation.objects.count() == 4
        assert BuyBack.objects.count() == 1
        assert Hold.objects.get(purpose="").state == "held"
        assert Adjustment.objects.filter(state="awaiting_approval").count() == 2
        assert Member.objects.get(status="frozen").status_changes.get().by == "manager"
        assert Member.objects.get(tier_floor__code="gold").tier.rank >= 2

    def test_shows_every_drawing(self, demo):
        assert set(Reward.objects.values_list("art", flat=True)) == set(Reward.Art.values)
        assert programs.current().name == "禾间会员"

    def test_knows_who_is_in_its_segments(self, demo):
        assert not Segment.objects.filter(refreshed_at=None).exists()
        assert Segment.objects.filter(size__gt=0).exists()

    def test_the_books_are_right(self, demo):
        call_command("verify_ledger", "--explanations", stdout=StringIO())


class TestLin:
    def test_is_near_the_next_tier_and_the_next_reward(self, lin, now):
        figures = queries.figures(member=lin, at=now)
        assert figures.active == 2_680
        standing = tiers.standing(member=lin, at=now)
        assert (standing.tier.code, standing.needed) == ("silver", 500)
        nearest = reward_queries.nearest(member=lin, at=now, available=figures.active)
        assert nearest is not None
        assert (nearest.name, nearest.points - figures.active) == ("手冲咖啡", 200)

    def test_has_points_that_lapse_within_the_month(self, lin, now):
        expiring = queries.expiring(member=lin, at=now)
        assert expiring.points == 320
        assert expiring.first_at is not None
        assert now < expiring.first_at < now + timedelta(days=30)

    def test_has_vouchers_to_use(self, lin, now):
        states = Counter(
            vouchers.state_of(voucher, now) for voucher in reward_queries.vouchers_of(lin)
        )
        assert states == {"active": 2, "used": 4, "expired": 1, "void": 1}

    def test_has_a_streak_a_month_of_days_and_a_milestone_ahead(self, lin, now):
        shown = Calendar(member=lin, at=now, program=programs.current())

        assert (shown.streak, shown.is_signed_today, shown.points_today) == (4, False, 10)
        near = shown.outlook.next_milestone
        assert near is not None
        assert (near.reached, near.extra, near.left) == (7, 50, 3)
        assert Counter(row.is_made_up for row in shown.rows) == {False: 21, True: 1}
        assert (shown.allowance.cards in (1, 2), bool(shown.missed)) == (True, True)

    def test_has_friends_in_every_state(self, lin, now):
        circle = friends.circle(Offers(member=lin, at=now, program=programs.current()))

        assert [each.state for each in circle.friends] == [
            "waiting",
            "pending",
            "taken_back",
            "paid",
        ]
        assert (circle.earned, circle.cap) == (400, 2_000)

    def test_has_tasks_in_progress(self, lin, now):
        found = progress.tasks(Offers(member=lin, at=now, program=programs.current()))

        assert {each.campaign.code: each.state for each in found} == {
            "ten-visits": "open",
            "three-shares": "open",
            "review": "open",
            "taste-survey": "open",
        }
        shares = next(each for each in found if each.campaign.code == "three-shares")
        assert (shares.done, shares.goal) == (Decimal(2), Decimal(3))

    def test_her_history_is_told_in_the_order_of_time(self, lin):
        moments = list(queries.entries_of(member=lin).values_list("at", flat=True))
        assert len(moments) > 100
        assert moments == sorted(moments, reverse=True)
