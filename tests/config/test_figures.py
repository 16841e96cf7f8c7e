"""The figures of the console's first page, by hand."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import translation

from config import figures
from loyalty import adjustments, ordering, refunds
from members import enrolment
from members.models import Member, User
from rewards import catalogue, redemption
from tests.conftest import NOON
from tests.console import desk, staff
from tests.loyalty import builders


def card(user: User, title: str, at: datetime) -> figures.Card:
    return next(each for each in figures.overview(user, at=at).cards if each.title == title)


@pytest.fixture
def english() -> Iterator[None]:
    with translation.override("en"):
        yield


@pytest.mark.usefixtures("english")
class TestOverview:
    def test_counts_by_day_of_the_program(self, owner: User, noon: datetime):
        midnight = noon - timedelta(hours=12)  # of the program: 2026-11-21 00:00 in Shanghai
        for n, at in enumerate([midnight, midnight - timedelta(microseconds=1)]):
            newcomer = enrolment.Newcomer(phone=f"+861380001000{n}", enrolled_at=at)
            enrolment.enrol(newcomer=newcomer, at=noon)
        new = card(owner, "New members", noon)
        assert (new.today, new.week, new.days[-2]) == (1, 2, 1)

    def test_forgets_what_is_older_than_thirty_days(self, owner: User, noon: datetime):
        first = noon - timedelta(hours=12, days=29)
        for n, at in enumerate([first, first - timedelta(microseconds=1)]):
            newcomer = enrolment.Newcomer(phone=f"+861380001000{n}", enrolled_at=at)
            enrolment.enrol(newcomer=newcomer, at=noon)
        assert sum(card(owner, "New members", noon).days) == 1

    def test_points_issued_used_and_expired(self, owner: User, bob: Member, noon: datetime):
        order = ordering.place(order=builders.order("1", "100.00", member=bob), at=noon).order
        assert order is not None
        back = refunds.RefundFacts(reference="R", at=noon, amount=Decimal(40), lines=None)
        refunds.refund(source=order.source, number=order.number, facts=back, now=noon)
        given = adjustments.AdjustmentFacts(
            member=bob.number,
            points=500,
            reason="other",
            reference="a",
            expires_at=noon + timedelta(days=1),
        )
        adjustments.adjust(facts=given, requested_by="x", at=noon)
        catalogue.create(
            changes={"code": "mug", "name": "Mug", "kind": "gift", "points": 200}, at=NOON
        )
        for n in range(2):
            asked = redemption.RedemptionRequest(member=bob.number, reward="mug", reference=f"{n}")
            redeemed = redemption.redeem(request=asked, at=noon).redemption
        redemption.cancel(number=redeemed.number, at=noon)
        later = noon + timedelta(days=1)
        builders.settle(builders.wallet_of(bob), later)
        # What staff adjusted is neither issued nor used.
        assert card(owner, "Points issued", later).days[-2:] == [100, 0]
        chart = figures.overview(owner, at=later).chart
        assert chart is not None
        assert json.loads(chart["data"])["datasets"][1]["data"][-2:] == [40, 0]
        assert card(owner, "Points used", later).days[-2:] == [200, 0]
        assert card(owner, "Points expired", later).days[-2:] == [0, 300]
        assert card(owner, "Orders", later).days[-2:] == [1, 0]

    def test_donations_and_buy_backs_are_used_and_transfers_are_not(
        self, owner: User, ada: Member, bob: Member, noon: datetime
    ):
        wallet = builders.wallet_of(ada)
        builders.post(builders.debit(wallet, 30, "gave", kind="donate"), at=noon)
        builders.post(builders.debit(wallet, 20, "sold", kind="buy_back"), at=noon)
        builders.post(builders.gift(wallet, builders.wallet_of(bob), 100, "g"), at=noon)

        assert card(owner, "Points used", noon).today == 50
        assert card(owner, "Points issued", noon).today == 1000

    def test_compares_with_the_week_before(self):
        days = [0] * 16 + [10] * 7 + [15] * 7
        made = figures.Card(title="", icon="", address="", days=days)
        assert (made.today, made.week, made.change) == (15, 105, 50)
        quiet = figures.Card(title="", icon="", address="", days=[0] * 29 + [3])
        assert quiet.change is None
        assert quiet.sparks == [0] * 29 + [100]

    def test_is_a_fixed_number_of_queries(
        self, owner: User, bob: Member, noon: datetime, django_assert_num_queries: Any
    ):
        with django_assert_num_queries(4):
            figures.overview(owner, at=noon)

    def test_the_chart_has_thirty_days_of_four_series(self, owner: User, noon: datetime):
        chart = figures.overview(owner, at=noon).chart
        assert chart is not None
        data = json.loads(chart["data"])
        assert data["labels"][0] == "10/23"
        assert data["labels"][-1] == "11/21"
        assert [each["label"] for each in data["datasets"]] == [
            "Issued",
            "Taken back",
            "Used",
            "Expired",
        ]
        assert {len(each["data"]) for each in data["datasets"]} == {30}

    def test_shows_only_what_one_may_see(self, db: None, noon: datetime):
        nobody = User.objects.create_user(username="new", is_staff=True)
        assert figures.overview(nobody, at=noon) == figures.Overview(cards=[], chart=None)
        assert figures.latest_orders(nobody) is None
        assert figures.latest_redemptions(nobody) is None
        assert len(figures.overview(staff("clerk"), at=noon).cards) == 5


class TestFirstPage:
    def test_links_to_the_latest_rows(self, bob: Member, noon: datetime):
        order = ordering.place(order=builders.order("1", "9.00", member=bob), at=noon).order
        assert order is not None
        page = desk("clerk").get("/console/").content.decode()
        assert f"/console/loyalty/order/{order.pk}/change/" in page
        assert "¥9<" in page
