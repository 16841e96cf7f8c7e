"""What a merchant most likely does not mean is said in the console."""

from typing import Any

import pytest

from rewards import projects, reward_hints
from rewards.models import Reward
from tests.console import desk
from tests.rewards.conftest import new_reward

LIST = "/console/rewards/reward/"


class TestHints:
    @pytest.mark.parametrize(
        "said",
        [
            {"kind": "coupon"},
            {"kind": "cash"},
            {"kind": "donation"},
            {"kind": "content"},
            {"kind": "coupon", "discount_amount": "10", "min_spend": "5"},
            {"kind": "gift", "points": 100, "tier_prices": {"gold": 101}},
        ],
    )
    def test_says_one_thing_that_is_wrong(self, db: None, said: dict[str, Any]) -> None:
        assert len(reward_hints.hints(new_reward("odd", **said))) == 1

    @pytest.mark.parametrize(
        "said",
        [
            {"kind": "coupon", "summary": "中杯手冲咖啡一杯"},
            {"kind": "coupon", "terms": "凭券领取"},
            {"kind": "coupon", "discount_percent": "10"},
            {"kind": "coupon", "discount_amount": "10", "min_spend": "10"},
            {"kind": "cash", "discount_amount": "10"},
            {"kind": "donation", "project": "forest"},
            {"kind": "content", "content_url": "https://example.com/a"},
            {"kind": "gift", "points": 100, "tier_prices": {"gold": 100}},
            # Without a draw it is good for any.
            {"kind": "draw_ticket"},
            {"kind": "shipping"},
        ],
    )
    def test_says_nothing_where_all_is_well(self, db: None, said: dict[str, Any]) -> None:
        projects.create(changes={"code": "forest", "name": "Forest"})
        assert reward_hints.hints(new_reward("fine", **said)) == []


class TestConsole:
    @pytest.fixture
    def off(self, db: None) -> Reward:
        return new_reward("off", kind="cash")

    def test_says_it_in_the_list_and_on_the_page(self, off: Reward) -> None:
        client = desk("manager")
        new_reward("mug", kind="gift")
        assert client.get(LIST).content.decode().count("1 处待检查") == 1
        assert "没有减免任何金额" in client.get(f"{LIST}{off.pk}/change/").content.decode()
