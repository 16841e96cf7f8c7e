"""A member's tier with what its benefits have given: composed here, because only `config` knows both apps."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from campaigns import benefits
from loyalty import tiers
from loyalty.api.answers import BenefitAnswer, StandingAnswer
from members import queries
from members.api.endpoint import Endpoint
from members.api.fields import WholeField
from members.api.moments import MomentField


class GivenBenefitAnswer(BenefitAnswer):
    """A benefit; once it was given for the period that now is, when, and how many of its vouchers are used and left."""

    granted_at = MomentField(required=False)
    used = WholeField(required=False)
    left = WholeField(required=False)


class MemberStandingAnswer(StandingAnswer):
    """A member's tier, the way to the next, and what the tier gives and has given."""

    benefits = serializers.SerializerMethodField()  # type: ignore[assignment]

    @extend_schema_field(GivenBenefitAnswer(many=True))
    def get_benefits(self, standing: Any) -> list[dict[str, Any]]:
        return [{**benefit, **self._given(benefit["code"])} for benefit in standing.tier.benefits]

    def _given(self, code: str) -> dict[str, Any]:
        given = self.context["given"].get(code)
        if given is None:
            return {}
        moment = MomentField().to_representation(given.granted_at)
        return {"granted_at": moment, "used": given.used, "left": given.left}


class MemberTierView(Endpoint):
    scopes = {"GET": "read"}

    @extend_schema(
        summary=_("A member's tier and the way to the next"), responses=MemberStandingAnswer
    )
    def get(self, request: Request, number: str) -> Response:
        member, at = queries.by_number(number), timezone.now()
        standing = tiers.standing(member=member, at=at)
        given = benefits.given(member=member, tier=standing.tier, at=at)
        return Response(MemberStandingAnswer(standing, context={"given": given}).data)
