"""A partner's code on the phone: shown, copied, used at the partner's and nowhere else."""

from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from members.models import Member
from rewards import pools
from rewards.models import Redemption, Reward
from tests.conftest import NOON
from tests.portal import page, sign_in
from tests.rewards.builders import Redeem
from tests.rewards.conftest import new_reward

CODE = "HX-2026-AB"


@pytest.fixture(autouse=True)
def today() -> Iterator[None]:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def film(db: None) -> Reward:
    film = new_reward("film", kind="partner_code", partner="和平影城")
    pools.add(reward="film", file=f"{CODE}\nHX-2026-CD".encode(), by="owner", at=NOON)
    return film


@pytest.fixture
def made(ada: Member, film: Reward, redeem: Redeem) -> Redemption:
    return redeem(ada, film, "r1")


class TestCancel:
    @pytest.mark.parametrize("path", ["/rewards/film", "/rewards/film/redeem"])
    def test_is_known_to_be_impossible_before(
        self, client: Client, ada: Member, film: Reward, path: str
    ):
        assert "兑换后立即显示券码，因此不能取消。" in page(sign_in(client, ada), path)

    @pytest.mark.parametrize(
        "path", ["/redemptions/{0}", "/redemptions/{0}/done", "/vouchers/HX2026AB"]
    )
    def test_is_offered_nowhere(self, client: Client, ada: Member, made: Redemption, path: str):
        assert "/cancel" not in page(sign_in(client, ada), path.format(made.number))

    def test_is_refused_in_words(self, client: Client, ada: Member, made: Redemption):
        address = f"/redemptions/{made.number}/cancel"
        assert "<form" not in page(sign_in(client, ada), address).split("<main")[1]

        text = client.post(address).content.decode()

        made.refresh_from_db()
        assert "不能自行取消" in text
        assert made.state == "issued"


class TestShow:
    @pytest.mark.parametrize("path", ["/vouchers/HX2026AB", "/vouchers/HX2026AB/show"])
    def test_the_code_is_shown_as_it_was_written_and_not_to_be_scanned(
        self, client: Client, ada: Member, made: Redemption, path: str
    ):
        text = page(sign_in(client, ada), path)
        assert f'<p class="code">{CODE}</p>' in text
        assert f'data-copy="{CODE}"' in text
        assert "请在和平影城填写或出示这个券码，不在本店核销。" in text
        for ours in ('class="qr"', "<rect", "核销后立即失效", "扫码", "全部门店"):
            assert ours not in text

    def test_names_the_partner_instead_of_stores(
        self, client: Client, ada: Member, made: Redemption
    ):
        assert "<dt>使用地点</dt><dd>和平影城</dd>" in page(
            sign_in(client, ada), "/vouchers/HX2026AB"
        )

    def test_that_it_will_be_used_is_no_step_of_ours(
        self, client: Client, ada: Member, made: Redemption
    ):
        text = page(sign_in(client, ada), f"/redemptions/{made.number}")
        assert "way__step--done" in text
        assert "way__step--to_come" not in text

    @pytest.mark.parametrize("path", ["/vouchers/HX2026AB", "/vouchers/HX2026AB/show"])
    def test_is_complete_in_english(
        self, client: Client, ada: Member, made: Redemption, path: str
    ):
        Reward.objects.update(partner="Film House")
        text = page(sign_in(client, ada), path, language="en")
        assert "Use it at Film House" in text
