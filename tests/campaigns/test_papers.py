"""The books know what campaigns gave: each paper that disagrees with the ledger is found."""

from collections.abc import Iterator
from typing import Any

import pytest

from campaigns import acts, benefits
from campaigns.acts import ActFacts
from campaigns.models import Act, BenefitGrant, Budget, Conversion
from loyalty import merging, ordering, refunds, verification
from loyalty.models import Order
from loyalty.refunds import RefundFacts
from members import enrolment
from members.enrolment import Newcomer
from members.models import Member, Tier
from tests.campaigns.builders import bonus, campaign, double
from tests.conftest import NOON
from tests.loyalty.builders import order, wallet_of


def differences() -> list[tuple[str, int | None]]:
    found: Iterator[Any] = verification.passes(with_explanations=True)
    return [(each.check, each.wallet) for one in found for each in one.differences]


@pytest.fixture
def shop(ada: Member, bob: Member) -> Member:
    """Bob reviewed twice, brought Eve, has a benefit; Ada was merged into him; Eve's order was refunded."""
    Tier.objects.filter(code="base").update(
        benefits=[{"code": "b", "kind": "yearly_gift", "name": "B", "points": 7}], multiplier="1.5"
    )
    campaign("review", trigger="review", effect=bonus(33, multiplied=True))
    campaign("double", trigger="review", effect=double())
    campaign("status", trigger="review", effect={"type": "status_points", "points": 5})
    campaign("plain", trigger="review", effect=bonus(10), limits={"budget_points": 25})
    campaign("friend", trigger="referral.converted", effect=bonus(40, to="both"))
    campaign("first", effect=bonus(11), first_order=True)
    for member in (ada, bob):
        for reference in ("1", "2"):
            said = ActFacts(member=member.number, type="review", reference=reference)
            acts.record(act=said, now=NOON)
    newcomer = Newcomer(phone="+8613700000001", referral_code=bob.referral_code)
    eve = enrolment.enrol(newcomer=newcomer, at=NOON)
    ordering.place(order=order("1", "50.00", member=eve), at=NOON)
    benefits.keep(at=NOON)
    merging.merge(source=ada.number, into=bob.number, by="x", at=NOON)
    facts = RefundFacts(reference="r", at=NOON, amount=Order.objects.get().amount)
    refunds.refund(source="default", number="1", facts=facts, now=NOON)
    return bob


class TestPapers:
    def test_agree_with_the_ledger_and_every_sum_can_be_done_again(self, shop: Member) -> None:
        assert Act.objects.filter(points__gt=0).count() == 4
        assert Budget.objects.get().used == 25
        assert differences() == []

    def test_an_act_that_says_more_is_found(self, shop: Member) -> None:
        act = Act.objects.order_by("id")[0]
        Act.objects.filter(pk=act.pk).update(points=act.points + 1)

        assert differences() == [("what campaigns gave has its entries", wallet_of(shop))]

    def test_an_act_that_says_nothing_of_its_status_points_is_found(self, shop: Member) -> None:
        Act.objects.filter(pk=Act.objects.order_by("id")[0].pk).update(status_points=0)

        found = ("what campaigns gave has its entries", wallet_of(shop, "status"))
        assert differences() == [found]

    def test_a_referral_that_says_less_is_found(self, shop: Member) -> None:
        Conversion.objects.update(referrer_points=0)

        assert differences() == [("what campaigns gave has its entries", wallet_of(shop))]

    def test_a_benefit_that_is_gone_is_found(self, shop: Member) -> None:
        BenefitGrant.objects.filter(member=shop).delete()

        assert differences() == [("what campaigns gave has its entries", wallet_of(shop))]

    def test_a_budget_that_forgot_something_is_found(self, shop: Member) -> None:
        Budget.objects.update(used=24)

        assert differences() == [("a budget knows all that its campaign gave", None)]
