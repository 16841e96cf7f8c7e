"""The rewards' screens: the catalogue, cancelling, and the voucher check at the counter."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from members.models import Member, Store
from rewards import vouchers
from rewards.models import Redemption, Reward
from tests.conftest import NOON
from tests.console import desk, errors_of, filled

ADD = "/console/rewards/reward/add/"


@pytest.fixture(autouse=True)
def today() -> Any:
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        yield


@pytest.fixture
def redeemed(ada: Member, cake: Reward, redeem: Callable[..., Redemption]) -> Redemption:
    return redeem(ada, cake, "r")


def page_of(row: Any) -> str:
    return f"/console/rewards/{row._meta.model_name}/{row.pk}/change/"


class TestRewardForm:
    def test_puts_a_reward_into_the_catalogue(self, db: None):
        client = desk("manager")
        said: dict[str, Any] = {
            "code": "mug",
            "name": "马克杯",
            "kind": "gift",
            "points": "800",
            "stock": "3",
        }
        said |= {"starts_at_0": "2026-12-01", "starts_at_1": "00:00", "tiers": ["gold"]}
        assert client.post(ADD, filled(client.get(ADD), **said)).status_code == 302
        mug = Reward.objects.get()
        assert (mug.points, mug.stock, mug.tiers, mug.active) == (800, 3, ["gold"], True)
        assert mug.starts_at is not None
        assert mug.starts_at.isoformat() == "2026-11-30T16:00:00+00:00"

    def test_a_taken_code_is_said_at_the_code(self, cake: Reward):
        client = desk("manager")
        said = {"code": "cake", "name": "x", "kind": "gift", "points": "1"}
        assert list(errors_of(client.post(ADD, filled(client.get(ADD), **said)))) == ["code"]

    def test_an_end_before_the_start_is_said_at_the_end(self, cake: Reward):
        client = desk("manager")
        said = {"starts_at_0": "2026-12-02", "starts_at_1": "00:00"}
        said |= {"ends_at_0": "2026-12-01", "ends_at_1": "00:00"}
        answer = client.post(page_of(cake), filled(client.get(page_of(cake)), **said))
        assert list(errors_of(answer)) == ["ends_at"]

    def test_a_form_open_while_people_redeem_leaves_the_stock_alone(
        self, ada: Member, cake: Reward, redeem: Callable[..., Redemption]
    ):
        Reward.objects.filter(pk=cake.pk).update(stock=10)
        client = desk("manager")
        page = client.get(page_of(cake))
        assert b'name="initial-stock"' in page.content
        redeem(ada, cake, "meanwhile")
        assert client.post(page_of(cake), filled(page, name="Better cake")).status_code == 302
        cake.refresh_from_db()
        assert (cake.name, cake.stock) == ("Better cake", 9)

    def test_stock_typed_over_is_saved_and_empty_means_unlimited(self, cake: Reward):
        client = desk("manager")
        client.post(page_of(cake), filled(client.get(page_of(cake)), stock="7"))
        cake.refresh_from_db()
        assert cake.stock == 7
        client.post(page_of(cake), filled(client.get(page_of(cake)), stock=""))
        cake.refresh_from_db()
        assert cake.stock is None

    def test_the_drawing_is_shown(self, cake: Reward):
        assert b"img/art.svg#cup" in desk("clerk").get("/console/rewards/reward/").content


class TestCancel:
    def test_asks_first_and_returns_the_points(
        self, ada: Member, redeemed: Redemption, active: Callable[[Member], int]
    ):
        client = desk("manager")
        path = f"/console/rewards/redemption/{redeemed.pk}/cancel/"
        assert path in client.get(page_of(redeemed)).content.decode()
        assert "300 积分将退回原批次" in client.get(path).content.decode()
        assert active(ada) == 700
        page = client.post(path, follow=True)
        redeemed.refresh_from_db()
        assert (redeemed.state, active(ada)) == ("cancelled", 1000)
        assert path not in page.content.decode()

    def test_a_double_click_cancels_once(
        self, ada: Member, redeemed: Redemption, active: Callable[[Member], int]
    ):
        client = desk("manager")
        for _click in range(2):
            client.post(f"/console/rewards/redemption/{redeemed.pk}/cancel/")
        assert active(ada) == 1000

    def test_a_used_one_is_refused_in_words(self, redeemed: Redemption, store: Store):
        code = redeemed.vouchers.get().code
        vouchers.use(code=code, store="SH-1", reference="u", used_by="x", at=NOON)
        client = desk("manager")
        page = client.post(f"/console/rewards/redemption/{redeemed.pk}/cancel/", follow=True)
        assert "静安寺店" in str(next(iter(page.context["messages"])))
        redeemed.refresh_from_db()
        assert redeemed.state == "used"

    def test_a_clerk_may_not(self, redeemed: Redemption):
        client = desk("clerk")
        path = f"/console/rewards/redemption/{redeemed.pk}/cancel/"
        assert client.get(path).status_code == 403
        assert client.post(path).status_code == 403
        redeemed.refresh_from_db()
        assert redeemed.state == "issued"
