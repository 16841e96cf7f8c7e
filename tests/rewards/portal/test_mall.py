"""The mall and the page of one reward."""

import re
from datetime import timedelta

import pytest
import time_machine

from loyalty import awarding
from members.models import Member
from rewards import catalogue, offers, pictures, variants
from rewards.models import Reward
from tests.conftest import NOON
from tests.portal import page, sign_in
from tests.rewards.conftest import new_reward

NOW = NOON + timedelta(hours=1)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def mug(db) -> Reward:
    """A gift for 300 points, fifty pieces."""
    return new_reward(
        "mug", kind="gift", points=300, stock=50, category="周边", summary="釉色温润"
    )


def _offer(reward: Reward, code: str = "flash", **changes: object) -> None:
    window = {"starts_at": NOON, "ends_at": NOW + timedelta(hours=2)}
    said = {
        "code": code,
        "name": "今晚抢",
        "reward": reward.code,
        "points": 200,
        **window,
        **changes,
    }
    offers.create(changes=said, at=NOON)


def _shown(text: str) -> list[str]:
    return re.findall(r'class="reward__link" href="/rewards/([\w-]+)"', text)


class TestMall:
    def test_shows_first_what_can_be_had(self, client, ada: Member, mug: Reward):
        new_reward("car", points=5000)

        text = page(sign_in(client, ada), "/rewards")

        shelf, nearest = text.split('class="nearest"')
        assert _shown(shelf) == ["mug"]
        assert "/rewards/car" in nearest
        assert "还差 4,000 积分" in nearest

    def test_escapes_what_merchants_write(self, client, ada: Member):
        new_reward("odd", name="<b>mug</b>")

        assert "&lt;b&gt;mug&lt;/b&gt;" in page(sign_in(client, ada), "/rewards")

    def test_without_points_shows_the_nearest_and_everything(self, client, bob: Member, mug):
        text = page(sign_in(client, bob), "/rewards")

        assert text.index('class="nearest"') < text.index('class="shelf"')
        assert "还差 300 积分" in text

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("q=MUG", ["mug"]),
            ("q=釉色", ["mug"]),
            ("q=周边", ["mug"]),
            ("show=周边", ["mug"]),
            ("show=all", ["sweet", "mug", "car"]),
            ("show=all&sort=new", ["sweet", "car", "mug"]),
            ("show=all&sort=near", ["car", "sweet", "mug"]),
            ("show=all&sort=popular", ["mug", "sweet", "car"]),
            ("kind=gift", ["mug"]),
            ("q=teapot", []),
            ("show=nothing", []),
        ],
    )
    def test_finds_and_sorts(self, client, ada, mug, redeem, query: str, found: list[str]):
        new_reward("car", points=5000)
        new_reward("sweet", points=10)
        redeem(ada, mug, "r")

        assert _shown(page(sign_in(client, ada), f"/rewards?{query}")) == found

    def test_says_when_nothing_is_found(self, client, ada: Member, mug: Reward):
        assert 'class="empty"' in page(sign_in(client, ada), "/rewards?q=teapot")

    @pytest.mark.parametrize(
        "query", ["page=x", "page=0", "page=99", "sort=x", "kind=x", f"q={'x' * 80}", "q=%00"]
    )
    def test_takes_odd_addresses_calmly(self, client, ada: Member, mug: Reward, query: str):
        assert sign_in(client, ada).get(f"/rewards?{query}").status_code == 200

    def test_crosses_out_the_regular_price_of_an_offer(self, client, ada: Member, mug: Reward):
        _offer(mug, stock=40)

        text = page(sign_in(client, ada), "/rewards")

        assert re.search(r"<s><span[^>]*>原价 ?</span>300</s>", text)
        assert "badge--flash" in text
        assert 'data-countdown="7200"' in text
        assert "还剩 40 件" in text

    def test_shows_how_much_of_an_offer_is_gone(self, client, ada, mug, redeem):
        _offer(mug, stock=4)
        redeem(ada, mug, "r")

        assert '<progress value="1" max="4">' in page(sign_in(client, ada), "/rewards")

    def test_announces_an_offer_before_it_begins(self, client, ada: Member, mug: Reward):
        _offer(mug, starts_at=NOW + timedelta(minutes=30))

        text = page(sign_in(client, ada), "/rewards")

        assert 'data-countdown="1800" data-then="reload"' in text
        assert "<s>" not in text.split('class="shelf"')[1]

    def test_says_that_an_offer_is_gone(self, client, ada: Member, mug: Reward):
        _offer(mug, stock=0)

        text = page(sign_in(client, ada), "/rewards")

        assert "drop--over" in text
        assert "badge--flash" not in text.split('class="shelf"')[1]

    def test_shows_the_price_of_the_members_tier(self, client, ada: Member, mug: Reward):
        catalogue.change(reward=mug, changes={"tier_prices": {ada.tier.code: 250}}, at=NOON)

        text = page(sign_in(client, ada), "/rewards")

        assert re.search(r"250<small>.*<s><span[^>]*>原价 ?</span>300</s>", text)

    def test_announces_what_comes_and_lets_tiers_in_early(self, client, ada: Member, mug: Reward):
        starts = {"starts_at": NOW + timedelta(days=3)}
        new_reward("later", **starts)
        early = {"early_from": NOON, "early_tiers": [ada.tier.code]}
        new_reward("early", **starts, **early)
        new_reward("next-year", starts_at=NOW + timedelta(days=60))

        mine, soon = page(sign_in(client, ada), "/rewards").split("即将上架")

        assert _shown(mine) == ["early", "mug"]
        assert "提前兑" in mine
        assert _shown(soon) == ["later"]

    def test_marks_what_is_nearly_gone_and_puts_what_is_gone_last(self, client, ada: Member, mug):
        new_reward("last", stock=3)
        new_reward("gone", points=1, stock=0)

        text = page(sign_in(client, ada), "/rewards?show=all")

        assert _shown(text) == ["last", "mug", "gone"]
        assert "仅剩 3 件" in text
        assert "reward--gone" in text

    def test_counts_the_pieces_of_variants(self, client, ada: Member, mug: Reward):
        for code, stock in (("red", 0), ("blue", 2)):
            said = {"code": code, "name": code, "stock": stock, "extra_points": stock}
            variants.create(reward=mug, changes=said, at=NOON)

        text = page(sign_in(client, ada), "/rewards")

        assert "仅剩 2 件" in text
        assert "302<small>" in text

    def test_shows_pictures_where_there_are_some(self, client, ada: Member, mug: Reward):
        digest = _picture(mug)

        assert f"/rewards/mug/picture/{digest}" in page(sign_in(client, ada), "/rewards")

    @pytest.mark.parametrize("many", [1, 100])
    def test_needs_the_same_queries_for_any_number(
        self, client, ada: Member, many: int, django_assert_num_queries
    ):
        mug = new_reward("mug", stock=50, per_member=9)
        _offer(mug, points=50, stock=9)
        variants.create(reward=mug, changes={"code": "red", "name": "red"}, at=NOON)
        Reward.objects.bulk_create(
            Reward(code=f"r{number}", name="r", kind="gift", points=number, per_member=1)
            for number in range(1, many + 1)
        )
        sign_in(client, ada)
        client.get("/rewards")

        with django_assert_num_queries(16):
            text = client.get("/rewards?show=all").content.decode()

        assert len(_shown(text.split('class="shelf"')[1])) == min(many + 1, 24)
        assert ("page=2" in text) is (many > 24)

    def test_is_light(self, client, ada: Member):
        for number in range(30):
            new_reward(f"r{number}", name="名字很长的奖品" * 5, summary="简介" * 20)

        assert len(sign_in(client, ada).get("/rewards").content) < 60_000


