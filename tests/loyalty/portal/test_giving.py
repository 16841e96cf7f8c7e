"""Giving points away on the portal, and what holds show there."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from loyalty import holds
from loyalty.holds import HoldRequest
from loyalty.models import Entry, Transfer
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import (
    books,
    credit,
    day,
    debit,
    figures,
    post,
    program,
    reversal,
    wallet_of,
)
from tests.portal import page, sign_in

KEY = "0f0e8f58-6d8e-4a34-8a5f-0f2b1a6b4d11"


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON + timedelta(hours=1), tick=False):
        yield


@pytest.fixture(autouse=True)
def _enabled(db: None) -> None:
    allow()


def allow(**rules: Any) -> None:
    off = {"min": None, "per_transfer": None, "per_day": None, "fee": 0}
    program(transfer={"enabled": True, **off, **rules})


def filled(receiver: Member | str, points: Any = 100, **more: str) -> dict[str, Any]:
    said = receiver.number if isinstance(receiver, Member) else receiver
    return {"receiver": said, "points": points, "message": "", "key": KEY, **more}


def errors(response: Any) -> dict[str, list[str]]:
    return {name: list(said) for name, said in response.context["form"].errors.items()}


class TestForm:
    def test_shows_what_there_is_and_the_rules(self, client: Client, ada: Member):
        allow(min=10, per_transfer=500, per_day=800, fee=5)

        text = page(sign_in(client, ada), "/points/give")

        assert "<b>1,000</b>" in text
        assert text.count("<li>", text.index('class="rules"')) >= 6
        for figure in ("10", "500", "800", "5"):
            assert figure in text[text.index('class="rules"') :]
        assert re.search(r'name="key" value="[0-9a-f-]{36}"', text)

    def test_has_a_key_of_its_own_each_time(self, client: Client, ada: Member):
        texts = [page(sign_in(client, ada), "/points/give") for _ in range(2)]

        keys = [re.findall(r'name="key" value="([0-9a-f-]{36})"', text) for text in texts]
        assert len({key for found in keys for key in found}) == 2

    def test_is_not_there_when_the_program_does_not_allow_it(self, client: Client, ada: Member):
        allow(enabled=False)
        sign_in(client, ada)

        assert client.get("/points/give").status_code == 404
        assert client.post("/points/give", filled("1")).status_code == 404
        for path in ("/me", "/points"):
            assert "/points/give" not in page(client, path)

    def test_is_linked_when_the_program_allows_it(self, client: Client, ada: Member):
        sign_in(client, ada)

        for path in ("/me", "/points"):
            assert 'href="/points/give"' in page(client, path)

    @pytest.mark.parametrize("status", ["frozen", "closed"])
    def test_is_not_offered_to_the_frozen_and_the_closed(
        self, client: Client, ada: Member, status: str
    ):
        sign_in(client, ada)
        Member.objects.update(status=status)

        text = page(client, "/points/give")

        assert "<form" not in text[text.index("<main") : text.index("</main>")]

    def test_is_not_offered_to_one_who_owes(self, client: Client, bob: Member):
        wallet = wallet_of(bob)
        post(credit(wallet, 70, "in"))
        post(debit(wallet, 70, "out"))
        post(reversal(wallet, 70, "back", of="in"))

        text = page(sign_in(client, bob), "/points/give")

        assert 'class="note note--warm"' in text
        assert 'name="receiver"' not in text

    @pytest.mark.parametrize("language", ["zh-hans", "en"])
    def test_is_sound_in_both_languages(self, client: Client, ada: Member, language: str):
        page(sign_in(client, ada), "/points/give", language=language)


class TestPreview:
    def test_shows_masked_name_fee_and_what_is_left(
        self, client: Client, ada: Member, bob: Member
    ):
        allow(fee=5)
        before = books()

        response = sign_in(client, ada).post("/points/give", filled(bob, message="Hi <b>"))

        text = response.content.decode()
        preview = response.context["preview"]
        assert (preview.points, preview.fee, preview.left) == (100, 5, 895)
        assert "B**" in text
        assert "Bob" not in text
        assert bob.phone is not None
        assert bob.phone not in text
        assert "Hi &lt;b&gt;" in text
        assert 'name="confirmed"' in text
        assert f'value="{KEY}"' in text
        assert books() == before

    def test_finds_by_phone_without_telling_the_number(
        self, client: Client, ada: Member, bob: Member
    ):
        response = sign_in(client, ada).post("/points/give", filled("138 0000 0002"))

        assert response.context["preview"].receiver == bob
        assert bob.number not in response.content.decode()

    def test_of_somebody_unknown_is_said_on_the_field(self, client: Client, ada: Member):
        for text in ("13900009999", "no", "张三", "x" * 40):
            response = sign_in(client, ada).post("/points/give", filled(text))

            assert list(errors(response)) == ["receiver"]

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"receiver": ""}, "receiver"),
            ({"receiver": "x" * 41}, "receiver"),
            ({"points": ""}, "points"),
            ({"points": "0"}, "points"),
            ({"points": "-5"}, "points"),
            ({"points": "1.5"}, "points"),
            ({"points": "many"}, "points"),
            ({"points": str(2**63)}, "points"),
            ({"points": "1001"}, "points"),
            ({"message": "x" * 101}, "message"),
        ],
    )
    def test_says_on_its_field_what_is_wrong(
        self, client: Client, ada: Member, bob: Member, changes: dict[str, str], field: str
    ):
        response = sign_in(client, ada).post("/points/give", filled(bob) | changes)

        assert list(errors(response)) == [field]
        assert 'name="confirmed"' not in response.content.decode()

    def test_says_a_refusal_on_its_field(self, client: Client, ada: Member, bob: Member):
        sign_in(client, ada)

        assert list(errors(client.post("/points/give", filled(ada)))) == ["receiver"]
        allow(min=200)
        assert list(errors(client.post("/points/give", filled(bob)))) == ["points"]
        allow(per_transfer=99)
        assert list(errors(client.post("/points/give", filled(bob)))) == ["points"]
        allow(per_day=99)
        assert list(errors(client.post("/points/give", filled(bob)))) == ["points"]
        allow(fee=901)
        assert list(errors(client.post("/points/give", filled(bob)))) == ["points"]
        for status in ("frozen", "closed"):
            Member.objects.filter(pk=bob.pk).update(status=status)
            assert list(errors(client.post("/points/give", filled(bob)))) == ["receiver"]

    def test_can_be_gone_back_from_with_everything_kept(
        self, client: Client, ada: Member, bob: Member
    ):
        response = sign_in(client, ada).post("/points/give", filled(bob, back="1"))

        text = response.content.decode()
        assert response.context["preview"] is None
        assert f'value="{bob.number}"' in text
        assert 'value="100"' in text


class TestLookingUp:
    def test_is_limited_for_each_member(self, ada: Member, bob: Member, mallory: Member):
        first, second = sign_in(Client(), ada), sign_in(Client(), mallory)

        found = [first.post("/points/give", filled(bob)) for _ in range(21)]

        assert all(each.context["preview"] for each in found[:20])
        assert list(errors(found[20])) == ["receiver"]
        post(credit(wallet_of(mallory), 100, "in"))
        assert second.post("/points/give", filled(bob)).context["preview"]
        with time_machine.travel(NOON + timedelta(hours=1, minutes=1, seconds=1), tick=False):
            assert first.post("/points/give", filled(bob)).context["preview"]


class TestConfirm:
    def give(self, client: Client, receiver: Member | str, **more: Any) -> Any:
        return client.post("/points/give", filled(receiver, **more, confirmed="1"))

    def test_gives_and_shows_the_entry(self, client: Client, ada: Member, bob: Member):
        allow(fee=5)

        response = self.give(sign_in(client, ada), bob, message="生日快乐")

        made = Transfer.objects.get()
        assert (made.sender, made.receiver, made.points, made.fee) == (ada, bob, 100, 5)
        assert (made.message, made.reference) == ("生日快乐", f"portal:{KEY}")
        entry = Entry.objects.get(kind="transfer_out")
        assert (response.status_code, response["Location"]) == (302, f"/points/{entry.pk}")
        text = page(client, response["Location"])
        assert "B**" in text
        assert "生日快乐" in text
        assert figures(wallet_of(bob)) == {"active": 100}

    def test_twice_gives_once(self, client: Client, ada: Member, bob: Member):
        first = self.give(sign_in(client, ada), bob)

        again = self.give(client, bob)

        assert again["Location"] == first["Location"]
        assert Transfer.objects.count() == 1
        assert figures(wallet_of(ada))["active"] == 900

    def test_with_a_used_key_for_something_else_gives_nothing(
        self, client: Client, ada: Member, bob: Member
    ):
        self.give(sign_in(client, ada), bob)

        response = self.give(client, bob, points=200)

        assert list(errors(response)) == ["__all__"]
        assert Transfer.objects.count() == 1

    @pytest.mark.parametrize("key", ["", "x", "0" * 400])
    def test_without_a_key_asks_again(self, client: Client, ada: Member, bob: Member, key: str):
        response = self.give(sign_in(client, ada), bob, key=key)

        assert response.context["preview"].points == 100
        assert not Transfer.objects.exists()

    def test_that_is_refused_by_now_gives_nothing(self, client: Client, ada: Member, bob: Member):
        post(debit(wallet_of(ada), 950, "out"))
        before = books()

        response = self.give(sign_in(client, ada), bob)

        assert list(errors(response)) == ["points"]
        assert books() == before
        assert not Transfer.objects.exists()

    def test_needs_its_own_session(self, ada: Member, bob: Member):
        response = self.give(Client(), bob)

        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/login")
        assert not Transfer.objects.exists()

    def test_tells_the_receiver_who_gave(self, client: Client, ada: Member, bob: Member):
        self.give(sign_in(client, ada), bob)

        text = page(sign_in(Client(), bob), "/points")

        assert "A**" in text
        assert "Ada" not in text


class TestHolds:
    def hold(self, member: Member, reference: str, expires_in: int = 1800) -> int:
        request = HoldRequest(
            member=member.number, points=300, reference=reference, expires_in=expires_in
        )
        return holds.hold(request=request, at=NOON + timedelta(minutes=50)).hold.pk

    @pytest.mark.parametrize("path", ["/", "/points"])
    def test_open_ones_are_shown_with_their_end(self, client: Client, ada: Member, path: str):
        self.hold(ada, "h1")
        self.hold(ada, "over", expires_in=60)
        holds.release(hold=self.hold(ada, "h2"), at=NOON + timedelta(minutes=50))

        text = page(sign_in(client, ada), path)

        assert text.count("300") == 1
        assert "13:20" in text
        assert "12:51" not in text

    @pytest.mark.parametrize("path", ["/", "/points"])
    def test_of_others_are_not(self, client: Client, ada: Member, mallory: Member, path: str):
        self.hold(ada, "h1")
        post(credit(wallet_of(mallory), 10, "in", expires_at=day(90)))

        assert "300" not in page(sign_in(client, mallory), path)

    def test_that_are_captured_are_payments_in_the_history(self, client: Client, ada: Member):
        pk = self.hold(ada, "h1")
        holds.capture(hold=pk, points=200, order=None, at=NOON + timedelta(minutes=55))

        text = page(sign_in(client, ada), "/points")

        assert "−200" in text
        assert "300" not in text
