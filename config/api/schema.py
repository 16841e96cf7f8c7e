"""What the OpenAPI document says of every operation alike: the key's header and the problems."""

from typing import Any

from django.utils.encoding import force_str
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from config.api.problems import CONTENT_TYPE, TITLES
from members.api.once import HEADER, LONGEST_KEY

ALWAYS = (401, 403, 404, 503)
WITH_BODY = (400, 409, 411, 413, 415)
LISTS = (400,)


class PlaceAnswer(serializers.Serializer[Any]):
    """One thing that is wrong with the input; `pointer` is a JSON pointer into the body."""

    pointer = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemAnswer(serializers.Serializer[Any]):
    """RFC 9457. Refusals carry more beside `code`, such as `needed` and `available`."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    request_id = serializers.CharField()
    errors = PlaceAnswer(many=True, required=False)  # type: ignore[assignment]


class Schema(AutoSchema):
    """Adds what all operations share, so that no view has to say it."""

    def get_override_parameters(self) -> list[Any]:
        parameters: list[Any] = [ACCEPT_LANGUAGE]
        if self.method in {"POST", "PATCH"}:
            parameters.append(_key_header(is_required=self.method == "POST"))
            parameters.append(REPLAYED)
        return parameters

    def get_description(self) -> str:  # type: ignore[override]
        scopes = getattr(self.view, "scopes", {}).get(self.method, "").split()
        either = force_str(_(" or ")).join(f"`{scope}`" for scope in scopes)
        return force_str(_("Scope: %(scope)s") % {"scope": either}) if scopes else ""

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        for code in self._problem_codes():
            answer = self._get_response_for_code(  # type: ignore[no-untyped-call]
                ProblemAnswer, str(code), [CONTENT_TYPE], direction
            )
            bodies[str(code)] = answer | {"description": force_str(TITLES[code])}
        return bodies

    def _problem_codes(self) -> list[int]:
        codes = [*ALWAYS]
        if self.method in {"POST", "PATCH"}:
            codes += WITH_BODY
        if self.method == "POST":
            codes.append(422)
        if self._is_list_view():
            codes += LISTS
        return sorted(codes)


def introduce(result: dict[str, Any], **_context: Any) -> dict[str, Any]:
    """Say at the top of the document what holds for every operation."""
    result["info"]["description"] = "\n\n".join(force_str(each) for each in INTRODUCTION)
    return result


INTRODUCTION = (
    _(
        "For tills, shops, CRM and back-office scripts: server to server, JSON, never from a browser."
    ),
    _("Times are RFC 3339 with an offset. Points are integers. Money and rates are strings."),
    _(
        "Every POST carries an Idempotency-Key. A repeat gets the stored answer, so after a timeout "
        "send the same request with the same key again."
    ),
    _(
        "In a POST, null for a field that may be left out counts as left out where null has no meaning "
        "of its own, and fields that are not known are passed over."
    ),
    _("Errors are problem documents (RFC 9457) with a stable `code`; `detail` is for people."),
    _("Lists are pages: follow the address in `next` until it is null."),
)
ACCEPT_LANGUAGE = OpenApiParameter(
    "Accept-Language",
    {"type": "string", "enum": ["zh-hans", "en"], "default": "zh-hans"},
    OpenApiParameter.HEADER,
    description=_("The language of titles and details."),
)
REPLAYED = OpenApiParameter(
    "Idempotent-Replayed",
    {"type": "string", "const": "true"},
    OpenApiParameter.HEADER,
    description=_(
        "Present when this is the stored answer to an earlier request with the same key."
    ),
    response=True,
)


def _key_header(*, is_required: bool) -> OpenApiParameter:
    return OpenApiParameter(
        HEADER,
        {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
        OpenApiParameter.HEADER,
        required=is_required,
        description=_("A new random text for each new request; a repeat gets the first answer."),
    )


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the OpenAPI document describes the key."""

    target_class = "members.api.access.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, object]:
        description = _("The word Api-Key, a blank and the key.")
        return {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": description,
        }
