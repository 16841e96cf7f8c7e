"""Hearts on rewards and the list of wishes."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from members.models import Member
from rewards.models import Reward, Wish
from tests.portal import page, sign_in
from tests.rewards.test_wishes import make


@pytest.fixture
def own(client: Client, ada: Member) -> Client:
    return sign_in(client, ada)


class TestHeart:
    def test_puts_on_the_list_and_off_again(self, own: Client, ada: Member):
        make()
        assert 'action="/rewards/mug/wish"' in page(own, "/rewards/mug")
        for _again in range(2):
            answer = own.post("/rewards/mug/wish")
            assert (answer.status_code, answer["Location"]) == (302, "/rewards/mug")
        assert Wish.objects.get().member == ada
        text = page(own, "/rewards/mug")
        assert 'action="/rewards/mug/unwish"' in text
        assert "已加入心愿单，可以兑换时会告诉您。" in text
        for _again in range(2):
            assert own.post("/rewards/mug/unwish").status_code == 302
        assert not Wish.objects.exists()

    @pytest.mark.parametrize(
        ("following", "target"),
        [("/wishes", "/wishes"), ("https://example.org/", "/rewards/mug"), ("", "/rewards/mug")],
    )
    def test_goes_back_to_where_it_was(self, own: Client, following: str, target: str):
        make()
        answer = own.post("/rewards/mug/unwish", {"next": following})
        assert answer["Location"] == target

    def test_is_swapped_by_itself(self, own: Client):
        make()
        answer = own.post("/rewards/mug/wish", headers={"hx-request": "true"})
        text = answer.content.decode()
        assert answer.status_code == 200
        assert text.strip().startswith('<form class="heart-form"')
        assert 'action="/rewards/mug/unwish"' in text
        assert "已加入心愿单" in text

    def test_of_nothing_is_not_there(self, own: Client):
        assert own.post("/rewards/unheard-of/wish").status_code == 404
        assert own.post("/rewards/unheard-of/unwish").status_code == 404

    def test_is_not_for_the_closed(self, own: Client, ada: Member):
        make()
        Member.objects.filter(pk=ada.pk).update(status="closed")
        assert own.post("/rewards/mug/wish")["Location"] == "/rewards/mug"
        assert not Wish.objects.exists()


class TestList:
    def test_is_empty_to_begin_with(self, own: Client):
        assert "还没有心愿" in page(own, "/wishes")

    def test_shows_what_can_be_had_first_and_how_far_the_others_are(
        self, own: Client, ada: Member
    ):
        for code, points in (("dear", 9_000), ("far", 1_200), ("mug", 500), ("gone", 100)):
            make(code, points)
            own.post(f"/rewards/{code}/wish")
        make("other", 10)
        Reward.objects.filter(code="gone").update(active=False)
        text = page(own, "/wishes")
        places = [text.index(f'href="/rewards/{code}"') for code in ("mug", "far", "dear", "gone")]
        assert places == sorted(places)
        assert "还差 200 积分" in text
        assert text.count("现在就能兑换") == 1
        assert "暂时不可兑换" in text
        assert "/rewards/other" not in text
        assert "You can get it now" in page(own, "/wishes", language="en")

    def test_is_the_members_own(self, own: Client, client: Client, mallory: Member):
        make()
        own.post("/rewards/mug/wish")
        assert "还没有心愿" in page(sign_in(Client(), mallory), "/wishes")

    def test_takes_as_many_queries_with_many_as_with_few(self, own: Client):
        counts: list[int] = []
        for numbers in (range(1), range(1, 15)):
            for number in numbers:
                make(f"m{number}", 100 + number)
                own.post(f"/rewards/m{number}/wish")
            page(own, "/wishes")
            with CaptureQueriesContext(connection) as captured:
                page(own, "/wishes")
            counts.append(len(captured))
        assert counts[0] == counts[1] <= 18


def test_nothing_is_said_about_wishes_of_others(client: Client, ada: Member, mallory: Member):
    make()
    sign_in(client, ada).post("/rewards/mug/wish")
    assert 'action="/rewards/mug/wish"' in page(sign_in(Client(), mallory), "/rewards/mug")


class TestHeartOnACard:
    def test_is_a_form_that_comes_back_to_the_card(self, own: Client):
        make()
        text = page(own, "/rewards?show=all")
        assert 'action="/rewards/mug/wish" hx-post="/rewards/mug/wish"' in text
        assert '<input type="hidden" name="next" value="/rewards?show=all">' in text
        answer = own.post("/rewards/mug/wish", {"place": "card", "next": "/rewards?show=all"})
        assert answer["Location"] == "/rewards?show=all#reward-mug"
        assert Wish.objects.exists()
        text = page(own, "/rewards?show=all")
        assert 'id="reward-mug"' in text
        assert 'action="/rewards/mug/unwish"' in text
        assert 'aria-label="把Mug移出心愿单"' in text

    def test_is_swapped_where_it_is(self, own: Client):
        make()
        answer = own.post(
            "/rewards/mug/wish",
            {"place": "card", "next": "/rewards?show=all"},
            headers={"hx-request": "true"},
        )
        text = answer.content.decode()
        assert 'class="heart-form heart-form--card"' in text
        assert 'action="/rewards/mug/unwish"' in text
        assert 'value="/rewards?show=all"' in text
        assert 'id="live" role="status" hx-swap-oob="true">已加入心愿单' in text

    @pytest.mark.parametrize("path", ["/rewards?show=all", "/rewards/mug"])
    def test_the_form_is_taken(self, ada: Member, path: str):
        make()
        strict = sign_in(Client(enforce_csrf_checks=True), ada)
        form = re.search(r'<form class="heart-form.*?</form>', page(strict, path), re.DOTALL)
        assert form
        said = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form[0]))
        answer = strict.post("/rewards/mug/wish", said, headers={"hx-request": "true"})
        assert answer.status_code == 200
        # The heart that takes its place can be pressed as well.
        said = dict(re.findall(r'name="(\w+)" value="([^"]*)"', answer.content.decode()))
        assert strict.post("/rewards/mug/unwish", said).status_code == 302
        assert not Wish.objects.exists()

    def test_leads_nowhere_else(self, own: Client):
        make()
        said = {"place": "card", "next": "https://example.org/"}
        assert own.post("/rewards/mug/wish", said)["Location"] == "/rewards/mug"
