"""The member's inbox: unread first, opened by a form, and the count beside its links."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from members import messages
from members.models import Member, Message
from rewards import message_words
from tests.conftest import NOON
from tests.portal import page, sign_in


def tell(member: Member, *references: str, link: str = "/rewards") -> None:
    for days, reference in enumerate(references):
        messages.send(
            template=message_words.WISH_AFFORDABLE,
            member=member,
            reference=reference,
            data={"reward": f"杯{reference} <b>", "points": 1_280},
            link=link,
            at=NOON + timedelta(days=days),
        )


@pytest.fixture
def own(client: Client, ada: Member) -> Client:
    return sign_in(client, ada)


class TestInbox:
    def test_is_empty_to_begin_with(self, own: Client):
        text = page(own, "/messages")
        assert "还没有消息" in text
        assert "全部标为已读" not in text

    def test_shows_unread_first_in_the_readers_language(self, own: Client, ada: Member):
        tell(ada, "1", "2", "3")
        newest = Message.objects.get(reference="3")
        messages.read(member=ada, message=newest.pk, at=NOON + timedelta(days=9))
        text = page(own, "/messages")
        places = [text.index(f"杯{number} &lt;b&gt;") for number in (2, 1, 3)]
        assert places == sorted(places)
        assert "需要 1,280 积分" in text
        assert text.count("message--unread") == 2
        english = page(own, "/messages", language="en")
        assert "You can have it now: 杯1" in english
        assert "Mark all as read" in english

    def test_shows_20_at_a_time(self, own: Client, ada: Member):
        tell(ada, *(str(number) for number in range(21)))
        first, second = page(own, "/messages"), page(own, "/messages?page=2")
        assert (first.count('class="message '), second.count('class="message ')) == (20, 1)
        assert "?page=2" in first
        assert "?page=" not in second
        assert page(own, "/messages?page=x").count('class="message ') == 20

    def test_takes_as_many_queries_with_many_as_with_few(self, own: Client, ada: Member):
        counts = []
        for numbers in (range(1), range(1, 18)):
            tell(ada, *(str(number) for number in numbers))
            with CaptureQueriesContext(connection) as captured:
                page(own, "/messages")
            counts.append(len(captured))
        assert counts[0] == counts[1] <= 8


class TestOpen:
    def test_marks_as_read_and_goes_on(self, own: Client, ada: Member):
        tell(ada, "1")
        message = Message.objects.get()
        answer = own.post(f"/messages/{message.pk}/open")
        assert (answer.status_code, answer["Location"]) == (302, "/rewards")
        message.refresh_from_db()
        assert message.read_at is not None
        assert own.post(f"/messages/{message.pk}/open").status_code == 302

    @pytest.mark.parametrize("link", ["", "https://example.org/", "//example.org/"])
    def test_stays_where_there_is_nothing_to_go_on_to(self, own: Client, ada: Member, link: str):
        tell(ada, "1", link=link)
        answer = own.post(f"/messages/{Message.objects.get().pk}/open")
        assert answer["Location"] == "/messages"

    def test_is_for_the_members_own_alone(self, client: Client, ada: Member, mallory: Member):
        tell(ada, "1")
        message = Message.objects.get()
        answer = sign_in(client, mallory).post(f"/messages/{message.pk}/open")
        assert answer.status_code == 404
        message.refresh_from_db()
        assert message.read_at is None

    def test_all_at_once(self, own: Client, ada: Member, bob: Member):
        tell(ada, "1", "2")
        tell(bob, "1")
        Message.objects.update(sent_at=NOON - timedelta(days=900))
        assert own.post("/messages/read")["Location"] == "/messages"
        assert Message.objects.filter(read_at=None).get().member == bob


class TestCount:
    @pytest.mark.parametrize("path", ["/", "/me", "/points", "/messages"])
    def test_stands_on_every_page_for_one_query(
        self, own: Client, ada: Member, path: str, django_assert_max_num_queries: Any
    ):
        page(own, path)
        assert "data-unread" not in page(own, path)
        tell(ada, "1", "2")
        with CaptureQueriesContext(connection) as captured:
            text = page(own, path)
        counting = [each for each in captured if '"read_at" IS NULL' in each["sql"]]
        counting = [each for each in counting if "COUNT(*)" in each["sql"]]
        assert '<span class="badge badge--brand count">2</span>' in text
        # The inbox itself counts what it pages through as well.
        assert len(counting) == 1
        if path == "/":
            assert 'data-unread href="/messages" aria-label="消息，2 条未读"' in text
        if path == "/me":
            assert "2 条未读" in text
