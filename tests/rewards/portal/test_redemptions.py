"""What a member has redeemed: the list, one redemption with its steps, right after redeeming, cancelling."""

import re
from datetime import timedelta

import pytest
import time_machine

from loyalty import queries as loyalty_queries
from members.models import Member
from rewards import drafts, projects, redemption, vouchers
from rewards.models import Redemption, Reward
from tests.portal import page, sign_in
from tests.rewards.conftest import new_reward
from tests.rewards.draws import new_draw

ADDRESS = {
    "name": "林知夏",
    "phone": "+8613816168026",
    "region": "上海市静安区",
    "address": "愚园路 1 号",
}


@pytest.fixture(autouse=True)
def clock(noon):
    with time_machine.travel(noon + timedelta(hours=1), tick=False) as traveller:
        yield traveller


@pytest.fixture
def mug(db) -> Reward:
    return new_reward("mug", points=300, stock=10)


@pytest.fixture
def made(ada: Member, mug: Reward, redeem) -> Redemption:
    """Ada's mug."""
    return redeem(ada, mug, "r")


def _active(member: Member, noon) -> int:
    return loyalty_queries.figures(member=member, at=noon + timedelta(hours=1)).active


def _use(made: Redemption, noon) -> None:
    for voucher in made.vouchers.all():
        vouchers.use(code=voucher.code, store=None, reference="", used_by="clerk", at=noon)


class TestListing:
    def test_shows_own_redemptions_the_newest_first(self, client, ada, mallory, mug, redeem, noon):
        old = redeem(ada, mug, "old", at=noon - timedelta(days=2))
        new = redeem(ada, mug, "new")

        text = page(sign_in(client, ada), "/redemptions")

        assert text.index(new.number) < text.index(old.number)
        assert 'class="empty"' in page(sign_in(client, mallory), "/redemptions")

    def test_goes_on_page_by_page(self, client, ada, redeem):
        sweet = new_reward("sweet", points=1)
        for place in range(21):
            redeem(ada, sweet, f"r{place}")

        first = page(sign_in(client, ada), "/redemptions")
        second = page(client, "/redemptions?page=2")

        assert [text.count('class="stub"') for text in (first, second)] == [20, 1]
        assert "?page=2" in first
        assert "?page=3" not in second

    @pytest.mark.parametrize("query", ["page=0", "page=x", "page=99999999", "page=77"])
    def test_takes_odd_pages_calmly(self, client, ada, query: str):
        assert sign_in(client, ada).get(f"/redemptions?{query}").status_code == 200

    @pytest.mark.parametrize("many", [1, 20])
    def test_needs_the_same_queries_for_many(
        self, client, ada, redeem, many: int, django_assert_num_queries
    ):
        sweet = new_reward("sweet", points=1)
        for place in range(many):
            redeem(ada, sweet, f"r{place}")
        sign_in(client, ada)
        client.get("/redemptions")

        with django_assert_num_queries(7):
            assert client.get("/redemptions").status_code == 200


class TestOrder:
    def test_tells_what_has_happened_and_what_is_to_come(self, client, ada, made: Redemption):
        text = page(sign_in(client, ada), f"/redemptions/{made.number}")

        assert "way__step--now" in text
        assert "way__step--to_come" in text
        assert f"/redemptions/{made.number}/cancel" in text
        assert made.vouchers.get().code in text

    def test_of_a_used_one_offers_no_way_back(self, client, ada, made: Redemption, noon):
        _use(made, noon)

        text = page(sign_in(client, ada), f"/redemptions/{made.number}")

        assert "way__step--now" not in text
        assert "/cancel" not in text

    def test_says_when_it_was_cancelled(self, client, ada, made: Redemption, noon):
        redemption.cancel(number=made.number, at=noon + timedelta(minutes=30))

        text = page(sign_in(client, ada), f"/redemptions/{made.number}")

        assert "way__step--over" in text
        assert "2026-11-21 12:30" in text

    def test_explains_that_it_has_expired(self, client, ada, made: Redemption, clock):
        clock.shift(timedelta(days=40))

        text = page(sign_in(client, ada), f"/redemptions/{made.number}")

        assert "way__step--over" in text
        assert "/cancel" not in text

    def test_of_a_parcel_tells_address_carrier_and_number(self, client, ada, made, noon):
        sent = {"state": "fulfilled", "delivery": "shipping", "fulfilled_at": noon}
        Redemption.objects.filter(pk=made.pk).update(
            address=ADDRESS, carrier="顺丰", tracking="SF1234567890", **sent
        )

        text = page(sign_in(client, ada), f"/redemptions/{made.number}")

        assert "愚园路 1 号" in text
        assert "顺丰 · SF1234567890" in text
        assert "way__step--now" not in text

    def test_of_a_draft_tells_until_when_to_pay(self, client, ada, noon, clock):
        new_reward("film", points=300, cash="5.00", draft_minutes=90)
        wish = redemption.RedemptionRequest(member=ada.number, reward="film", reference="r")
        made = drafts.reserve(request=wish, at=noon).redemption
        sign_in(client, ada)

        text = page(client, f"/redemptions/{made.number}")
        clock.shift(timedelta(hours=1))
        later = page(client, f"/redemptions/{made.number}")

        assert "¥5" in text
        assert 'data-countdown="1800"' in text
        assert "<b>00</b>:<b>30</b>:<b>00</b>" in text
        assert "超时未付款" in later
        assert "/cancel" not in later

    def test_shows_what_was_bought_to_be_read_until_it_is_given_back(
        self, client, ada, redeem, noon
    ):
        guide = new_reward("guide", kind="content")
        Reward.objects.filter(pk=guide.pk).update(content="先磨豆。")
        made = redeem(ada, guide, "r")
        sign_in(client, ada)

        assert "先磨豆。" in page(client, f"/redemptions/{made.number}")

        redemption.cancel(number=made.number, at=noon + timedelta(minutes=1))
        assert "先磨豆。" not in page(client, f"/redemptions/{made.number}")

    def test_never_shows_a_voucher_that_was_given_away(self, client, ada, bob, made: Redemption):
        code = made.vouchers.get().code
        made.vouchers.update(member=bob, given_by=ada)

        assert code not in page(sign_in(client, ada), f"/redemptions/{made.number}")
        page(sign_in(client, bob), f"/redemptions/{made.number}", status=404)

    @pytest.mark.parametrize("path", ["", "/done", "/cancel"])
    def test_of_somebody_else_is_not_there(self, client, mallory, made: Redemption, path: str):
        page(sign_in(client, mallory), f"/redemptions/{made.number}{path}", status=404)

    @pytest.mark.parametrize("number", ["R20261121-AAAAAA", "%00", "x" * 300])
    def test_that_does_not_exist_is_not_there(self, client, ada, number: str):
        assert sign_in(client, ada).get(f"/redemptions/{number}").status_code == 404

    def test_needs_few_queries(self, client, ada, mug, redeem, django_assert_num_queries):
        made = redeem(ada, mug, "r", quantity=3)
        sign_in(client, ada)
        client.get("/redemptions")

        with django_assert_num_queries(9):
            assert client.get(f"/redemptions/{made.number}").status_code == 200


