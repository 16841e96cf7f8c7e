"""Vouchers on the phone: shown to a till, explained, given to somebody else."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from PIL import Image

from loyalty import ordering, refunds
from loyalty.refunds import RefundFacts
from members import codes
from members.models import Member, Store
from rewards import pictures, redemption, voucher_gifts, vouchers
from rewards.models import Redemption, Reward, Voucher, VoucherGift
from rewards.portal import scan_codes
from rewards.voucher_gifts import GiftRequest
from tests.conftest import NOON
from tests.loyalty.builders import order
from tests.portal import page, sign_in
from tests.rewards.builders import variant
from tests.rewards.conftest import new_reward
from tests.rewards.test_code128 import decoded

Redeem = Callable[..., Redemption]


@pytest.fixture(autouse=True)
def today() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def redeem(noon: datetime) -> Redeem:
    def redeem(member: Member, reward: Reward, reference: str, **said: Any) -> Redemption:
        asked = redemption.RedemptionRequest(
            member=member.number, reward=reward.code, reference=reference, **said
        )
        return redemption.redeem(request=asked, at=noon).redemption

    return redeem


@pytest.fixture
def voucher(ada: Member, redeem: Redeem) -> Voucher:
    off = new_reward("off", discount_amount=Decimal(20), min_spend=Decimal(100))
    return redeem(ada, off, "r1").vouchers.get()


@pytest.fixture
def seat(ada: Member, redeem: Redeem) -> Voucher:
    """Ada's place in a session on 5 December at 14:00."""
    course = new_reward("course", kind="experience")
    begins_at = datetime(2026, 12, 5, 6, tzinfo=UTC)
    variant(course, "sat", begins_at=begins_at, place="静安寺店")
    return redeem(ada, course, "r9", variant="sat").vouchers.get()


class TestSession:
    @pytest.mark.parametrize("path", ["/vouchers", "/vouchers/{0}", "/vouchers/{0}/show"])
    def test_is_told_with_the_voucher(self, client: Client, ada: Member, seat: Voucher, path: str):
        text = page(sign_in(client, ada), path.format(seat.code))
        assert "Sat · 12-05 14:00 · 静安寺店" in text
        assert "2026-12-05" in text
        assert "全部门店" not in text

    @pytest.mark.parametrize("path", ["", "/redeem?variant=sat"])
    def test_is_when_the_voucher_ends_and_said_before(
        self, client: Client, ada: Member, seat: Voucher, path: str
    ):
        text = page(sign_in(client, ada), f"/rewards/course{path}")
        assert "券码有效至场次当天结束。" in text
        assert "30 天" not in text


class TestShow:
    def test_shows_the_code_as_qr_as_bars_and_in_groups_of_four(
        self, client: Client, ada: Member, voucher: Voucher
    ):
        for path in (f"/vouchers/{voucher.code}", f"/vouchers/{voucher.code}/show"):
            text = page(sign_in(client, ada), path)
            assert vouchers.pretty(voucher.code) in text
            assert 'class="qr"' in text
            assert 'class="bars"' in text
        assert "减 ¥20，满 ¥100 可用" in text

    def test_a_scanner_reads_the_bars(self, voucher: Voucher):
        drawn = scan_codes.bars_of(voucher.code)
        width = int(re.findall(r'viewBox="0 0 (\d+) ', drawn)[0])
        modules = ["0"] * width
        for at, run in re.findall(r"M(\d+) 0h(\d+)v", drawn):
            modules[int(at) : int(at) + int(run)] = "1" * int(run)
        bars = "".join(modules)
        assert bars.startswith("0" * 10)
        assert bars.endswith("0" * 10)
        assert decoded(bars[10:-10]) == voucher.code

    def test_a_code_that_bars_cannot_hold_has_none(self):
        assert scan_codes.bars_of("电影券1") == ""

    def test_says_where_and_on_which_days_it_is_good(
        self, client: Client, ada: Member, voucher: Voucher
    ):
        Store.objects.create(code="SH-1", name="静安寺店")
        Reward.objects.update(stores=["SH-1"], weekdays=[1, 2, 3, 7])
        for path in (f"/vouchers/{voucher.code}", "/vouchers"):
            text = page(sign_in(client, ada), path)
            assert "静安寺店" in text
            assert "星期一至星期三和星期日" in text

    def test_one_that_is_not_good_yet_says_from_when(
        self, client: Client, ada: Member, voucher: Voucher
    ):
        Voucher.objects.update(active_from=NOON + timedelta(days=2))
        text = page(sign_in(client, ada), f"/vouchers/{voucher.code}")
        assert "2026-11-23" in text
        assert voucher.code not in text.replace(f"/vouchers/{voucher.code}", "")

    def test_a_void_one_says_why(self, client: Client, ada: Member, voucher: Voucher):
        vouchers.void_one(code=voucher.code, reason="印错了", by="", at=NOON)
        assert "印错了" in page(sign_in(client, ada), f"/vouchers/{voucher.code}")

    def test_explains_what_came_back_with_a_part_of_an_order(
        self, client: Client, ada: Member, voucher: Voucher
    ):
        ordering.place(order=order("1", "120.00", member=ada, coupon=voucher.code), at=NOON)
        facts = RefundFacts(reference="f", amount=Decimal(40))
        refunds.refund(source="default", number="1", facts=facts, now=NOON)
        share = Voucher.objects.get(replaces=voucher)
        assert "¥6.66" in page(sign_in(client, ada), f"/vouchers/{voucher.code}")
        text = page(sign_in(client, ada), f"/vouchers/{share.code}")
        assert "减 ¥6.66" in text

    def test_who_tries_out_codes_is_slowed(self, client: Client, ada: Member, voucher: Voucher):
        sign_in(client, ada)
        for _guess in range(20):
            assert client.get(f"/vouchers/{codes.random_code(16)}").status_code == 404
        slowed = client.get(f"/vouchers/{voucher.code}")
        assert (slowed.status_code, slowed["Retry-After"]) == (429, "60")


