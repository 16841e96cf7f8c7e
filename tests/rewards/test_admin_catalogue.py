"""The catalogue at the console: kinds, prices as sentences, pictures, variants, offers and stock."""

from datetime import timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from members.models import Store
from rewards import catalogue, offers, pictures, stock, variants
from rewards.admin.stock import is_low
from rewards.models import Offer, Reward, RewardPicture, StockMovement, Variant
from tests.conftest import NOON
from tests.console import desk, errors_of, filled
from tests.rewards.conftest import new_reward

ADD = "/console/rewards/reward/add/"
RULES = [
    {"type": "stock", "at_most": "0.125", "factor": "1.5"},
    {"type": "season", "from": "11-01", "to": "02-28", "factor": "0.8"},
    {"type": "demand", "above": "2", "factor": "1.2"},
]
PRICING = {"floor": "0.5", "ceiling": "2", "step": 100, "rules": RULES}
GAPS = {
    "pricing-stock-0-at_most": "12.5",
    "pricing-stock-0-factor": "1.5",
    "pricing-season-1-from": "11-01",
    "pricing-season-1-to": "02-28",
    "pricing-season-1-factor": "0.8",
    "pricing-demand-0-above": "2",
    "pricing-demand-0-factor": "1.20",
    "pricing-floor": "0.5",
    "pricing-ceiling": "2",
    "pricing-step": "100",
}


@pytest.fixture(autouse=True)
def today() -> Any:
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        yield


def page_of(row: Any, page: str = "change") -> str:
    return f"/console/rewards/{row._meta.model_name}/{row.pk}/{page}/"


def picture(name: str = "a.png", size: tuple[int, int] = (30, 20)) -> SimpleUploadedFile:
    written = BytesIO()
    Image.new("RGB", size, "red").save(written, "PNG")
    return SimpleUploadedFile(name, written.getvalue(), "image/png")


def sent(page: Any, **changes: Any) -> dict[str, Any]:
    """What a browser sends for the reward's form: prices are inputs of their own."""
    data = filled(page, **changes)
    data = {name: value for name, value in data.items() if not name.startswith(OWN)}
    pricing = page.context["adminform"].form.initial.get("pricing") or {}
    data |= {
        f"pricing-{name}": pricing[name]
        for name in ("floor", "ceiling", "step")
        if name in pricing
    }
    for kind in ("stock", "season", "demand"):
        rules = [rule for rule in pricing.get("rules", ()) if rule["type"] == kind]
        for place, rule in enumerate(rules):
            parts = {part: value for part, value in rule.items() if part != "type"}
            if kind == "stock":
                parts["at_most"] = "12.5"
            data |= {f"pricing-{kind}-{place}-{part}": value for part, value in parts.items()}
    return data | {name: value for name, value in changes.items() if name.startswith(OWN)}


OWN = ("pricing", "tier_prices", "upload", "drawn")


