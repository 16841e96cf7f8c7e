"""The lines of the bench about campaigns, small: that they measure what they say."""

import random

import pytest

from campaigns.models import Campaign
from config.bench import evaluating, replays
from loyalty.models import Order, OrderLine
from members.models import Member, Store


class TestEvaluate:
    def test_judges_each_order_by_all_campaigns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(evaluating, "ORDERS", 50)
        shelf = evaluating.Shelf()
        looked_at = evaluating.seen(shelf, evaluating.orders(random.Random(1)))

        assert evaluating.judge(shelf, looked_at) > 0
        assert len(evaluating.rules()) == 20
        assert evaluating.evaluate().value > 0


@pytest.mark.django_db
class TestReplay:
    def test_walks_every_basket(
        self, monkeypatch: pytest.MonkeyPatch, bob: Member, mallory: Member
    ) -> None:
        monkeypatch.setattr(replays, "_VACUUM", "SELECT 1")
        monkeypatch.setattr(
            replays,
            "_ORDERS",
            replays._ORDERS.replace("1 + n %% %(households)s", str(bob.pk)),
        )

        line = replays.replay(baskets=40)

        assert line.what.startswith("replay of 40 baskets with 360 lines")
        assert (Order.objects.count(), OrderLine.objects.count()) == (40, 360)
        assert Store.objects.count() == replays.STORES
        assert Campaign.objects.filter(state="active").count() == len(replays.BESIDE)
