"""Messages in members' inboxes, and the words they are written in."""

import logging
from datetime import timedelta
from typing import Any

import pytest

from loyalty import closing, merging
from loyalty.closing import Closing
from members import message_templates, messages, queries
from members.errors import InvalidInput, NotFound
from members.message_templates import Template
from members.messages import Notice
from members.models import Member, Message, MessageTemplate
from tests.conftest import NOON
from tests.loyalty.test_races import enrol

LATER = NOON + timedelta(hours=1)
TEMPLATES = [
    Template(
        code="hello",
        title_zh="你好，{name}",
        body_zh="{points} 积分，{day}。{{不变}}",
        title_en="Hello, {name}",
        body_en="{points} points, {day}. {{as it is}}",
        samples={"name": "杯子", "points": 1_280, "day": NOON},
    ),
    Template(code="plain", title_zh="一", body_zh="二", title_en="One", body_en="Two", samples={}),
]
DATA = {"name": "<b>Mug</b>", "points": 20_000, "day": NOON}


@pytest.fixture(autouse=True)
def _templates(settings: Any) -> None:
    settings.MESSAGE_TEMPLATES = ["tests.members.test_messages.TEMPLATES"]


def tell(member: Member, reference: str = "1", template: str = "hello", **other: Any) -> int:
    return messages.send(
        template=template,
        member=member,
        reference=reference,
        data=other.get("data", DATA),
        link="/rewards/mug",
        at=other.get("at", NOON),
    )


def inbox(member: Member) -> list[tuple[str, str, bool]]:
    found = queries.messages_of(member)
    return [(each.template, each.reference, each.read_at is not None) for each in found]


class TestSend:
    def test_writes_the_words_of_now_in_both_languages(self, ada: Member) -> None:
        assert tell(ada) == 1

        message = Message.objects.get()
        assert message.texts == {
            "zh-hans": {
                "title": "你好，<b>Mug</b>",
                "body": "20,000 积分，2026-11-21 12:00。{不变}",
            },
            "en": {
                "title": "Hello, <b>Mug</b>",
                "body": "20,000 points, Nov 21, 2026, 12:00. {as it is}",
            },
        }
        assert (message.member_id, message.link) == (ada.pk, "/rewards/mug")
        assert (message.sent_at, message.read_at) == (NOON, None)

    def test_tells_the_same_once(self, ada: Member, bob: Member) -> None:
        assert [tell(ada), tell(ada, at=LATER), tell(ada, "2"), tell(bob)] == [1, 0, 1, 1]
        assert tell(ada, template="plain") == 1
        assert Message.objects.count() == 4

    def test_sends_many_in_one_statement(
        self, ada: Member, bob: Member, django_assert_num_queries: Any
    ) -> None:
        tell(ada)
        notices = [
            Notice(member=each.pk, reference=reference)
            for each in (bob, ada)
            for reference in ("1", "2", "2")
        ]
        # The words and the messages.
        with django_assert_num_queries(2):
            assert messages.send_all(template="plain", notices=notices, at=NOON) == 4
        assert inbox(ada) == [("plain", "2", False), ("plain", "1", False), ("hello", "1", False)]
        assert messages.send_all(template="plain", notices=[], at=NOON) == 0

    def test_sends_nothing_that_is_switched_off(self, ada: Member) -> None:
        message_templates.change(code="hello", changes={"active": False}, by="owner", at=NOON)
        assert tell(ada) == 0
        assert not Message.objects.exists()

    def test_sends_nothing_to_closed_members(self, bob: Member) -> None:
        closing.close(closing=Closing(member=bob.number), by="owner", at=NOON)
        assert tell(bob) == 0
        assert not Message.objects.exists()

    def test_needs_a_value_for_each_placeholder_and_a_template(self, ada: Member) -> None:
        with pytest.raises(KeyError):
            tell(ada, data={"name": "Mug"})
        with pytest.raises(KeyError):
            tell(ada, template="unheard-of")
        assert not Message.objects.exists()

    def test_logs_nothing(self, ada: Member, caplog: Any) -> None:
        with caplog.at_level(logging.INFO):
            tell(ada)
        assert not caplog.records


class TestRead:
    def test_marks_one_once(self, ada: Member, mallory: Member) -> None:
        tell(ada)
        tell(ada, "2")
        key = Message.objects.get(reference="1").pk
        assert not messages.read(member=mallory, message=key, at=NOON)
        assert queries.unread_messages(ada) == 2

        assert messages.read(member=ada, message=key, at=LATER)
        assert messages.read(member=ada, message=key, at=LATER + timedelta(hours=1))
        assert Message.objects.get(pk=key).read_at == LATER
        # Unread ones come first.
        assert inbox(ada) == [("hello", "2", False), ("hello", "1", True)]
        assert queries.unread_messages(ada) == 1

    def test_marks_what_was_sent_until_then(self, ada: Member, bob: Member) -> None:
        tell(ada)
        tell(ada, "2", at=LATER)
        tell(bob)
        assert messages.read_all(member=ada, at=NOON) == 1
        assert messages.read_all(member=ada, at=NOON) == 0
        assert inbox(ada) == [("hello", "2", False), ("hello", "1", True)]
        assert queries.unread_messages(bob) == 1