class TestKinds:
    def test_a_coupon_takes_its_own_fields(self, store: Store):
        client = desk("manager")
        said = {
            "code": "ten",
            "name": "满50减10",
            "kind": "coupon",
            "points": "500",
            "discount_amount": "10",
            "min_spend": "50",
            "stores": ["SH-1"],
            "weekdays": ["1", "7"],
        }
        assert client.post(ADD, sent(client.get(ADD), **said)).status_code == 302
        made = Reward.objects.get()
        assert (made.discount_amount, made.min_spend) == (Decimal(10), Decimal(50))
        assert (made.stores, made.weekdays) == (["SH-1"], [1, 7])

    def test_what_another_kind_has_is_left_out(self, db: None):
        client = desk("manager")
        said = {"code": "mug", "name": "x", "kind": "gift", "points": "5", "delivery": "either"}
        hidden = {"discount_amount": "10", "content": "secret"}
        assert client.post(ADD, sent(client.get(ADD), **said, **hidden)).status_code == 302
        made = Reward.objects.get()
        assert (made.delivery, made.discount_amount, made.content) == ("either", None, "")

    def test_a_new_one_is_drawn_as_its_kind_unless_told(self, db: None):
        client = desk("manager")
        said = {"name": "x", "points": "5", "kind": "gift"}
        page = client.get(ADD)
        assert client.post(ADD, sent(page, code="a", **said)).status_code == 302
        assert client.post(ADD, sent(page, code="b", art="cake", **said)).status_code == 302
        assert dict(Reward.objects.values_list("code", "art")) == {"a": "tote", "b": "cake"}

    def test_a_changed_kind_loses_what_it_does_not_have(self, db: None):
        made = new_reward("ten", discount_amount="10", min_spend="50")
        client = desk("manager")
        page = client.get(page_of(made))
        assert client.post(page_of(made), sent(page, kind="gift")).status_code == 302
        made.refresh_from_db()
        assert (made.kind, made.discount_amount, made.min_spend) == ("gift", None, None)

    def test_what_is_most_likely_not_meant_is_said_after_saving(self, db: None):
        client = desk("manager")
        said = {"code": "a", "name": "x", "points": "5", "kind": "coupon"}
        page = client.get(ADD)
        odd = {"discount_amount": "10", "min_spend": "5"}
        answer = client.post(ADD, sent(page, **said, **odd), follow=True)
        words = [str(each) for each in answer.context["messages"]]
        assert [each for each in words if "写反" in each]
        assert Reward.objects.get().code == "a"

    def test_two_discounts_are_said_at_the_field(self, db: None):
        client = desk("manager")
        said = {"code": "ten", "name": "x", "kind": "coupon", "points": "5"}
        both = {"discount_amount": "10", "discount_percent": "5"}
        answer = client.post(ADD, sent(client.get(ADD), **said, **both))
        assert list(errors_of(answer)) == ["discount_percent"]
        assert not Reward.objects.exists()

    def test_the_kinds_of_a_field_are_marked_for_the_script(self, db: None):
        text = desk("manager").get(ADD).content.decode()
        assert 'data-kinds="cash coupon shipping"' in text
        assert "console/rewards.js" in text


class TestPrices:
    def test_the_floating_price_is_read_from_its_sentences(self, db: None):
        client = desk("manager")
        said = {"code": "seat", "name": "x", "kind": "gift", "points": "10000"}
        assert client.post(ADD, sent(client.get(ADD), **said, **GAPS)).status_code == 302
        assert Reward.objects.get().pricing == PRICING

    def test_saving_something_else_leaves_it_as_it_is(self, db: None):
        made = new_reward("seat", pricing=PRICING, tier_prices={"gold": 90})
        client = desk("manager")
        page = client.get(page_of(made))
        text = page.content.decode()
        assert 'name="pricing-stock-0-at_most" value="12.5"' in text
        assert 'name="tier_prices-gold" value="90"' in text
        data = sent(page, name="Seat", **{"tier_prices-gold": "90"})
        assert client.post(page_of(made), data).status_code == 302
        made.refresh_from_db()
        assert (made.name, made.pricing, made.tier_prices) == ("Seat", PRICING, {"gold": 90})

    def test_empty_gaps_make_the_price_fixed(self, db: None):
        made = new_reward("seat", pricing=PRICING)
        client = desk("manager")
        data = {
            name: value
            for name, value in sent(client.get(page_of(made))).items()
            if not name.startswith("pricing")
        }
        assert client.post(page_of(made), data).status_code == 302
        made.refresh_from_db()
        assert made.pricing == {}

    @pytest.mark.parametrize(
        ("gap", "value", "place"),
        [
            ("pricing-season-1-from", "02-30", "季节 1"),
            ("pricing-season-1-to", "", "季节 1"),
            ("pricing-stock-0-at_most", "ten", "库存 1"),
            ("pricing-stock-0-at_most", "101", "库存 1"),
            ("pricing-demand-0-factor", "0", "热度 1"),
            ("pricing-ceiling", "0.5", "不高于"),
            ("pricing-step", "1.5", "向上取整到"),
        ],
    )
    def test_what_is_wrong_is_said_by_line(self, db: None, gap: str, value: str, place: str):
        client = desk("manager")
        said = {"code": "seat", "name": "x", "kind": "gift", "points": "10000"}
        answer = client.post(ADD, sent(client.get(ADD), **said, **{**GAPS, gap: value}))
        (error,) = errors_of(answer)["pricing"]
        assert place in error
        assert not Reward.objects.exists()
        if gap != "pricing-season-1-to":
            assert f'value="{value}"' in answer.content.decode()

    def test_tiers_have_prices_of_their_own(self, db: None):
        client = desk("manager")
        said = {"code": "mug", "name": "x", "kind": "gift", "points": "100"}
        prices = {"tier_prices-gold": "90", "tier_prices-silver": ""}
        assert client.post(ADD, sent(client.get(ADD), **said, **prices)).status_code == 302
        assert Reward.objects.get().tier_prices == {"gold": 90}

    @pytest.mark.parametrize("points", ["0", "-5", "1.5", "ten"])
    def test_a_price_that_is_none_is_refused(self, db: None, points: str):
        client = desk("manager")
        said = {"code": "mug", "name": "x", "kind": "gift", "points": "100"}
        answer = client.post(ADD, sent(client.get(ADD), **said, **{"tier_prices-gold": points}))
        assert list(errors_of(answer)) == ["tier_prices"]
        assert not Reward.objects.exists()

    def test_the_price_of_now_is_explained(self, db: None):
        made = new_reward("seat", points=10_000, stock=8, pricing=PRICING)
        Reward.objects.update(stock_start=100)
        text = desk("manager").get(page_of(made)).content.decode()
        assert "12,000" in text
        assert "仅剩 8 / 100" in text


