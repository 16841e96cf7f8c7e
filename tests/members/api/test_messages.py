"""A member's inbox over the API."""

from members.models import Member, Message
from tests.members.portal.test_inbox import tell
from tests.tills import Till


class TestMessages:
    def test_are_listed_the_latest_first(self, till: Till, ada: Member, bob: Member):
        tell(ada, "1", "2", "3")
        tell(bob, "1")
        page = till.get(f"members/{ada.number}/messages", page_size="2").json()
        first = page["results"][0]
        assert first == {
            "id": Message.objects.get(reference="3").pk,
            "template": "wish_affordable",
            "texts": Message.objects.get(reference="3").texts,
            "link": "/rewards",
            "sent_at": "2026-11-23T12:00:00+08:00",
            "read_at": None,
        }
        assert set(first["texts"]) == {"zh-hans", "en"}
        rest = till.get(page["next"].partition("/api/v1/")[2]).json()
        assert (len(page["results"]), len(rest["results"]), rest["next"]) == (2, 1, None)
        assert till.get("members/nobody/messages").status_code == 404

    def test_are_marked_as_read_once(self, till: Till, ada: Member, bob: Member):
        tell(ada, "1")
        key = Message.objects.get().pk
        path = f"members/{ada.number}/messages/{key}/read"
        first = till.post(path, {})
        assert first.status_code == 200
        assert first.json()["read_at"] is not None
        assert till.post(path, {}).json() == first.json()
        assert till.post(f"members/{bob.number}/messages/{key}/read", {}).status_code == 404
        assert till.post(f"members/{ada.number}/messages/{2**70}/read", {}).status_code == 404
