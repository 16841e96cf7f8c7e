"""Orders that have not come far enough to earn their points, as the member sees them."""

import pytest
import time_machine
from django.test import Client

from loyalty import order_steps, ordering
from members.models import Member
from tests.conftest import NOON
from tests.loyalty import builders
from tests.portal import page, sign_in


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.mark.parametrize(
    ("award_on", "when"),
    [("shipped", "is shipped"), ("completed", "is completed")],
)
def test_are_announced_until_they_earn(client: Client, ada: Member, award_on: str, when: str):
    builders.program(award_on=award_on)
    bought = builders.order("1", "64.00", member=ada, status="created")
    ordering.place(order=bought, at=NOON)
    sign_in(client, ada)

    text = page(client, "/points", language="en")
    assert "1 order will still earn points." in text
    assert f"They come when an order {when}." in text

    order_steps.advance(source="default", number="1", status=award_on, at=NOON, now=NOON)
    assert "will still earn points" not in page(client, "/points", language="en")


def test_of_somebody_else_are_not(client: Client, ada: Member, mallory: Member):
    builders.program(award_on="completed")
    ordering.place(order=builders.order("1", "64.00", member=ada), at=NOON)

    text = page(sign_in(client, mallory), "/points", language="en")

    assert "will still earn points" not in text


def test_that_were_cancelled_are_told_in_the_history(client: Client, ada: Member):
    ordering.place(order=builders.order("A-7", "64.00", member=ada), at=NOON)
    order_steps.advance(source="default", number="A-7", status="cancelled", at=NOON, now=NOON)

    text = page(sign_in(client, ada), "/points", language="en")

    assert "Order cancelled" in text
    assert "Points earned by order A-7" in text