class TestPicture:
    def test_is_kept_and_shown(self, cake: Reward):
        client = desk("manager")
        page = client.get(page_of(cake))
        assert client.post(page_of(cake), sent(page, upload=picture())).status_code == 302
        kept = RewardPicture.objects.get()
        assert (kept.width, kept.height) == (30, 20)
        address = f"/rewards/cake/picture/{kept.digest}"
        assert address in client.get("/console/rewards/reward/").content.decode()
        page = client.get(page_of(cake))
        assert address in page.content.decode()
        assert client.post(page_of(cake), sent(page, without_picture="on")).status_code == 302
        assert not RewardPicture.objects.exists()

    def test_no_picture_leaves_everything_as_it_was(self, cake: Reward):
        pictures.keep(reward=cake, body=picture().read())
        before = RewardPicture.objects.get().digest
        client = desk("manager")
        bad = SimpleUploadedFile("a.png", b"<svg/>", "image/png")
        page = client.get(page_of(cake))
        answer = client.post(page_of(cake), sent(page, name="New", upload=bad))
        assert list(errors_of(answer)) == ["upload"]
        cake.refresh_from_db()
        assert (cake.name, RewardPicture.objects.get().digest) == ("CAKE", before)

    def test_a_new_reward_with_a_bad_picture_is_not_made(self, db: None):
        client = desk("manager")
        said = {"code": "mug", "name": "x", "kind": "gift", "points": "100"}
        bad = SimpleUploadedFile("a.png", b"0" * (5 * 1024 * 1024 + 1), "image/png")
        for upload in (bad, SimpleUploadedFile("a.png", b"no", "image/png")):
            answer = client.post(ADD, sent(client.get(ADD), **said, upload=upload))
            assert list(errors_of(answer)) == ["upload"]
        assert not Reward.objects.exists()