class TestFollow:
    def test_a_closed_members_messages_go(self, bob: Member, ada: Member) -> None:
        tell(bob)
        tell(ada)
        closing.close(closing=Closing(member=bob.number), by="owner", at=NOON)
        assert list(Message.objects.values_list("member", flat=True)) == [ada.pk]

    def test_a_merged_members_messages_are_the_targets(self, bob: Member, ada: Member) -> None:
        tell(bob)
        tell(bob, "2")
        tell(ada, "2")
        messages.read_all(member=bob, at=LATER)
        merging.merge(source=bob.number, into=ada.number, by="owner", at=LATER)
        assert inbox(ada) == [("hello", "2", False), ("hello", "1", True)]
        assert Message.objects.count() == 2


class TestChange:
    def test_counts_for_what_is_sent_from_then_on(self, ada: Member) -> None:
        tell(ada)
        changed = message_templates.change(
            code="hello", changes={"title_en": " Dear {name} "}, by="owner", at=LATER
        )
        tell(ada, "2")
        assert (changed.changed_by, changed.changed_at) == ("owner", LATER)
        titles = [each.texts["en"]["title"] for each in Message.objects.order_by("id")]
        assert titles == ["Hello, <b>Mug</b>", "Dear <b>Mug</b>"]

    @pytest.mark.parametrize(
        ("field", "text", "code"),
        [
            ("title_zh", "{nme}", "unknown_placeholder"),
            ("body_zh", "{}", "unknown_placeholder"),
            ("title_en", "{points:>9999999}", "unknown_placeholder"),
            ("title_en", "{name!r}", "unknown_placeholder"),
            ("body_en", "{name.__class__}", "unknown_placeholder"),
            ("body_en", "{name[0]}", "unknown_placeholder"),
            ("body_en", "{points", "unbalanced_braces"),
            ("body_en", "points}", "unbalanced_braces"),
            ("title_zh", " ", "blank"),
            ("title_zh", "长" * 101, "max_length"),
        ],
    )
    def test_refuses_what_could_not_be_written(
        self, db: None, field: str, text: str, code: str
    ) -> None:
        with pytest.raises(InvalidInput) as caught:
            message_templates.change(code="hello", changes={field: text}, by="owner", at=NOON)
        assert (caught.value.pointer, caught.value.code) == (f"/{field}", code)
        assert not MessageTemplate.objects.exists()

    def test_does_not_know_every_code(self, db: None) -> None:
        with pytest.raises(NotFound):
            message_templates.change(code="unheard-of", changes={}, by="owner", at=NOON)


class TestSeed:
    def test_follows_the_code_where_nobody_changed_anything(
        self, db: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        message_templates.seed()
        message_templates.change(code="plain", changes={"title_en": "1"}, by="owner", at=NOON)
        new = [
            Template(
                code=each.code,
                title_zh="新",
                body_zh="新",
                title_en="New",
                body_en="New",
                samples=each.samples,
            )
            for each in TEMPLATES
        ]
        monkeypatch.setattr("tests.members.test_messages.TEMPLATES", new)
        message_templates.seed()
        found = MessageTemplate.objects.order_by("code").values_list(
            "code", "title_en", "title_zh"
        )
        assert list(found) == [("hello", "New", "新"), ("plain", "1", "一")]


class TestPreview:
    def test_shows_samples(self, db: None) -> None:
        found = message_templates.preview(code="hello", texts={"title_en": "{points}!"})
        assert found["en"]["title"] == "1,280!"
        assert found["zh-hans"]["title"] == "你好，杯子"


class TestRaces:
    def test_20_senders_tell_it_once(self, committed_db: Any) -> None:
        member = enrol()[0]
        results = committed_db.run_parallel(lambda _: tell(member), 20)
        assert sorted(results) == [0] * 19 + [1]
        assert Message.objects.count() == 1

    def test_without_the_unique_key_it_is_told_often(
        self, committed_db: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        member = enrol()[0]
        monkeypatch.setattr(
            messages, "_INSERT", messages._INSERT.replace("ON CONFLICT DO NOTHING", "")
        )
        results = committed_db.run_parallel(lambda _: tell(member), 20)
        assert sum(isinstance(each, Exception) for each in results) == 19

    def test_closing_leaves_no_message_behind(self, committed_db: Any) -> None:
        members = enrol(10)

        def work(number: int) -> object:
            member = members[number // 2]
            if number % 2:
                return tell(member)
            return closing.close(closing=Closing(member=member.number), by="owner", at=NOON)

        committed_db.run_parallel(work, 20)
        assert not Message.objects.exists()
