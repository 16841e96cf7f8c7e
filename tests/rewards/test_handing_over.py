"""Who stands at the counter hands over what was redeemed and takes the money; only a manager calls it off."""

from datetime import datetime
from decimal import Decimal

import pytest
import time_machine

from members.models import Member
from rewards import drafts
from rewards.models import Redemption
from rewards.redemption import RedemptionRequest
from tests.conftest import NOON
from tests.console import desk
from tests.rewards.conftest import new_reward


@pytest.fixture
def ticket(ada: Member, noon: datetime) -> Redemption:
    """A draft that waits for ¥9.90 at the counter."""
    new_reward("movie", points=100, cash="9.90", kind="gift", delivery="pick_up")
    request = RedemptionRequest(member=ada.number, reward="movie", reference="r")
    return drafts.reserve(request=request, at=noon).redemption


class TestClerk:
    def test_takes_the_money_and_hands_over(self, ticket: Redemption) -> None:
        clerk = desk("clerk")
        page = f"/console/rewards/redemption/{ticket.pk}"

        with time_machine.travel(NOON, tick=False):
            assert ticket.cash == Decimal("9.90")
            assert clerk.post(f"{page}/pay/").status_code == 302
            assert Redemption.objects.get().state == "issued"
            said = {"carrier": "", "tracking": ""}
            assert clerk.post(f"{page}/fulfil/", said).status_code == 302

        done = Redemption.objects.get()
        assert (done.state, done.fulfilled_by) == ("fulfilled", "clerk")

    def test_may_not_call_it_off(self, ticket: Redemption) -> None:
        clerk = desk("clerk")
        page = f"/console/rewards/redemption/{ticket.pk}"

        with time_machine.travel(NOON, tick=False):
            assert clerk.post(f"{page}/cancel/", {"reason": ""}).status_code == 403
            shown = clerk.get(f"{page}/change/").content.decode()

        assert f"{page}/pay/" in shown
        assert f"{page}/cancel/" not in shown
        assert Redemption.objects.get().state == "reserved"
