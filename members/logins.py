"""Logins of members: a phone number that answered a code opens one.

A member made by a till or an import gets the login at the first sign-in. A number that belongs to
nobody gets a login without a member, so that known and unknown numbers cannot be told apart; it becomes
a member's when the newcomer has agreed to the terms.
"""

from datetime import datetime

from django.contrib.auth.hashers import make_password

from members import enrolment, transactions
from members.errors import AlreadyEnrolled
from members.models import Member, User

NEWCOMER = "new+"


def is_newcomer(login: User) -> bool:
    """Whether the login proved a phone number but belongs to no member yet."""
    return login.username.startswith(NEWCOMER) and not _is_staff(login)


def phone_of(newcomer: User) -> str:
    """The number that a newcomer proved to own."""
    return newcomer.username.removeprefix("new")


def of_phone(*, phone: str) -> User | None:
    """The login that a code sent to this number opens, made when there is none.

    None where the login is a staff member's: a text message never opens the console.
    """
    member = Member.objects.select_related("user").filter(phone=phone).first()
    login = _of_member(member) if member else _named(f"new{phone}")
    return None if _is_staff(login) else login


def join(*, newcomer: enrolment.Newcomer, login: User, at: datetime) -> Member:
    """Enrol the owner of the login; a till that enrolled the number meanwhile has been first."""

    def work() -> Member:
        try:
            member = enrolment.enrol(newcomer=newcomer, at=at)
        except AlreadyEnrolled:
            member = Member.objects.get(phone=newcomer.phone)
        _link(member, login)
        return member

    return transactions.in_transaction(work)


def forget_newcomer(*, phone: str) -> None:
    """Delete what is left of a login that proved a number before it was a member's."""
    User.objects.filter(username=f"new{phone}", member=None, is_staff=False).delete()


def _of_member(member: Member) -> User:
    if member.user is not None:
        return member.user
    login = _named(member.number)
    if not _is_staff(login):
        Member.objects.filter(pk=member.pk, user=None).update(user=login)
    return login


def _named(username: str) -> User:
    unusable = {"password": make_password(None)}
    return User.objects.get_or_create(username=username, defaults=unusable)[0]


def _link(member: Member, login: User) -> None:
    login.username = member.number
    login.save(update_fields=["username"])
    Member.objects.filter(pk=member.pk, user=None).update(user=login)


def _is_staff(login: User) -> bool:
    return login.is_staff or login.is_superuser
