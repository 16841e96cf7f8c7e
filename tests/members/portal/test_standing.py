"""What a frozen member reads, and that a closed one is a stranger."""

import pytest
from django.test import Client
from django.utils.translation import override

from loyalty import closing
from members import lifecycle, logins
from members.models import Member
from rewards import catalogue
from tests.conftest import NOON
from tests.portal import page, sign_in


@pytest.fixture
def frozen(ada: Member) -> Client:
    client = sign_in(Client(), ada)
    lifecycle.freeze(member=ada, reason="two tills at once", by="owner", at=NOON)
    return client


class TestFrozen:
    def test_reads_why_spending_waits_but_not_the_staffs_reason(self, frozen: Client):
        with override("en"):
            text = page(frozen, "/", language="en")

        assert "Your points are frozen while they are checked." in text
        assert "They stay yours and purchases still earn points" in text
        assert "two tills at once" not in text

    def test_is_offered_no_button_that_would_be_refused(self, frozen: Client):
        catalogue.create(
            changes={"code": "mug", "name": "Mug", "kind": "gift", "points": 100}, at=NOON
        )

        text = page(frozen, "/rewards/mug", language="en")

        assert "nothing can be redeemed" in text
        assert "/rewards/mug/redeem" not in text

    def test_reads_nothing_of_it_afterwards(self, frozen: Client, ada: Member):
        lifecycle.unfreeze(member=ada, reason="", by="owner", at=NOON)

        assert "frozen" not in page(frozen, "/", language="en")


class TestClosed:
    @pytest.fixture
    def gone(self, ada: Member) -> Client:
        client = sign_in(Client(), ada)
        asked = closing.Closing(member=ada.number, forfeit=True)
        closing.close(closing=asked, by="owner", at=NOON)
        return client

    def test_is_signed_out_everywhere(self, gone: Client):
        for path in ("/me", "/points", "/vouchers", "/me/code"):
            assert gone.get(path).status_code == 302
        assert "Ada" not in page(gone, "/")

    def test_signs_in_as_a_newcomer(self, gone: Client, ada: Member):
        login = logins.of_phone(phone="+8613800000001")

        assert login is not None
        assert logins.is_newcomer(login)
        assert not Member.objects.filter(user=login).exists()
