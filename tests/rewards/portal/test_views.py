"""The mall, redeeming and the member's vouchers."""

import re
import uuid
from datetime import timedelta

import pytest
import time_machine

from loyalty import queries as loyalty_queries
from members.models import Member
from rewards import catalogue, queries, redemption, vouchers
from rewards.models import Reward, Voucher
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
