"""How allauth finds a member's phone number, and how a code is delivered."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from members.models import Member, User
from members.portal import fields, sms


class PhoneAdapter(DefaultAccountAdapter):
    """Phone sign-in on the member record; allauth keeps codes, tries and limits."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "incorrect_code": _("That code is not right. Check the six digits and try again."),
        "too_many_login_attempts": _("Too many wrong codes. Please ask for a new one."),
    }

    def phone_form_field(self, **kwargs: Any) -> fields.PhoneField:
        return fields.PhoneField(**kwargs)

    def get_user_by_phone(self, phone: str) -> User | None:
        """Only looks; the form that asks for a code makes the login (`members.logins`)."""
        return User.objects.filter(member__phone=phone, is_staff=False).first()

    def get_phone(self, user: AbstractBaseUser) -> tuple[str, bool] | None:
        phone = Member.objects.filter(user_id=user.pk).values_list("phone", flat=True).first()
        return (phone, True) if phone else None

    def set_phone(self, user: AbstractBaseUser, phone: str, verified: bool) -> None:  # noqa: FBT001
        """The member record is the truth; its number changes through `enrolment.change`."""

    def set_phone_verified(self, user: AbstractBaseUser, phone: str) -> None:
        """A number counts as verified by opening the login that belongs to it."""

    def send_verification_code_sms(
        self, user: AbstractBaseUser, phone: str, code: str, **kwargs: Any
    ) -> None:
        sms.send_code(phone=phone, code=code)

    def get_login_stages(self) -> list[str]:
        return ["allauth.account.stages.LoginByCodeStage"]

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        messages.error(request, _("This login is switched off. Please ask customer service."))
        return redirect("account_login")

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """Only what went wrong: that a code was sent and a sign-in done, the pages say themselves."""
        if message:
            messages.add_message(request, level, message, extra_tags=extra_tags)