def _picture(reward: Reward) -> str:
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    Image.new("RGB", (40, 30), "red").save(file, "PNG")
    return pictures.keep(reward=reward, body=file.getvalue()).digest


class TestReward:
    def test_says_what_would_be_left(self, client, ada: Member, mug: Reward):
        text = page(sign_in(client, ada), "/rewards/mug")

        assert "<b>700</b>" in text
        assert 'action="/rewards/mug/redeem"' in text

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"points": 1500}, "还差 500 积分。"),
            ({"stock": 0}, "已经兑完了"),
            ({"tiers": ["gold"]}, "限这些等级：金卡。"),
            ({"active": False}, "现在不能兑换"),
            ({"starts_at": NOW + timedelta(hours=1)}, "开始兑换"),
        ],
    )
    def test_says_why_it_cannot_be_had(
        self, client, ada: Member, mug: Reward, changes, words: str
    ):
        catalogue.change(reward=mug, changes=changes, at=NOON)

        text = page(sign_in(client, ada), "/rewards/mug")

        assert words in text
        assert 'action="/rewards/mug/redeem"' not in text

    def test_offers_others_like_it_instead(self, client, ada: Member, mug: Reward):
        new_reward("cup", kind="gift", points=400, category="周边")
        new_reward("tea", points=300, category="茶")
        catalogue.change(reward=mug, changes={"stock": 0}, at=NOON)

        text = page(sign_in(client, ada), "/rewards/mug")

        assert text.index("/rewards/cup") < text.index("/rewards/tea")

    def test_of_a_frozen_member_says_so(self, client, ada: Member, mug: Reward):
        Member.objects.filter(pk=ada.pk).update(status=Member.Status.FROZEN)

        assert "积分已冻结" in page(sign_in(client, ada), "/rewards/mug")

    def test_that_does_not_exist_is_not_there(self, client, ada: Member):
        page(sign_in(client, ada), "/rewards/nothing", status=404)

    def test_reckons_with_what_was_chosen(self, client, ada: Member, mug: Reward):
        for code, extra in (("red", 0), ("gold", 50)):
            said = {"code": code, "name": code, "extra_points": extra}
            variants.create(reward=mug, changes=said, at=NOON)
        sign_in(client, ada)

        text = page(client, "/rewards/mug?variant=gold&quantity=1&step=1")

        assert "−700" in text
        assert "<b>300</b>" in text
        assert (
            'name="quantity" type="number" inputmode="numeric" min="1" max="2" value="2"' in text
        )

    @pytest.mark.parametrize(
        "query",
        ["quantity=-1", "quantity=x", "quantity=1e9", "variant=no", "delivery=no", "step=--"],
    )
    def test_takes_odd_choices_calmly(self, client, ada: Member, mug: Reward, query: str):
        assert "−300" in page(sign_in(client, ada), f"/rewards/mug?{query}")

    def test_shows_sessions_with_seats_until_they_begin(self, client, ada: Member, clock):
        course = new_reward("course", kind="experience")
        for code, hours, seats in (("soon", 1, 3), ("full", 2, 0), ("late", 3, 8)):
            begins = NOW + timedelta(hours=hours)
            said = {"code": code, "name": code, "stock": seats, "begins_at": begins}
            variants.create(reward=course, changes=said, at=NOON)
        sign_in(client, ada)

        text = page(client, "/rewards/course")
        clock.shift(timedelta(hours=1))
        later = page(client, "/rewards/course")

        assert "余 3 席" in text
        assert "已约满" in text
        assert 'value="soon"' in text
        assert 'value="soon"' not in later

    def test_explains_a_floating_price_and_keeps_it(self, client, ada: Member):
        pricing = {"step": 10, "rules": [{"type": "stock", "at_most": "0.5", "factor": "1.5"}]}
        seat = new_reward("seat", points=100, stock=10, pricing=pricing)
        Reward.objects.filter(pk=seat.pk).update(stock=4)

        text = page(sign_in(client, ada), "/rewards/seat")

        assert "库存不多" in text
        assert "× 1.5" in text
        assert "保留到 11-21 13:10" in text
        Reward.objects.filter(pk=seat.pk).update(stock=9)
        assert "<b>150</b>" in page(client, "/rewards/seat")

    def test_never_shows_what_is_bought_to_be_read(self, client, ada: Member):
        new_reward(
            "guide", kind="content", content="先磨豆。", content_url="https://example.com/g"
        )

        text = page(sign_in(client, ada), "/rewards/guide")

        assert "先磨豆" not in text
        assert "example.com" not in text

    def test_tells_every_rule(self, client, ada: Member, store):
        new_reward(
            "ten-off",
            discount_amount="10.00",
            min_spend="50.00",
            stores=[store.code],
            weekdays=[1, 2],
            per_member=2,
            per_member_period="month",
            terms="每单一张",
        )

        text = page(sign_in(client, ada), "/rewards/ten-off")

        for words in ("可抵 ¥10", "满 ¥50 可用", "静安寺店", "每单一张", "您本月还可兑 2 件"):
            assert words in text

    def test_needs_few_queries(self, client, ada: Member, mug: Reward, django_assert_num_queries):
        _offer(mug)
        sign_in(client, ada)
        client.get("/rewards/mug")

        with django_assert_num_queries(16):
            client.get("/rewards/mug")