class TestVariantsAndOffers:
    def test_a_session_is_added_to_its_reward(self, cake: Reward):
        client = desk("manager")
        add = f"/console/rewards/variant/add/?reward={cake.pk}"
        assert add in client.get(page_of(cake)).content.decode()
        said = {"code": "sat", "name": "周六场", "stock": "12", "begins_at_0": "2026-12-05"}
        said |= {"begins_at_1": "10:00"}
        assert client.post(add, filled(client.get(add), **said)).status_code == 302
        made = Variant.objects.get()
        assert (made.reward, made.stock, made.begins_at is not None) == (cake, 12, True)
        assert StockMovement.objects.get().by == "manager"
        assert (
            client.post(page_of(made), filled(client.get(page_of(made)), stock="9")).status_code
            == 302
        )
        made.refresh_from_db()
        assert made.stock == 9
        assert "周六场" in client.get(page_of(cake)).content.decode()

    def test_an_offer_is_made_and_its_window_is_checked(self, cake: Reward):
        client = desk("manager")
        add = f"/console/rewards/offer/add/?reward={cake.pk}"
        said = {
            "code": "flash",
            "name": "秒杀",
            "points": "100",
            "starts_at_0": "2026-11-21",
            "starts_at_1": "12:00",
            "ends_at_0": "2026-11-21",
            "ends_at_1": "14:00",
        }
        assert client.post(add, filled(client.get(add), **said)).status_code == 302
        made = Offer.objects.get()
        assert (made.reward, made.points) == (cake, 100)
        answer = client.post(add, filled(client.get(add), **{**said, "code": "other"}))
        assert list(errors_of(answer)) == ["starts_at"]
        dear = {**said, "code": "other", "points": "301"}
        assert list(errors_of(client.post(add, filled(client.get(add), **dear)))) == ["points"]
        text = client.get("/console/rewards/offer/").content.decode()
        assert "300 → 100" in text
        assert "进行中" in text

    @pytest.mark.parametrize(
        ("after", "said", "word"),
        [
            (timedelta(hours=-2), {}, "未开始"),
            (timedelta(0), {"stock": 0}, "已抢光"),
            (timedelta(hours=5), {}, "已结束"),
            (timedelta(0), {"active": False}, "已停用"),
        ],
    )
    def test_the_list_says_how_an_offer_stands(
        self, cake: Reward, after: timedelta, said: dict[str, Any], word: str
    ):
        offer = {
            "code": "flash",
            "name": "秒杀",
            "reward": "cake",
            "points": 100,
            "starts_at": NOON,
            "ends_at": NOON + timedelta(hours=4),
        }
        offers.create(changes={**offer, **said}, at=NOON)
        with time_machine.travel(NOON + timedelta(hours=1) + after, tick=False):
            assert word in desk("manager").get("/console/rewards/offer/").content.decode()


