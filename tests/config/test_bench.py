"""The lines of the bench about campaigns, small: that they measure what they say."""

import random

import environ
import psycopg
import pytest
from django.db import connection

from campaigns.models import Campaign
from config.bench import evaluating, replays, rush
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


@pytest.mark.django_db
class TestRush:
    def test_the_web_server_is_told_the_database_in_use_also_behind_a_socket(self) -> None:
        address = rush._address()
        told = environ.Env.db_url_config(address)

        assert told["NAME"] == connection.settings_dict["NAME"]
        host = told["HOST"] or told["OPTIONS"]["host"]
        assert host == connection.settings_dict["HOST"]
        with psycopg.connect(address) as line:
            found = line.execute("SELECT current_database()").fetchone()
        assert found == (connection.settings_dict["NAME"],)