def test_home_reckons_with_offers(client, bob: Member, mug: Reward):
    awarding.award(member=bob, points=250, reference="w", details={}, expires_at=None, at=NOON)
    car = new_reward("car", points=900)
    _offer(mug, code="mug-off")
    _offer(car, code="car-off", points=400)

    text = page(sign_in(client, bob), "/")

    assert "再攒 <b>150</b> 积分可兑" in text
    assert "/rewards/mug" in text


@pytest.mark.parametrize("path", ["/rewards", "/rewards/mug", "/rewards/mug/redeem"])
def test_visitors_sign_in_first(client, db, path: str):
    assert client.get(path)["Location"] == f"/accounts/login?next={path}"


@pytest.mark.parametrize(
    "path",
    ["/rewards", "/rewards?show=all", "/rewards/mug", "/rewards/mug/redeem", "/rewards/car"],
)
def test_pages_are_complete_in_english(client, ada: Member, mug: Reward, path: str):
    new_reward("car", points=5000, tiers=["gold"], starts_at=NOW + timedelta(days=1))
    _offer(mug, stock=9, name="Tonight", per_member=1)

    text = page(sign_in(client, ada), path, language="en")

    assert set(re.findall(r"[\u4e00-\u9fff]+", text)) <= {
        "积分计划",
        "周边",
        "普通",
        "金卡",
        "釉色温润",
    }