class TestGive:
    def form(self, receiver: str, **said: str) -> dict[str, str]:
        return {"receiver": receiver, "message": "生日快乐", "key": str(uuid4()), **said}

    def test_shows_who_it_is_masked_and_gives_when_confirmed(
        self, client: Client, ada: Member, bob: Member, voucher: Voucher
    ):
        path = f"/vouchers/{voucher.code}/give"
        page(sign_in(client, ada), path)
        said = self.form("138 0000 0002")
        text = client.post(path, said).content.decode()
        assert "B**" in text
        assert "Bob" not in text
        assert not VoucherGift.objects.exists()
        for _tap in range(2):
            assert client.post(path, {**said, "confirmed": "1"}).status_code == 302
        assert VoucherGift.objects.get().receiver == bob
        assert Voucher.objects.get().member == bob
        assert "已送给" in page(client, "/vouchers?show=used")
        assert voucher.code not in page(client, "/vouchers?show=used")
        page(client, f"/vouchers/{voucher.code}", status=404)

    def test_the_receiver_sees_from_whom_and_not_what_it_cost(
        self, client: Client, ada: Member, bob: Member, voucher: Voucher
    ):
        gift = GiftRequest(code=voucher.code, to=bob.number)
        voucher_gifts.give(request=gift, by="", at=NOON)
        text = page(sign_in(client, bob), f"/vouchers/{voucher.code}")
        assert "A**" in text
        assert voucher.redemption.number not in text
        assert "取消" not in text

    @pytest.mark.parametrize("receiver", ["+8613800000001", "139 9999 9999", "", "nobody"])
    def test_says_what_is_wrong_at_the_field(
        self, client: Client, ada: Member, voucher: Voucher, receiver: str
    ):
        sign_in(client, ada)
        answer = client.post(f"/vouchers/{voucher.code}/give", self.form(receiver))
        assert list(answer.context["form"].errors) == ["receiver"]
        assert not VoucherGift.objects.exists()

    def test_is_not_offered_where_the_reward_forbids_it(
        self, client: Client, ada: Member, voucher: Voucher
    ):
        Reward.objects.update(is_giftable=False)
        text = page(sign_in(client, ada), f"/vouchers/{voucher.code}")
        assert "/give" not in text
        assert "不能转赠" in page(client, f"/vouchers/{voucher.code}/give")


class TestWatch:
    def test_the_page_asks_for_the_state_that_it_shows(
        self, client: Client, ada: Member, voucher: Voucher
    ):
        own = sign_in(client, ada)
        for path in (f"/vouchers/{voucher.code}", f"/vouchers/{voucher.code}/show"):
            text = page(own, path)
            assert f'data-watch="/vouchers/{voucher.code}/state" data-state="active"' in text
            # Without JavaScript a link does the same.
            assert f'<noscript><p><a class="link" href="{path}">' in text
        answer = own.get(f"/vouchers/{voucher.code}/state")
        assert answer.json() == {"state": "active"}
        assert "no-store" in answer["Cache-Control"]

    def test_once_used_it_says_when_and_where(
        self, client: Client, ada: Member, voucher: Voucher, store: Store
    ):
        vouchers.use(code=voucher.code, store=store.code, reference="u1", used_by="clerk", at=NOON)
        own = sign_in(client, ada)
        assert own.get(f"/vouchers/{voucher.code}/state").json() == {"state": "used"}
        text = page(own, f"/vouchers/{voucher.code}/show")
        assert "data-watch" not in text
        assert store.name in text
        assert "12:00" in text

    def test_is_the_members_own(self, client: Client, mallory: Member, voucher: Voucher):
        answer = sign_in(client, mallory).get(f"/vouchers/{voucher.code}/state")
        assert answer.status_code == 404


class TestPicture:
    def test_is_the_rewards_own_where_it_has_one(
        self, client: Client, ada: Member, bob: Member, voucher: Voucher
    ):
        body = BytesIO()
        Image.new("RGB", (30, 20), "red").save(body, "PNG")
        digest = pictures.keep(reward=voucher.reward, body=body.getvalue()).digest
        own = sign_in(client, ada)
        for path in ("", f"/{voucher.code}", f"/{voucher.code}/give"):
            assert f"/rewards/off/picture/{digest}" in page(own, f"/vouchers{path}"), path
        gift = GiftRequest(
            code=voucher.code, to=bob.number, giver=ada.number, reference="g1", message=""
        )
        voucher_gifts.give(request=gift, by="", at=NOON)
        assert f"/rewards/off/picture/{digest}" in page(own, "/vouchers?show=used")
