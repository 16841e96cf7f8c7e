"""Words of messages and messages in the console."""

from members import message_templates, messages
from members.models import Member, Message, MessageTemplate
from rewards import message_words
from tests.conftest import NOON
from tests.console import desk, errors_of, filled
from tests.members.portal.test_inbox import tell

LIST = "/console/members/messagetemplate/"


def template() -> MessageTemplate:
    message_templates.seed()
    return MessageTemplate.objects.get(code=message_words.WISH_AFFORDABLE)


class TestTemplates:
    def test_are_there_from_the_beginning(self, db: None):
        text = desk("manager").get(LIST).content.decode()
        assert "心愿达成：{reward}" in text
        assert MessageTemplate.objects.count() == len(message_templates.all_templates())

    def test_show_how_they_read(self, db: None):
        text = desk("manager").get(f"{LIST}{template().pk}/change/").content.decode()
        assert "心愿达成：手冲咖啡" in text
        assert "it takes 1,280 points" in text

    def test_are_changed(self, ada: Member):
        client = desk("manager")
        path = f"{LIST}{template().pk}/change/"
        sent = filled(client.get(path), title_zh="来换 {reward} 吧")
        assert client.post(path, sent).status_code == 302
        assert template().changed_by == "manager"
        tell(ada, "1")
        assert Message.objects.get().texts["zh-hans"]["title"] == "来换 杯1 <b> 吧"

    def test_with_braces_that_nothing_fills_are_refused_on_the_field(self, db: None):
        client = desk("manager")
        path = f"{LIST}{template().pk}/change/"
        page = client.get(path)
        for text, said in (
            ("{name}", "这里没有 {name}。可用的有：{reward} {points}"),
            ("{reward", "有一个大括号没有配对。要写大括号本身时请写 {{ 或 }}。"),
        ):
            answer = client.post(path, filled(page, body_en=text))
            assert errors_of(answer) == {"body_en": [said]}
        assert template().changed_at is None


class TestMessages:
    def test_show_support_what_was_told_and_hide_to_whom(self, ada: Member, bob: Member):
        tell(ada, "1")
        tell(bob, "2")
        client = desk("clerk")
        text = client.get(f"/console/members/message/?q={ada.number}").content.decode()
        assert "心愿达成：杯1" in text
        assert "杯2" not in text
        assert "A**" in text
        assert "Ada" not in text
        key = Message.objects.get(reference="1").pk
        messages.read(member=ada, message=key, at=NOON)
        text = client.get(f"/console/members/message/{key}/change/").content.decode()
        assert "您的积分已经够兑换" in text
        assert "Ada" not in text
