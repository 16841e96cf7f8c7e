"""The mall, redeeming and the member's vouchers."""

import re
import uuid
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from loyalty import queries as loyalty_queries
from members.models import Member
from rewards import catalogue, queries, redemption, vouchers
from rewards.models import Redemption, Reward, Voucher
from tests.conftest import NOON
from tests.portal import page, sign_in


@pytest.fixture(autouse=True)
def clock(noon):
    with time_machine.travel(noon + timedelta(hours=1), tick=False) as traveller:
        yield traveller


@pytest.fixture
def mug(db) -> Reward:
    """A gift for 300 points, ten pieces."""
    return _reward("mug", 300, stock=10, category="周边")


def _reward(code: str, points: int, **changes: object) -> Reward:
    basics = {"code": code, "name": f"<{code}>", "kind": "gift", "points": points}
    return catalogue.create(changes=basics | changes, at=NOON)


def _redeem(member: Member, reward: Reward, noon) -> Voucher:
    wish = redemption.RedemptionRequest(
        member=member.number, reward=reward.code, reference=f"test-{uuid.uuid4()}"
    )
    return redemption.redeem(request=wish, at=noon).redemption.vouchers.get()


def _active(member: Member, noon) -> int:
    return loyalty_queries.figures(member=member, at=noon + timedelta(hours=1)).active


def _key(text: str) -> str:
    found = re.search(r'name="key" value="([0-9a-f-]+)"', text)
    assert found is not None
    return found.group(1)


class TestMall:
    def test_shows_first_what_can_be_had(self, client, ada: Member, mug: Reward):
        _reward("car", 5000)

        text = page(sign_in(client, ada), "/rewards")

        shelf, nearest = text.split('class="nearest"')
        assert "/rewards/mug" in shelf
        assert "/rewards/car" not in shelf
        assert "/rewards/car" in nearest
        assert "&lt;mug&gt;" in text

    def test_without_points_shows_everything_with_the_gap(self, client, bob: Member, mug: Reward):
        text = page(sign_in(client, bob), "/rewards")

        assert "还差 300 积分" in text

    def test_finds_by_word_and_by_category(self, client, ada: Member, mug: Reward):
        _reward("car", 5000)
        sign_in(client, ada)

        assert "/rewards/car" not in page(client, "/rewards?q=MUG")
        assert "/rewards/mug" in page(client, "/rewards?q=MUG")
        assert "/rewards/car" not in page(client, "/rewards?show=%E5%91%A8%E8%BE%B9")
        assert 'class="empty"' in page(client, "/rewards?q=teapot")

    @pytest.mark.parametrize("query", ["page=x", "page=0", "show=nothing", f"q={'x' * 80}"])
    def test_takes_odd_addresses_calmly(self, client, ada: Member, mug: Reward, query: str):
        assert sign_in(client, ada).get(f"/rewards?{query}").status_code == 200

    def test_needs_as_many_queries_for_many_rewards_as_for_few(
        self, client, ada: Member, django_assert_max_num_queries
    ):
        sign_in(client, ada)
        Reward.objects.bulk_create(
            Reward(code=f"r{number}", name="r", kind="gift", points=number, per_member=1)
            for number in range(1, 501)
        )

        with django_assert_max_num_queries(12):
            text = client.get("/rewards").content.decode()

        assert text.count('class="reward"') == 24
        assert "page=2" in text


class TestReward:
    def test_says_what_would_be_left(self, client, ada: Member, mug: Reward):
        text = page(sign_in(client, ada), "/rewards/mug")

        assert "<b>700</b>" in text
        assert 'id="confirm"' in text

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"points": 1500}, "还差 500 积分。"),
            ({"stock": 0}, "已经兑完了"),
            ({"tiers": ["gold"]}, "限这些等级：金卡。"),
            ({"active": False}, "现在不能兑换"),
        ],
    )
    def test_says_why_it_cannot_be_had(
        self, client, ada: Member, mug: Reward, changes, words: str
    ):
        catalogue.change(reward=mug, changes=changes, at=NOON)

        text = page(sign_in(client, ada), "/rewards/mug")

        assert words in text
        assert 'id="confirm"' not in text

    def test_of_a_frozen_member_says_so(self, client, ada: Member, mug: Reward):
        Member.objects.filter(pk=ada.pk).update(status=Member.Status.FROZEN)

        assert "积分已冻结" in page(sign_in(client, ada), "/rewards/mug")

    def test_that_does_not_exist_is_not_there(self, client, ada: Member):
        page(sign_in(client, ada), "/rewards/nothing", status=404)


