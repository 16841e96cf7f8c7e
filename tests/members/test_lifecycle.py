"""Freezing, unfreezing and closing: status, its history and what is cleared."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import Client

from loyalty import spending
from loyalty.errors import WalletFrozen
from members import enrolment, lifecycle, logins
from members.errors import InvalidInput, MemberClosed
from members.models import Consent, Member, StatusChange, User
from tests.conftest import NOON
from tests.portal import sign_in

LATER = NOON + timedelta(hours=1)


def steps(member: Member) -> list[tuple[Any, ...]]:
    rows = StatusChange.objects.filter(member=member).order_by("id")
    return [(row.before, row.after, row.reason, row.by, row.at) for row in rows]


def freeze(member: Member, reason: str = "checked", at: datetime = NOON) -> Member:
    return lifecycle.freeze(member=member, reason=reason, by="owner", at=at)


def unfreeze(member: Member, at: datetime = LATER) -> Member:
    return lifecycle.unfreeze(member=member, reason="all right", by="manager", at=at)


def close(member: Member) -> Member:
    with transaction.atomic():
        locked = lifecycle.lock(members=[member.pk])[member.pk]
        lifecycle.close(member=locked, reason="asked to", by="owner", at=NOON)
    return Member.objects.get(pk=member.pk)


class TestFreeze:
    def test_notes_who_when_and_why(self, bob: Member) -> None:
        frozen = freeze(bob)

        assert frozen.status == "frozen"
        assert steps(bob) == [("active", "frozen", "checked", "owner", NOON)]

    def test_again_changes_nothing(self, bob: Member) -> None:
        freeze(bob)

        again = freeze(bob, "another reason", LATER)

        assert again.status == "frozen"
        assert len(steps(bob)) == 1

    def test_refuses_a_closed_member(self, bob: Member) -> None:
        close(bob)
        before = steps(bob)

        with pytest.raises(MemberClosed):
            freeze(bob)

        assert steps(bob) == before

    def test_makes_spends_wait(self, ada: Member) -> None:
        freeze(ada)

        with pytest.raises(WalletFrozen):
            spending.spend(
                member=ada, points=1, reference="R1", details={}, explanation=[], at=NOON
            )


class TestUnfreeze:
    def test_lets_the_member_spend_again(self, ada: Member) -> None:
        freeze(ada)

        active = unfreeze(ada)

        assert active.status == "active"
        assert steps(ada)[1:] == [("frozen", "active", "all right", "manager", LATER)]
        spent = spending.spend(
            member=ada,
            points=1,
            reference="R1",
            details={},
            explanation=[{"rule": "mug", "kind": "reward", "points": -1}],
            at=LATER,
        )
        assert spent.balance == 999

    def test_of_an_active_member_changes_nothing(self, bob: Member) -> None:
        assert unfreeze(bob).status == "active"
        assert steps(bob) == []

    def test_refuses_a_closed_member(self, bob: Member) -> None:
        close(bob)

        with pytest.raises(MemberClosed):
            unfreeze(bob)


class TestFreezeAll:
    def test_freezes_the_active_ones_with_their_history(
        self, ada: Member, bob: Member, mallory: Member
    ) -> None:
        freeze(bob)
        close(mallory)

        count = lifecycle.freeze_all(
            members=[ada.pk, bob.pk, mallory.pk], reason="books disagree", by="", at=LATER
        )

        assert count == 1
        assert steps(ada) == [("active", "frozen", "books disagree", "", LATER)]
        assert len(steps(bob)) == 1
        statuses = Member.objects.order_by("name").values_list("name", "status")
        assert dict(statuses) == {"Ada": "frozen", "Bob": "frozen", "": "closed"}

    def test_takes_as_many_queries_for_many(
        self, ada: Member, bob: Member, mallory: Member, django_assert_num_queries: Any
    ) -> None:
        with django_assert_num_queries(5):  # two of them are the savepoint
            lifecycle.freeze_all(members=[ada.pk, bob.pk, mallory.pk], reason="r", by="", at=NOON)

    def test_of_nobody_does_nothing(self, db: None) -> None:
        assert lifecycle.freeze_all(members=[], reason="r", by="", at=NOON) == 0


class TestClose:
    @pytest.fixture
    def cleo(self, db: None) -> Member:
        newcomer = enrolment.Newcomer(
            phone="+8613800000009",
            name="Cleo",
            email="cleo@example.com",
            birthday=date(1990, 5, 1),
            external_id="crm-9",
            consents={"marketing_sms": True},
            ip="10.0.0.1",
            device="phone",
        )
        return enrolment.enrol(newcomer=newcomer, at=NOON)

    def test_clears_what_is_personal_and_keeps_number_and_facts(self, cleo: Member) -> None:
        closed = close(cleo)

        assert (closed.status, closed.number) == ("closed", cleo.number)
        assert [getattr(closed, name) for name in lifecycle.PERSONAL] == list(
            lifecycle.PERSONAL.values()
        )
        assert str(closed) == f"— #{cleo.number}"
        assert [(row.purpose, row.is_given) for row in Consent.objects.filter(member=cleo)] == [
            ("marketing_sms", True)
        ]
        assert steps(cleo) == [("active", "closed", "asked to", "owner", NOON)]

    def test_switches_the_login_off_with_its_sessions(self, cleo: Member) -> None:
        client = sign_in(Client(), cleo)
        assert client.get("/me").status_code == 200

        close(cleo)

        answer = client.get("/me")
        assert (answer.status_code, answer["Location"]) == (302, "/accounts/login?next=/me")
        login = User.objects.get(username=cleo.number)
        assert (login.is_active, Member.objects.filter(user=login).exists()) == (False, False)

    def test_forgets_the_login_that_proved_the_number(self, cleo: Member) -> None:
        User.objects.create(username="new+8613800000009")

        close(cleo)

        assert not User.objects.filter(username__contains="13800000009").exists()

    def test_forgets_the_name_in_the_console_s_log(self, cleo: Member, owner: User) -> None:
        LogEntry.objects.create(
            user=owner,
            content_type=ContentType.objects.get_for_model(Member),
            object_id=str(cleo.pk),
            object_repr=str(cleo),
            action_flag=CHANGE,
        )

        close(cleo)

        assert LogEntry.objects.get().object_repr == f"— #{cleo.number}"

    def test_frees_phone_and_external_id_for_a_new_member(self, cleo: Member) -> None:
        close(cleo)

        again = enrolment.enrol(
            newcomer=enrolment.Newcomer(phone="+8613800000009", external_id="crm-9"), at=LATER
        )

        assert again.pk != cleo.pk
        assert again.number != cleo.number
        login = logins.of_phone(phone="+8613800000009")
        assert login is not None
        assert (login.username, login.is_active) == (again.number, True)

    def test_makes_the_referral_code_unknown(self, cleo: Member) -> None:
        close(cleo)

        with pytest.raises(InvalidInput) as problem:
            enrolment.enrol(
                newcomer=enrolment.Newcomer(
                    phone="+8613800000008", referral_code=cleo.referral_code
                ),
                at=LATER,
            )

        assert problem.value.pointer == "/referral_code"
