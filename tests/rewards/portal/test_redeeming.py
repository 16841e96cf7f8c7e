"""Redeeming from the portal: confirm, one redemption however often it is sent, refusals that take nothing."""

import re
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from loyalty import queries as loyalty_queries
from members.models import Member
from rewards import catalogue, offers, variants
from rewards.models import Redemption, Reward
from tests.conftest import NOON
from tests.portal import page, sign_in
from tests.rewards.conftest import new_reward

NOW = NOON + timedelta(hours=1)
ADDRESS = {
    "name": "林知夏",
    "phone": "138 1616 8026",
    "region": "上海市静安区",
    "address": "愚园路 1 号",
}


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def mug(db) -> Reward:
    return new_reward("mug", kind="gift", points=300, stock=10)


@pytest.fixture
def parcel(db) -> Reward:
    """A gift that is sent."""
    return new_reward("parcel", kind="gift", points=300, delivery="shipping")


def _active(member: Member) -> int:
    return loyalty_queries.figures(member=member, at=NOW).active


def _form(text: str) -> dict[str, str]:
    """The hidden fields of the confirmation, as a browser sends them."""
    form = text.rsplit("<form", maxsplit=1)[-1]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


class TestConfirm:
    @pytest.mark.parametrize(("query", "said"), [("", False), ("?quantity=2", True)])
    def test_says_how_many_where_it_is_more_than_one(
        self, client, ada: Member, mug: Reward, query: str, said: bool
    ):
        assert ("× " in page(sign_in(client, ada), f"/rewards/mug/redeem{query}")) is said

    def test_a_later_choice_replaces_one_that_is_still_on_its_way(
        self, client, ada: Member, mug: Reward
    ):
        text = page(sign_in(client, ada), "/rewards/mug")
        form = re.search(r'<form[^>]*id="choose"[^>]*>', text)
        assert form is not None
        assert 'hx-sync="this:replace"' in form.group()


class TestRedeem:
    def test_works_without_javascript(self, client, ada: Member, mug: Reward):
        said = _form(page(sign_in(client, ada), "/rewards/mug/redeem?quantity=2"))

        response = client.post("/rewards/mug/redeem", said)

        made = Redemption.objects.get()
        assert response["Location"] == f"/redemptions/{made.number}/done"
        assert (made.quantity, made.points) == (2, 600)
        assert _active(ada) == 400
        assert "兑换成功" in page(client, response["Location"])

    def test_twice_with_one_key_is_one_redemption(self, client, ada: Member, mug: Reward):
        said = _form(page(sign_in(client, ada), "/rewards/mug/redeem"))

        first = client.post("/rewards/mug/redeem", said)
        second = client.post("/rewards/mug/redeem", said)

        assert first["Location"] == second["Location"]
        assert Redemption.objects.count() == 1
        assert _active(ada) == 700

    def test_twice_with_one_key_is_one_also_when_the_last_piece_went(self, client, ada):
        new_reward("last", points=100, stock=1)
        said = _form(page(sign_in(client, ada), "/rewards/last/redeem"))

        first = client.post("/rewards/last/redeem", said)
        other = client.post("/rewards/last/redeem", said | {"quantity": "3", "price": "300"})

        assert first["Location"] == other["Location"]
        assert Redemption.objects.count() == 1

    @pytest.mark.parametrize(
        "wrong", [{"key": ""}, {"key": "x"}, {"quantity": "0"}, {"quantity": "-1"}, {"price": ""}]
    )
    def test_what_makes_no_sense_redeems_nothing(self, client, ada: Member, mug, wrong):
        said = _form(page(sign_in(client, ada), "/rewards/mug/redeem"))

        response = client.post("/rewards/mug/redeem", said | wrong)

        assert "note--danger" in response.content.decode()
        assert not Redemption.objects.exists()
        assert _active(ada) == 1000

    def test_says_why_not_and_takes_nothing(self, client, ada: Member, mug: Reward, everything):
        said = _form(page(sign_in(client, ada), "/rewards/mug/redeem"))
        catalogue.change(reward=mug, changes={"stock": 0}, at=NOW)
        before = everything()

        response = client.post("/rewards/mug/redeem", said)

        text = response.content.decode()
        assert response.status_code == 200
        assert "刚刚兑完" in text
        assert "1,000" in text.split('role="alert"')[1].split("</div>")[0]
        assert everything() == before

    def test_needs_the_csrf_token(self, ada: Member, mug: Reward):
        strict = sign_in(Client(enforce_csrf_checks=True), ada)

        response = strict.post("/rewards/mug/redeem", {"key": str(uuid.uuid4())})

        assert response.status_code == 403
        assert not Redemption.objects.exists()

    def test_asks_again_when_the_price_has_changed(self, client, ada, mug, everything):
        window = {"starts_at": NOON, "ends_at": NOW + timedelta(hours=1)}
        said = {"code": "off", "name": "off", "reward": "mug", "points": 200, **window}
        offer = offers.create(changes=said, at=NOON)
        shown = _form(page(sign_in(client, ada), "/rewards/mug/redeem"))
        offers.change(offer=offer, changes={"active": False}, at=NOW)
        before = everything()

        answer = client.post("/rewards/mug/redeem", shown).content.decode()

        assert shown["price"] == "200"
        assert "原来是 200 积分，现在是 300 积分" in answer
        assert everything() == before
        again = client.post("/rewards/mug/redeem", _form(answer))
        assert again.status_code == 302
        assert _active(ada) == 700

    def test_lets_nobody_name_the_price(self, client, ada: Member, mug: Reward):
        said = _form(page(sign_in(client, ada), "/rewards/mug/redeem"))

        client.post("/rewards/mug/redeem", said | {"price": "1"})

        assert not Redemption.objects.exists()
        assert _active(ada) == 1000

    def test_of_variants_wants_one(self, client, ada: Member, mug: Reward):
        for code in ("red", "blue"):
            variants.create(reward=mug, changes={"code": code, "name": code}, at=NOON)
        sign_in(client, ada)

        assert client.get("/rewards/mug/redeem")["Location"] == "/rewards/mug"

        said = _form(page(client, "/rewards/mug/redeem?variant=blue"))
        client.post("/rewards/mug/redeem", said)
        made = Redemption.objects.get()
        assert made.variant is not None
        assert made.variant.code == "blue"

    def test_with_money_is_set_aside_until_it_is_paid(self, client, ada: Member):
        new_reward("film", points=300, cash="5.00", draft_minutes=30)
        said = _form(page(sign_in(client, ada), "/rewards/film/redeem"))

        response = client.post("/rewards/film/redeem", said)

        made = Redemption.objects.get()
        assert made.state == "reserved"
        assert _active(ada) == 700
        text = page(client, response["Location"])
        assert "请在 11-21 13:30 前到柜台支付 ¥5" in text
        assert 'data-countdown="1800"' in text

    def test_says_nothing_of_a_reward_off_sale(self, client, ada: Member, mug: Reward):
        said = _form(page(sign_in(client, ada), "/rewards/mug/redeem"))
        catalogue.change(reward=mug, changes={"active": False}, at=NOW)

        text = client.post("/rewards/mug/redeem", said).content.decode()

        assert "note--danger" in text
        assert _active(ada) == 1000

    def test_of_what_cannot_be_had_has_no_form(self, client, bob: Member, mug: Reward):
        assert 'method="post" action="/rewards' not in page(
            sign_in(client, bob), "/rewards/mug/redeem"
        )