class TestRedeem:
    def test_works_from_the_page_without_javascript(self, client, ada: Member, mug: Reward, noon):
        key = _key(page(sign_in(client, ada), "/rewards/mug/redeem"))

        response = client.post("/rewards/mug/redeem", {"key": key})

        voucher = Voucher.objects.get()
        assert response["Location"] == f"/vouchers/{voucher.code}"
        assert _active(ada, noon) == 700
        text = page(client, response["Location"])
        assert vouchers.pretty(voucher.code) in text
        assert 'class="qr"' in text

    def test_twice_with_one_key_is_one_redemption(self, client, ada: Member, mug: Reward, noon):
        key = _key(page(sign_in(client, ada), "/rewards/mug"))

        first = client.post("/rewards/mug/redeem", {"key": key})
        second = client.post("/rewards/mug/redeem", {"key": key})

        assert first["Location"] == second["Location"]
        assert Redemption.objects.count() == 1
        assert _active(ada, noon) == 700

    @pytest.mark.parametrize("key", ["", "x", "1234"])
    def test_without_a_key_redeems_nothing(self, client, ada: Member, mug: Reward, key: str):
        response = sign_in(client, ada).post("/rewards/mug/redeem", {"key": key})

        assert "note--danger" in response.content.decode()
        assert not Redemption.objects.exists()

    def test_shows_a_refusal_on_the_form_and_takes_nothing(
        self, client, ada: Member, mug: Reward, noon
    ):
        key = _key(page(sign_in(client, ada), "/rewards/mug"))
        catalogue.change(reward=mug, changes={"stock": 0}, at=NOON)

        response = client.post("/rewards/mug/redeem", {"key": key})

        text = response.content.decode()
        assert response.status_code == 200
        assert "note--danger" in text
        assert "1,000" in text
        assert not Redemption.objects.exists()
        assert _active(ada, noon) == 1000

    def test_needs_the_csrf_token(self, ada: Member, mug: Reward):
        strict = sign_in(Client(enforce_csrf_checks=True), ada)

        response = strict.post("/rewards/mug/redeem", {"key": str(uuid.uuid4())})

        assert response.status_code == 403
        assert "<html" in response.content.decode()
        assert not Redemption.objects.exists()


class TestVoucher:
    def test_of_somebody_else_is_not_there(
        self, client, ada: Member, mallory: Member, mug: Reward, noon
    ):
        voucher = _redeem(ada, mug, noon)

        page(sign_in(client, mallory), f"/vouchers/{voucher.code}", status=404)

    def test_shows_where_and_when_it_was_used(self, client, ada: Member, mug: Reward, noon):
        voucher = _redeem(ada, mug, noon)
        vouchers.use(code=voucher.code, store=None, reference="till", used_by="clerk", at=noon)

        text = page(sign_in(client, ada), f"/vouchers/{voucher.code}")

        assert "2026-11-21 12:00" in text
        assert 'class="qr"' not in text

    def test_explains_that_it_has_expired(self, client, ada: Member, mug: Reward, noon, clock):
        voucher = _redeem(ada, mug, noon)
        clock.shift(timedelta(days=40))

        text = page(sign_in(client, ada), f"/vouchers/{voucher.code}")

        assert "这张券已过期" in text
        assert 'class="qr"' not in text

    def test_is_found_however_the_code_is_written(self, client, ada: Member, mug: Reward, noon):
        voucher = _redeem(ada, mug, noon)

        page(sign_in(client, ada), f"/vouchers/{voucher.code.lower()}")


class TestWallet:
    def test_sorts_vouchers_by_what_they_are_good_for(
        self, client, ada: Member, mug: Reward, noon
    ):
        used, open_one, void = (_redeem(ada, mug, noon) for _ in range(3))
        vouchers.use(code=used.code, store=None, reference="till", used_by="clerk", at=noon)
        redemption.cancel(number=void.redemption.number, at=noon)
        sign_in(client, ada)

        shown = {tab: page(client, f"/vouchers?show={tab}") for tab in ("usable", "used", "over")}

        assert [tab for tab, text in shown.items() if open_one.code in text] == ["usable"]
        assert [tab for tab, text in shown.items() if used.code in text] == ["used"]
        assert [tab for tab, text in shown.items() if void.code in text] == ["over"]

    def test_of_a_new_member_says_where_to_begin(self, client, bob: Member):
        text = page(sign_in(client, bob), "/vouchers")

        assert 'class="empty"' in text
        assert queries.vouchers_of(bob).count() == 0

    def test_has_no_other_tab(self, client, bob: Member):
        assert sign_in(client, bob).get("/vouchers?show=other").status_code == 404


@pytest.mark.parametrize(
    "path", ["/rewards", "/rewards/mug", "/rewards/mug/redeem", "/vouchers", "/vouchers/X"]
)
def test_visitors_sign_in_first(client, db, path: str):
    assert client.get(path)["Location"] == f"/accounts/login?next={path}"


@pytest.mark.parametrize("path", ["/rewards", "/rewards/mug", "/rewards/mug/redeem", "/vouchers"])
def test_pages_are_complete_in_english(client, ada: Member, mug: Reward, noon, path: str):
    _redeem(ada, mug, noon)

    text = page(sign_in(client, ada), path, language="en")

    assert set(re.findall(r"[\u4e00-\u9fff]+", text)) <= {"积分计划", "周边", "普通"}
