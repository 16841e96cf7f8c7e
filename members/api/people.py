"""Reading what is said about members, and what the API says of them."""

from datetime import date
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from members import phones, queries, tiering
from members.api.fields import (
    FlagField,
    Input,
    MultiplierField,
    ParsedTextField,
    TextField,
    example,
)
from members.api.moments import MomentField, PastDayField, PastMomentField
from members.enrolment import Newcomer
from members.errors import NotFound
from members.models import ApiClient, Member


class ClientInput(Input):
    """The device that the person signed up with."""

    ip = serializers.IPAddressField(
        allow_null=True, default=None, help_text=_("The device's IP address.")
    )
    device = TextField(
        max_length=200, allow_blank=True, default="", help_text=_("Details of the device.")
    )


class MemberChanges(Input):
    """What may be changed about a member."""

    phone = ParsedTextField(
        parse=phones.normalise,
        max_length=60,
        help_text=_("The phone number, with or without +86."),
    )
    email = TextField(
        max_length=254, allow_blank=True, required=False, help_text=_("The e-mail address.")
    )
    name = TextField(
        max_length=100, allow_blank=True, required=False, help_text=_("What the member is called.")
    )
    birthday = PastDayField(
        allow_null=True, required=False, help_text=_("The birthday, as YYYY-MM-DD.")
    )
    store = TextField(
        max_length=50,
        allow_null=True,
        required=False,
        help_text=_("The code of the store that the member belongs to."),
    )
    external_id = TextField(
        max_length=100,
        allow_null=True,
        required=False,
        help_text=_("The member's number in your own system, unique."),
    )
    consents = serializers.DictField(
        child=FlagField(),
        required=False,
        help_text=_("What the member agreed to: an object of names with true or false."),
    )
    tags = serializers.ListField(
        child=TextField(max_length=50),
        max_length=50,
        required=False,
        help_text=_("Marks of the member; segments may ask for them."),
    )


@example(
    {
        "phone": "13800138000",
        "name": "Lin",
        "birthday": "1990-05-01",
        "store": "SH-01",
        "consents": {"sms": True},
    }
)
class MemberInput(MemberChanges):
    """Somebody who enrols."""

    channel = TextField(
        max_length=50,
        allow_blank=True,
        required=False,
        help_text=_("Where the member enrolled, such as “app” or “till”."),
    )
    referral_code = TextField(
        max_length=50,
        allow_null=True,
        required=False,
        help_text=_("The referral code of the member who referred this one."),
    )
    enrolled_at = PastMomentField(
        allow_null=True, required=False, help_text=_("When it was; left out: now.")
    )
    client = ClientInput(required=False, help_text=_("The device that the person signed up with."))

    def newcomer(self) -> Newcomer:
        """The person as the verbs take them."""
        said = {**self.validated_data}
        client = said.pop("client", {})
        device = {name: client[name] for name in ("ip", "device") if name in client}
        return Newcomer(**said, **device)


class MemberTierAnswer(serializers.Serializer[Any]):
    """The tier that a member holds."""

    code = serializers.CharField()
    name = serializers.CharField()
    multiplier = MultiplierField()


class PersonAnswer(serializers.Serializer[Member]):
    """A member without the wallet; phone, e-mail and birthday are masked without the scope `personal`."""

    number = serializers.CharField()
    external_id = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    phone = serializers.SerializerMethodField()
    email = serializers.SerializerMethodField()
    birthday = serializers.SerializerMethodField()
    store = serializers.CharField(source="store.code", allow_null=True, default=None)
    status = serializers.ChoiceField(choices=Member.Status.choices)
    tier = MemberTierAnswer()
    referral_code = serializers.CharField()
    enrolled_at = MomentField()
    tags = serializers.ListField(child=serializers.CharField())

    @extend_schema_field({"type": ["string", "null"], "examples": ["+86138****8000"]})
    def get_phone(self, member: Member) -> str | None:
        return member.phone if self._is_personal else member.masked_phone

    @extend_schema_field({"type": "string", "examples": ["a***@example.com"]})
    def get_email(self, member: Member) -> str:
        return member.email if self._is_personal else _masked_email(member.email)

    @extend_schema_field({"type": ["string", "null"], "examples": ["1990-05-01", "****-**-**"]})
    def get_birthday(self, member: Member) -> str | None:
        return _shown_birthday(member.birthday, is_personal=self._is_personal)

    @property
    def _is_personal(self) -> bool:
        return ApiClient.Scope.PERSONAL in self.context["scopes"]


def _masked_email(email: str) -> str:
    name, at, domain = email.partition("@")
    return f"{name[:1]}***{at}{domain}" if email else ""


def _shown_birthday(birthday: date | None, *, is_personal: bool) -> str | None:
    if birthday is None:
        return None
    return birthday.isoformat() if is_personal else "****-**-**"


class MemberFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Find members: exactly by phone, e-mail, number or external id; all of a tier or a segment."""

    phone = django_filters.CharFilter(method="by_phone")
    email = django_filters.CharFilter(lookup_expr="iexact", max_length=254)
    number = django_filters.CharFilter(max_length=40)
    external_id = django_filters.CharFilter(max_length=100)
    tier = django_filters.CharFilter(method="by_tier")
    segment = django_filters.CharFilter(method="by_segment")

    class Meta:
        model = Member
        fields = ("phone", "email", "number", "external_id", "tier", "segment")

    def by_phone(self, members: QuerySet[Member], _name: str, text: str) -> QuerySet[Member]:
        # A plus sign that was not encoded in the address arrives as a blank.
        written = "+" + text[1:] if text.startswith(" ") else text
        try:
            return members.filter(phone=phones.normalise(written))
        except ValueError as error:
            raise serializers.ValidationError({"phone": [str(error)]}) from None

    def by_tier(self, members: QuerySet[Member], _name: str, code: str) -> QuerySet[Member]:
        tier = next((tier for tier in queries.tiers() if tier.code == code), None)
        if tier is None:
            raise serializers.ValidationError({"tier": [_("There is no such tier.")]})
        return tiering.holding(members=members, tier=tier, at=timezone.now())

    def by_segment(self, members: QuerySet[Member], _name: str, code: str) -> QuerySet[Member]:
        try:
            return queries.in_segment(members=members, code=code, at=timezone.now())
        except NotFound:
            detail = _("There is no such segment.")
            raise serializers.ValidationError({"segment": [detail]}) from None
