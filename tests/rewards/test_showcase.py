"""What the mall shows a member."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from loyalty import queries as loyalty_queries
from members.models import Member
from rewards import catalogue, offers, projects, queries, redemption, showcase, variants
from rewards.models import Reward
from rewards.showcase import Drop, Item
from tests.conftest import NOON
from tests.rewards.conftest import new_reward

TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def shown(ada: Member) -> Callable[..., dict[str, Item]]:
    """What Ada sees at a moment, by code."""

    def shown(at: datetime = NOON) -> dict[str, Item]:
        figures = loyalty_queries.figures(member=ada, at=at)
        items = showcase.items_for(member=ada, at=at, figures=figures)
        return {item.reward.code: item for item in items}

    return shown


@pytest.fixture
def mug(db: None) -> Reward:
    return new_reward("mug", points=300, stock=10)


def _offer(code: str, **said: object) -> None:
    basics = {"code": code, "name": code, "reward": "mug", "points": 200}
    window = {"starts_at": NOON, "ends_at": NOON + HOUR}
    offers.create(changes={**basics, **window, **said}, at=NOON)


class TestItems:
    @pytest.mark.parametrize(
        ("at", "is_open"), [(NOON - TICK, False), (NOON, True), (NOON + TICK, True)]
    )
    def test_open_when_they_come_on_sale(self, shown, at: datetime, is_open: bool):
        new_reward("new", starts_at=NOON)

        assert shown(at)["new"].is_open is is_open
        assert shown(at)["new"].opens_at == (None if is_open else NOON)

    @pytest.mark.parametrize(
        ("at", "is_there"), [(NOON - TICK, True), (NOON, False), (NOON + TICK, False)]
    )
    def test_are_gone_when_they_go_off_sale(self, shown, at: datetime, is_there: bool):
        new_reward("old", ends_at=NOON)

        assert ("old" in shown(at)) is is_there

    @pytest.mark.parametrize(
        ("tiers", "opens_at", "is_early"),
        [(["silver"], NOON + HOUR, False), (["base"], None, True)],
    )
    def test_open_early_for_some_tiers(self, ada, shown, tiers, opens_at, is_early):
        codes = [ada.tier.code if tier == "base" else tier for tier in tiers]
        early = {"early_from": NOON, "early_tiers": codes, "starts_at": NOON + HOUR}
        new_reward("early", **early)

        assert shown()["early"].opens_at == opens_at
        assert shown()["early"].is_early is is_early
        assert shown(NOON + HOUR)["early"].is_early is False

    def test_tell_what_is_missing_with_an_offer(self, shown, mug: Reward):
        catalogue.change(reward=mug, changes={"points": 1500}, at=NOON)
        _offer("off", points=1200)

        item = shown()["mug"]

        assert (item.points, item.regular, item.crossed_out, item.missing) == (
            1200,
            1500,
            1500,
            200,
        )
        assert shown(NOON + HOUR)["mug"].missing == 500

    def test_tell_the_cheapest_variant_that_is_left(self, shown, mug: Reward):
        for code, extra, pieces in (("a", 0, 0), ("b", 50, 2), ("c", 90, 3)):
            said = {"code": code, "name": code, "extra_points": extra, "stock": pieces}
            variants.create(reward=mug, changes=said, at=NOON)

        item = shown()["mug"]

        assert (item.points, item.has_dearer, item.left) == (350, True, 5)

    def test_are_sold_out_when_every_session_has_begun(self, shown, mug: Reward):
        said = {"code": "a", "name": "a", "begins_at": NOON + HOUR}
        variants.create(reward=mug, changes=said, at=NOON)

        assert shown()["mug"].is_left
        assert not shown(NOON + HOUR)["mug"].is_left

    def test_count_what_the_member_had(self, ada, shown, redeem):
        sweet = new_reward("sweet", per_member=2)
        made = redeem(ada, sweet, "1")

        assert shown()["sweet"].left_for_member == 1
        redeem(ada, sweet, "2")
        assert not shown()["sweet"].is_open
        redemption.cancel(number=made.number, at=NOON)
        assert shown()["sweet"].is_open


class TestDrops:
    def _drops(self, shown: Callable[..., dict[str, Item]], at: datetime = NOON) -> list[Drop]:
        return showcase.drops(items=list(shown(at).values()), at=at)

    def test_run_from_their_start_to_their_end(self, shown, mug: Reward):
        _offer("off", stock=5)

        before, now = self._drops(shown, NOON - TICK), self._drops(shown)

        assert [drop.is_running for drop in before + now] == [False, True]
        assert self._drops(shown, NOON + HOUR) == []

    def test_tell_how_many_pieces_are_gone(self, bob, ada, shown, mug, redeem):
        _offer("off", stock=5)
        made = redeem(ada, mug, "r", quantity=2)
        (drop,) = self._drops(shown)

        assert (drop.pieces, drop.gone, drop.points, drop.regular) == (5, 2, 200, 300)

        redemption.cancel(number=made.number, at=NOON)
        (drop,) = self._drops(shown)
        assert (drop.pieces, drop.gone) == (5, 0)

    def test_are_not_shown_to_who_pays_less_anyhow(self, ada, shown, mug: Reward):
        _offer("off")
        catalogue.change(reward=mug, changes={"tier_prices": {ada.tier.code: 100}}, at=NOON)

        assert self._drops(shown) == []

    def test_that_ran_out_stand_last(self, shown, mug: Reward):
        new_reward("cup", points=300)
        _offer("gone", stock=0)
        _offer("open", reward="cup")

        assert [drop.offer.code for drop in self._drops(shown)] == ["open", "gone"]


class TestDonationRewards:
    @pytest.mark.parametrize(
        ("project", "is_shown"),
        [
            ({}, True),
            ({"ends_at": NOON + TICK}, True),
            ({"ends_at": NOON}, False),
            ({"active": False}, False),
            ({"starts_at": NOON}, True),
        ],
    )
    def test_go_with_their_project(
        self, shown: Callable[..., dict[str, Item]], project: dict[str, object], is_shown: bool
    ):
        projects.create(changes={"code": "forest", "name": "Forest", **project})
        new_reward("tree", kind="donation", project="forest")
        assert ("tree" in shown()) == is_shown
        assert queries.on_sale(NOON).filter(code="tree").exists() == is_shown

    def test_of_a_project_that_begins_later_are_announced(
        self, shown: Callable[..., dict[str, Item]]
    ):
        begins = NOON + HOUR
        projects.create(changes={"code": "forest", "name": "Forest", "starts_at": begins})
        new_reward("tree", kind="donation", project="forest")
        assert not queries.on_sale(NOON).exists()
        tree = shown()["tree"]
        assert (tree.opens_at, tree.can_have, tree.is_early) == (begins, False, False)
        assert shown(begins)["tree"].can_have
        assert shown(begins - timedelta(days=30, microseconds=1)) == {}