class TestAddress:
    def test_is_kept_with_the_redemption_and_offered_again(self, client, ada, mallory, parcel):
        said = _form(page(sign_in(client, ada), "/rewards/parcel/redeem"))

        response = client.post("/rewards/parcel/redeem", said | ADDRESS)

        made = Redemption.objects.get()
        assert made.delivery == "shipping"
        assert made.address == ADDRESS | {"phone": "+8613816168026"}
        assert "愚园路 1 号" in page(client, response["Location"])
        again = page(client, "/rewards/parcel/redeem")
        assert 'value="愚园路 1 号"' in again
        assert 'value="13816168026"' in again
        other = page(sign_in(Client(), mallory), "/rewards/parcel")
        assert "愚园路" not in other

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"name": ""}, "请填写收件人姓名。"),
            ({"phone": ""}, "请填写手机号"),
            ({"phone": "12"}, "不是"),
            ({"address": " "}, "请填写街道和门牌号。"),
            ({"address": "x" * 301}, "太长了"),
        ],
    )
    def test_that_is_incomplete_keeps_what_was_typed(
        self, client, ada: Member, parcel, wrong, words: str
    ):
        said = _form(page(sign_in(client, ada), "/rewards/parcel/redeem"))

        text = client.post("/rewards/parcel/redeem", said | ADDRESS | wrong).content.decode()

        assert words in text
        assert 'value="上海市静安区"' in text
        assert 'aria-invalid="true"' in text
        assert said["key"] in text
        assert not Redemption.objects.exists()

    def test_is_asked_for_only_where_it_is_sent(self, client, ada: Member):
        new_reward("either", kind="gift", points=100, delivery="either")
        sign_in(client, ada)

        assert 'name="address"' not in page(client, "/rewards/either/redeem?delivery=pick_up")
        assert 'name="address"' in page(client, "/rewards/either/redeem?delivery=shipping")


def test_needs_few_queries(client, ada: Member, parcel: Reward, django_assert_num_queries):
    sign_in(client, ada)
    client.get("/rewards/parcel/redeem")

    with django_assert_num_queries(17):
        client.get("/rewards/parcel/redeem")