def test_home_reminds_of_what_waits_to_be_paid(client, ada, noon, clock):
    new_reward("film", points=300, cash="5.00", draft_minutes=90)
    wish = redemption.RedemptionRequest(member=ada.number, reward="film", reference="r")
    made = drafts.reserve(request=wish, at=noon).redemption
    sign_in(client, ada)

    assert f"/redemptions/{made.number}" in page(client, "/")
    clock.shift(timedelta(minutes=30))
    assert f"/redemptions/{made.number}" not in page(client, "/")


class TestDone:
    def test_says_what_to_do_next(self, client, ada, made: Redemption):
        text = page(sign_in(client, ada), f"/redemptions/{made.number}/done")

        assert vouchers.pretty(made.vouchers.get().code) in text
        assert f"/vouchers/{made.vouchers.get().code}" in text
        assert "700" in text

    @pytest.mark.parametrize(("draw", "target"), [("autumn", "/draws/autumn"), (None, "/draws")])
    def test_a_ticket_leads_to_its_draw(self, client, ada, redeem, draw, target):
        new_draw()
        ticket = new_reward("ticket", kind="draw_ticket", points=10, draw=draw)
        assert ("任意抽奖可用" in page(sign_in(client, ada), "/rewards/ticket")) is (draw is None)
        made = redeem(ada, ticket, "t1")
        text = page(sign_in(client, ada), f"/redemptions/{made.number}/done")
        assert f'<a class="button button--wide" href="{target}">' in text

    def test_a_donation_leads_to_its_project(self, client, ada, redeem):
        projects.create(changes={"code": "forest", "name": "Forest"})
        tree = new_reward("tree", kind="donation", points=10, project="forest")
        made = redeem(ada, tree, "d1")
        text = page(sign_in(client, ada), f"/redemptions/{made.number}/done")
        assert '<a class="button button--wide" href="/projects/forest">' in text

    def test_later_the_redemption_itself_is_shown(self, client, ada, made: Redemption, noon):
        _use(made, noon)

        answer = sign_in(client, ada).get(f"/redemptions/{made.number}/done")

        assert answer["Location"] == f"/redemptions/{made.number}"


class TestCancel:
    def test_asks_first_and_gives_the_points_back(self, client, ada, made: Redemption, noon):
        path = f"/redemptions/{made.number}/cancel"
        page(sign_in(client, ada), path)
        assert _active(ada, noon) == 700

        response = client.post(path)

        assert response["Location"] == f"/redemptions/{made.number}"
        assert _active(ada, noon) == 1000
        assert "1,000" in page(client, "/")

    def test_of_a_used_voucher_is_refused_in_words(self, client, ada, made: Redemption, noon):
        _use(made, noon)

        response = sign_in(client, ada).post(f"/redemptions/{made.number}/cancel")

        assert "note--danger" in response.content.decode()
        assert _active(ada, noon) == 700

    def test_of_somebody_else_is_not_there(self, client, ada, mallory, made: Redemption, noon):
        path = f"/redemptions/{made.number}/cancel"

        assert sign_in(client, mallory).post(path).status_code == 404
        assert _active(ada, noon) == 700


@pytest.mark.parametrize("path", ["", "/X", "/X/done", "/X/cancel"])
def test_visitors_sign_in_first(client, db, path: str):
    assert client.get(f"/redemptions{path}")["Location"].startswith("/accounts/login?next=")


@pytest.mark.parametrize("path", ["", "/{}", "/{}/done", "/{}/cancel"])
def test_pages_are_complete_in_english(client, ada, made: Redemption, path: str):
    text = page(sign_in(client, ada), f"/redemptions{path.format(made.number)}", language="en")

    assert set(re.findall(r"[\u4e00-\u9fff]+", text)) <= {"积分计划", "普通"}
