"""Draw tickets that campaigns give; rewards are in `test_bonuses`."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from campaigns import checkins, effects
from campaigns.models import CampaignAward
from campaigns.wording import Names, effect_words
from loyalty import refunds
from loyalty.models import Order
from loyalty.refunds import RefundFacts
from members.errors import NotFound
from members.models import Member
from rewards import draw_queries
from rewards.models import Redemption, Voucher
from tests.campaigns.builders import campaign, place
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean
from tests.rewards.draws import go, new_draw

TICKETS = {"type": "draw_ticket", "tickets": 3}


def refund(number: str, amount: str) -> Order:
    facts = RefundFacts(reference="r", at=NOON, amount=Decimal(amount))
    return refunds.refund(source="default", number=number, facts=facts, now=NOON).refund.order


class TestTickets:
    def test_come_with_an_order_and_are_good_for_any_draw(self, bob: Member):
        campaign("autumn", effect=TICKETS, min_amount="50.00")
        place("1", "49.99", member=bob)
        order = place("2", "50.00", member=bob)

        assert order.explanation[-1]["tickets"] == 3
        assert Voucher.objects.filter(member=bob, reward__code="draw-ticket").count() == 3
        assert CampaignAward.objects.get().pieces == 3
        played = [go(bob, new_draw(code, points=None), code) for code in ("one", "two")]
        assert [each.voucher is not None for each in played] == [True, True]
        assert_clean()

    def test_come_with_an_act(self, bob: Member):
        campaign("sign", effect={"type": "draw_ticket", "tickets": 1}, trigger="check_in")
        checkins.sign_in(member=bob.number, at=NOON, now=NOON)
        assert draw_queries.tickets_of(member=bob, at=NOON).count() == 1

    def test_may_be_for_one_draw_alone(self, bob: Member):
        one, other = new_draw("one", points=None), new_draw("other", points=None)
        effect = effects.cleaned({**TICKETS, "draw": "one"}, trigger="order.paid")
        assert effect == {**TICKETS, "draw": "one"}
        assert effect_words(effect, Names()) == "3 张“ONE”抽奖券"
        campaign("autumn", effect=effect)
        place("1", "50.00", member=bob)
        assert draw_queries.tickets_for(member=bob, draw=one, at=NOON).count() == 3
        assert draw_queries.tickets_for(member=bob, draw=other, at=NOON).count() == 0

    def test_for_a_draw_that_is_not_there_are_refused(self, db: None):
        with pytest.raises(NotFound) as caught:
            effects.cleaned({**TICKETS, "draw": "gone"}, trigger="order.paid")
        assert caught.value.pointer == "/effect/draw"

    def test_go_back_with_the_order_when_unused(self, bob: Member):
        campaign("autumn", effect=TICKETS)
        place("1", "50.00", member=bob)
        refund("1", "50.00")
        assert set(Voucher.objects.values_list("state", flat=True)) == {"void"}
        assert Redemption.objects.get().state == "cancelled"
        assert_clean()

    def test_that_were_used_stay_and_the_others_go_back(self, bob: Member):
        campaign("autumn", effect=TICKETS)
        place("1", "50.00", member=bob)
        go(bob, new_draw(points=None), "r")
        refund("1", "50.00")
        assert sorted(Voucher.objects.values_list("state", flat=True)) == ["used", "void", "void"]
        assert Redemption.objects.get().state == "issued"
        assert_clean()

    def test_stay_with_a_part_of_the_order(self, bob: Member):
        campaign("autumn", effect=TICKETS)
        place("1", "50.00", member=bob)
        refund("1", "49.99")
        assert set(Voucher.objects.values_list("state", flat=True)) == {"active"}

    def test_given_once_are_good_for_90_days(self, bob: Member):
        campaign("autumn", effect=TICKETS)
        place("1", "50.00", member=bob)
        # To the end of the 90th local day after the day of the order.
        expected = datetime(2027, 2, 19, 16, tzinfo=UTC)
        assert set(Voucher.objects.values_list("expires_at", flat=True)) == {expected}
