"""What staff do with an order at the console: steps, cancelling, refunds."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from loyalty import holds, order_steps, ordering, queries
from loyalty.models import Order, OrderStep, Refund
from members.models import Member
from tests.conftest import NOON
from tests.console import desk
from tests.loyalty import builders

BASE = "/console/loyalty/order/"


def page_of(client: Client, made: Order, action: str = "change") -> Any:
    return client.get(f"{BASE}{made.pk}/{action}/")


@pytest.fixture
def made(ada: Member, noon: datetime) -> Order:
    """An order of 60.00 and 40.00 that is not paid."""
    bought = builders.order("T-1", "60.00", "40.00", member=ada, status="created")
    placed = ordering.place(order=bought, at=noon).order
    assert placed is not None
    return placed


def active(member: Member) -> int:
    return queries.figures(member=member, at=NOON).active


def buttons(client: Client, made: Order) -> set[str]:
    """The actions that the order's page leads to."""
    text = page_of(client, made).content.decode()
    names = ("pay", "ship", "complete", "refund", "cancel")
    return {name for name in names if f'{BASE}{made.pk}/{name}/"' in text}


class TestPage:
    def test_shows_the_steps_and_offers_what_can_come(self, made: Order):
        client = desk("manager")
        assert buttons(client, made) == {"pay", "ship", "complete", "refund", "cancel"}

        order_steps.advance(source="default", number="T-1", status="shipped", at=NOON, now=NOON)

        assert buttons(client, made) == {"complete", "refund", "cancel"}
        text = page_of(client, made).content.decode()
        assert str(Order.Status.SHIPPED.label) in text
        assert str(Order.Status.CREATED.label) in text

    def test_of_a_cancelled_order_offers_nothing(self, made: Order):
        order_steps.advance(source="default", number="T-1", status="cancelled", at=NOON, now=NOON)

        assert buttons(desk("manager"), made) == set()

    def test_offers_a_clerk_nothing(self, made: Order):
        client = desk("clerk")

        assert buttons(client, made) == set()
        for action in ("pay", "ship", "complete", "refund", "cancel"):
            assert page_of(client, made, action).status_code == 403
            assert client.post(f"{BASE}{made.pk}/{action}/").status_code == 403
        assert OrderStep.objects.count() == 1


class TestSteps:
    @pytest.mark.parametrize(
        ("action", "status"), [("pay", "paid"), ("ship", "shipped"), ("complete", "completed")]
    )
    def test_are_asked_first_and_then_done(
        self, made: Order, ada: Member, action: str, status: str
    ):
        client = desk("manager")

        asked = page_of(client, made, action)
        assert asked.context["earns"]
        assert OrderStep.objects.count() == 1
        answer = client.post(f"{BASE}{made.pk}/{action}/")

        assert answer["Location"] == f"{BASE}{made.pk}/change/"
        made.refresh_from_db()
        assert (made.status, made.points, active(ada)) == (status, 100, 1100)
        assert not page_of(client, made, action).context["earns"]

    def test_that_are_refused_say_why(self, made: Order, ada: Member):
        client = desk("manager")
        order_steps.advance(source="default", number="T-1", status="cancelled", at=NOON, now=NOON)

        answer = client.post(f"{BASE}{made.pk}/complete/")

        assert answer.status_code == 200
        assert answer.context["problem"]
        assert answer.context["problem"] in answer.content.decode()
        assert active(ada) == 1000


class TestCancel:
    def test_says_how_many_points_go_back_and_takes_them(self, ada: Member, noon: datetime):
        request = holds.HoldRequest(member=ada.number, points=500, reference="h")
        hold = holds.hold(request=request, at=noon).hold
        bought = builders.order("T-1", "100.00", member=ada, hold=str(hold.pk))
        made = ordering.place(order=bought, at=noon).order
        assert made is not None
        client = desk("owner")

        asked = page_of(client, made, "cancel")

        assert asked.context["cancellation"] == order_steps.Cancellation(95, 95, 500)
        assert ">95<" in asked.content.decode()
        client.post(f"{BASE}{made.pk}/cancel/")
        made.refresh_from_db()
        assert (made.status, active(ada)) == ("cancelled", 1000)

    def test_a_double_click_cancels_once(self, made: Order, ada: Member):
        client = desk("manager")
        client.post(f"{BASE}{made.pk}/pay/")

        for _click in range(2):
            assert client.post(f"{BASE}{made.pk}/cancel/").status_code == 302

        assert active(ada) == 1000


class TestRefund:
    @pytest.fixture
    def paid(self, made: Order) -> Order:
        return order_steps.advance(
            source="default", number="T-1", status="paid", at=NOON, now=NOON
        )

    def send(self, client: Client, made: Order, **said: str) -> Any:
        form = page_of(client, made, "refund").context["form"]
        data = {"reference": form["reference"].value(), "amount": ""}
        data |= {field.html_name: "" for field in form.line_fields()}
        return client.post(f"{BASE}{made.pk}/refund/", data | said)

    def test_by_amount(self, paid: Order, ada: Member):
        client = desk("manager")

        answer = self.send(client, paid, amount="30.50")

        assert answer["Location"] == f"{BASE}{paid.pk}/change/"
        refund = Refund.objects.get()
        assert (refund.amount, refund.points_reversed) == (Decimal("30.50"), 30)
        assert active(ada) == 1070
        assert refund.reference in page_of(client, paid).content.decode()

    def test_by_article(self, paid: Order, ada: Member):
        self.send(desk("manager"), paid, line_1="40.00")

        assert Refund.objects.get().lines == [{"sku": "B", "amount": "40.00", "quantity": None}]
        assert active(ada) == 1060

    def test_a_double_click_refunds_once(self, paid: Order, ada: Member):
        client = desk("manager")
        for _click in range(2):
            assert self.send(client, paid, amount="30.00", reference="R").status_code == 302

        assert Refund.objects.count() == 1
        assert active(ada) == 1070

    @pytest.mark.parametrize(
        ("said", "field"),
        [
            ({"amount": "100.01"}, "__all__"),
            ({"line_0": "60.01"}, "__all__"),
            ({"amount": "0"}, "amount"),
            ({"amount": "-1"}, "amount"),
            ({"amount": "1", "line_0": "1"}, "__all__"),
            ({}, "__all__"),
            ({"amount": "1", "reference": ""}, "reference"),
        ],
    )
    def test_that_is_refused_says_so_on_the_form(
        self, paid: Order, ada: Member, said: dict[str, str], field: str
    ):
        answer = self.send(desk("manager"), paid, **said)

        assert answer.status_code == 200
        errors = answer.context["form"].errors
        assert list(errors) == [field]
        assert not Refund.objects.exists()
        assert active(ada) == 1100

    def test_with_a_number_used_before_says_so_there(self, paid: Order):
        client = desk("manager")
        self.send(client, paid, amount="1.00", reference="R")

        answer = self.send(client, paid, amount="2.00", reference="R")

        assert list(answer.context["form"].errors) == ["reference"]
        assert Refund.objects.count() == 1
