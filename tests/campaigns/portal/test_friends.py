"""Bringing friends: the page, and the invitation that its link leads to."""

import re
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.test import Client

from campaigns.models import Campaign
from loyalty import ordering, refunds
from loyalty.refunds import RefundFacts
from members import enrolment, logins
from members.models import Member
from tests.campaigns.builders import bonus, campaign
from tests.conftest import NOON
from tests.loyalty.builders import day, order
from tests.portal import BACKEND, page, sign_in


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False):
        yield


def referral(**limits: Any) -> None:
    campaign(
        "friends",
        trigger="referral.converted",
        effect=bonus(200, to="referrer", pending_days=7),
        limits=limits,
        min_amount="50.00",
    )
    campaign(
        "welcome",
        trigger="referral.converted",
        effect=bonus(100, to="referee", pending_days=7),
        min_amount="50.00",
    )


def friend(of: Member, name: str, number: int, *, ordered: int | None = None) -> Member:
    """A friend who joined twenty days ago and ordered so many days ago."""
    member = enrolment.enrol(
        newcomer=enrolment.Newcomer(
            phone=f"+861370000{number:04}",
            name=name,
            referral_code=of.referral_code,
            enrolled_at=day(-20),
        ),
        at=NOON,
    )
    if ordered is not None:
        facts = order(f"F-{number}", "60", member=member, placed_at=day(-ordered))
        placed = ordering.place(order=facts, at=day(-ordered))
        assert placed.order is not None
    return member


def english(client: Client, path: str = "/friends") -> str:
    return page(client, path, language="en")


class TestPage:
    def test_shows_code_link_and_rules(self, client: Client, bob: Member):
        referral(per_member_per_month=2_000)

        text = english(sign_in(client, bob))

        link = f"http://testserver/invite/{bob.referral_code}"
        assert text.count(link) >= 3
        assert f'data-copy="{link}"' in text
        assert f'data-share="{link}"' in text
        assert 'role="img"' in text
        assert "+200" in text
        assert "+100" in text
        assert "an order of at least ¥50" in text
        assert "usable 7 days after the order" in text
        assert "No friends yet" in text

    def test_says_that_nothing_is_given_at_the_moment(self, client: Client, bob: Member):
        text = english(sign_in(client, bob))

        assert "No points are given for friends at the moment" in text
        assert "How it works" not in text

    def test_shows_how_far_each_friend_has_come(self, client: Client, bob: Member):
        referral(per_member_per_month=2_000)
        friend(bob, "Wanda", 1)
        friend(bob, "Pia", 2, ordered=2)
        friend(bob, "Otto", 3, ordered=10)
        friend(bob, "Rita", 4, ordered=12)
        refunds.refund(
            source="default",
            number="F-4",
            facts=RefundFacts(reference="1", at=day(-11), amount=Decimal(60)),
            now=day(-11),
        )

        text = english(sign_in(client, bob))

        rows = re.findall(r"<li><span class=\"avatar\".*?</li>", text, re.S)
        words = {row[row.index("<p>") + 3 : row.index("**")]: row for row in rows}
        assert "no qualifying order yet" in words["W"]
        assert "usable from Nov 26" in words["P"]
        assert "+200" in words["P"]
        assert "paid" in words["O"]
        assert "taken back" in words["R"]
        for name in ("Wanda", "Pia", "Otto", "Rita"):
            assert name not in text
        assert "400 of at most 2,000 points this month" in text

    def test_says_where_the_limit_was_reached(self, client: Client, bob: Member):
        referral(per_member_per_month=200)
        friend(bob, "Anna", 1, ordered=3)
        friend(bob, "Cleo", 2, ordered=2)

        text = english(sign_in(client, bob))

        assert "the limit was reached" in text
        assert "200 of at most 200 points this month" in text

    def test_shows_nobody_elses_friends(self, client: Client, bob: Member, mallory: Member):
        friend(bob, "Wanda", 1)

        assert "W**" not in english(sign_in(client, mallory))

    @pytest.mark.parametrize("count", [1, 30])
    def test_needs_the_same_queries_however_many(
        self, client: Client, bob: Member, count: int, django_assert_max_num_queries: Any
    ):
        referral()
        for number in range(count):
            friend(bob, "Zoe", number, ordered=3 if number % 2 else None)
        sign_in(client, bob)

        with django_assert_max_num_queries(14):
            assert client.get("/friends").status_code == 200

    @pytest.mark.parametrize("language", ["zh-hans", "en"])
    def test_is_sound_in_both_languages(self, client: Client, bob: Member, language: str):
        referral()
        friend(bob, "Wanda", 1)

        page(sign_in(client, bob), "/friends", language=language)


class TestInvitation:
    def test_promises_what_the_campaigns_promise(self, client: Client, bob: Member):
        referral()

        assert "get an extra 100 points" in english(client, f"/invite/{bob.referral_code}")
        Campaign.objects.update(state="paused")
        assert "get an extra 100 points" not in english(client, f"/invite/{bob.referral_code}")

    def test_answers_alike_whatever_the_code(self, client: Client, bob: Member):
        referral()

        known = english(Client(), f"/invite/{bob.referral_code}")
        unknown = english(Client(), "/invite/AAAAAAAA")

        def told(text: str) -> str:
            plain = re.sub(r'value="[A-Za-z0-9]{64}"', "", text)
            return plain.replace(bob.referral_code, "").replace("AAAAAAAA", "")

        assert told(known) == told(unknown)

    def test_of_a_member_leads_home(self, client: Client, bob: Member, mallory: Member):
        assert sign_in(client, mallory).get(f"/invite/{bob.referral_code}")["Location"] == "/"

    def test_fills_the_code_in_when_its_reader_joins(self, client: Client, bob: Member):
        client.get(f"/invite/{bob.referral_code.lower()}")
        login = logins.of_phone(phone="+8613711112222")
        assert login is not None
        client.force_login(login, backend=BACKEND)

        text = english(client, "/join")
        assert f'value="{bob.referral_code}"' in text
        client.post("/join", {"terms": "on", "referral_code": bob.referral_code})

        member = Member.objects.get(phone="+8613711112222")
        assert member.referrer == bob
        assert "referral_code" not in client.session

    def test_code_of_nobody_is_said_on_its_field(self, client: Client, db: None):
        login = logins.of_phone(phone="+8613711112222")
        assert login is not None
        client.force_login(login, backend=BACKEND)

        response = client.post("/join?code=NOBODY", {"terms": "on", "referral_code": "NOBODY"})

        assert list(response.context["form"].errors) == ["referral_code"]
        assert not Member.objects.exists()
        client.post("/join", {"terms": "on", "referral_code": ""})
        assert Member.objects.get().referrer is None

    @pytest.mark.parametrize("code", ["%00", "<script>", "x" * 300, "推荐"])
    def test_takes_what_is_no_code(self, client: Client, db: None, code: str):
        assert client.get(f"/invite/{code}").status_code == 200


def test_enrolled_friends_without_a_campaign_are_only_joined(client: Client, bob: Member):
    friend(bob, "Wanda", 1)

    assert "no referral campaign at the moment" in english(sign_in(client, bob))