class TestStock:
    @pytest.fixture
    def mug(self, db: None) -> Reward:
        mug = new_reward("mug", kind="gift", stock=20)
        variants.create(
            reward=mug, changes={"code": "l", "name": "大号", "stock": 3}, at=NOON, by="x"
        )
        return mug

    def test_movements_add_up_to_what_is_there(self, mug: Reward):
        page = desk("clerk").get(page_of(mug, "stock"))
        shelves = {each.name: (each.row.stock, each.moved) for each in page.context["shelves"]}
        assert shelves == {"MUG": (20, 20), "大号": (3, 3)}
        assert all(each.is_right for each in page.context["shelves"])
        assert page.context["form"] is None

    def test_pieces_come_in_and_are_counted(self, mug: Reward):
        client = desk("manager")
        path = page_of(mug, "stock")
        said = {"shelf": "reward", "what": "received", "pieces": "30", "note": "送货单 7"}
        assert client.post(path, said).status_code == 302
        mug.refresh_from_db()
        assert (mug.stock, mug.stock_start) == (50, 50)
        said = {"shelf": "reward", "what": "counted", "pieces": "51", "note": ""}
        client.post(path, said)
        mug.refresh_from_db()
        assert (mug.stock, mug.stock_start) == (51, 50)
        variant = Variant.objects.get()
        said = {"shelf": f"variant-{variant.pk}", "what": "counted", "pieces": "0"}
        client.post(path, said)
        variant.refresh_from_db()
        assert variant.stock == 0
        moved = StockMovement.objects.order_by("id").values_list("pieces", "cause", "by")
        assert list(moved)[2:] == [
            (30, "received", "manager"),
            (1, "corrected", "manager"),
            (-3, "corrected", "manager"),
        ]
        page = client.get(path)
        assert all(each.is_right for each in page.context["shelves"])
        assert "送货单 7" in page.content.decode()

    @pytest.mark.parametrize(
        "said",
        [
            {"what": "received", "pieces": "0"},
            {"what": "received", "pieces": str(2**63 - 1)},
            {"what": "counted", "pieces": "-1"},
            {"what": "counted", "pieces": ""},
            {"what": "counted", "pieces": "9", "shelf": "variant-0"},
            {"what": "stolen", "pieces": "9"},
        ],
    )
    def test_nonsense_moves_nothing(self, mug: Reward, said: dict[str, str]):
        before = list(StockMovement.objects.values())
        answer = desk("manager").post(page_of(mug, "stock"), {"shelf": "reward", **said})
        assert answer.status_code == 200
        assert answer.context["form"].errors
        assert list(StockMovement.objects.values()) == before

    def test_a_clerk_may_only_look(self, mug: Reward):
        said = {"shelf": "reward", "what": "counted", "pieces": "9"}
        assert desk("clerk").post(page_of(mug, "stock"), said).status_code == 200
        mug.refresh_from_db()
        assert mug.stock == 20

    @pytest.mark.parametrize(
        ("start", "stock", "expected"),
        [
            (100, 11, False),
            (100, 10, True),
            (20, 6, False),
            (20, 5, True),
            (4, 3, False),
            (4, 2, True),
            (1, 1, False),
            (1, 0, True),
            (None, None, False),
        ],
    )
    def test_little_stock_is_marked(self, start: int | None, stock: int | None, expected: bool):
        assert is_low(Reward(stock=stock, stock_start=start)) == expected

    def test_the_list_marks_it(self, mug: Reward):
        catalogue.change(reward=mug, changes={"stock": 2}, at=NOON)
        new_reward("gone", stock=0)
        text = desk("clerk").get("/console/rewards/reward/").content.decode()
        assert "即将售罄" in text
        assert "已售罄" in text

    def test_movements_are_paged(self, mug: Reward):
        for number in range(60):
            stock.receive(row=mug, pieces=1, by="m", note=f"no {number}", at=NOON)
        client = desk("clerk")
        first = client.get(page_of(mug, "stock")).content.decode()
        assert "· no 59<" in first
        assert "· no 5<" not in first
        assert "第 1–50 条，共 62 条" in first
        assert 'rel="prev"' not in first
        second = client.get(page_of(mug, "stock") + "?page=2").content.decode()
        assert "· no 0<" in second
        assert 'href="?page=1#movements"' in second
        assert 'rel="next"' not in second
        # Beyond the end, or no number at all: still a page.
        for odd in ("99", "x"):
            assert client.get(page_of(mug, "stock") + f"?page={odd}").status_code == 200


def test_pictures_in_the_list_say_what_they_lead_to(db: None):
    made = new_reward("mug", kind="gift")
    path = "/console/rewards/reward/"
    assert 'role="img" aria-label="MUG"' in desk("clerk").get(path).content.decode()
    written = BytesIO()
    Image.new("RGB", (30, 20), "red").save(written, "PNG")
    pictures.keep(reward=made, body=written.getvalue())
    assert 'alt="MUG"' in desk("manager").get(path).content.decode()


def test_whoever_may_only_look_sees_what_the_kind_has(db: None):
    made = new_reward("mug", kind="gift", delivery="pick_up")
    text = desk("clerk").get(page_of(made)).content.decode()
    assert "交付方式" in text
    for other in ("减免金额", "折扣百分比", "用于抽奖", "捐赠给项目", "可阅读的内容"):
        assert other not in text


class TestStockRule:
    WORDS = "库存规则永远不会生效"

    def test_on_unlimited_stock_is_warned_of(self, db: None):
        made = new_reward("seat", points=1_000, pricing={"rules": RULES[:1]})
        client = desk("manager")
        page = client.get(page_of(made))
        assert self.WORDS in page.content.decode()
        saved = client.post(page_of(made), sent(page, name="Sitz"), follow=True)
        assert [str(each).startswith("浮动价格的") for each in saved.context["messages"]].count(
            True
        ) == 1

    @pytest.mark.parametrize(
        ("pieces", "rules"), [(20, RULES[:1]), (0, RULES[:1]), (None, RULES[1:]), (None, None)]
    )
    def test_that_can_hold_is_not(self, db: None, pieces: int | None, rules: Any):
        pricing = {"rules": rules} if rules else {}
        made = new_reward("seat", points=1_000, pricing=pricing, stock=pieces)
        assert self.WORDS not in desk("manager").get(page_of(made)).content.decode()
