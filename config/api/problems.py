"""The only place that turns exceptions into answers: RFC 9457 `application/problem+json`."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404
from django.utils.encoding import force_str
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg import errors as postgres_errors
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.settings import api_settings

from members.errors import Conflict, InvalidInput, NotAllowed, NotFound, Refusal, SlowedDown

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER = {"Retry-After": "1"}
# Codes of bad input that stand for the whole request, wherever they were found.
TELLING_CODES = ("out_of_range", "self_referral")
TITLES = {
    400: gettext_lazy("Bad input"),
    401: gettext_lazy("No valid API key"),
    403: gettext_lazy("Not allowed"),
    404: gettext_lazy("Not found"),
    405: gettext_lazy("Method not allowed"),
    406: gettext_lazy("Not available in this format"),
    409: gettext_lazy("Conflict"),
    411: gettext_lazy("Length missing"),
    413: gettext_lazy("Body too large"),
    415: gettext_lazy("Not JSON"),
    422: gettext_lazy("Refused"),
    429: gettext_lazy("Too many requests"),
    500: gettext_lazy("Internal error"),
    503: gettext_lazy("Try again"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What went wrong: HTTP status, stable code, a sentence; for bad input the places."""

    status: int
    code: str
    detail: str
    errors: tuple[dict[str, str], ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def answer(exception: Exception, context: Mapping[str, Any]) -> Response:
    """The answer to an exception (DRF's EXCEPTION_HANDLER)."""
    request = context.get("request")
    request_id = "" if request is None else request.META.get("REQUEST_ID", "")
    problem = problem_of(exception)
    if problem.status >= 500:
        level = logging.ERROR if problem.status == 500 else logging.WARNING
        # Never the exception's text in the answer: it may hold SQL or personal data.
        logger.log(level, "request %s: %s", request_id, problem.code, exc_info=exception)
    return Response(
        document(problem, request_id),
        status=problem.status,
        headers=dict(problem.headers),
        content_type=CONTENT_TYPE,
    )


def document(problem: Problem, request_id: str) -> dict[str, Any]:
    """The problem as JSON has it."""
    found = {
        "type": f"urn:jifen:problem:{problem.code}",
        "title": force_str(TITLES.get(problem.status, TITLES[400])),
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request_id,
        **problem.data,
    }
    return found | ({"errors": list(problem.errors)} if problem.errors else {})


@singledispatch
def problem_of(exception: Exception) -> Problem:
    """What an exception means to the caller; unknown ones are our fault (500)."""
    detail = _("Something unexpected went wrong here. The request changed nothing; send it again.")
    return Problem(status=500, code="internal_error", detail=detail)


@problem_of.register
def _refused(refusal: Refusal) -> Problem:
    return Problem(status=422, code=refusal.code, detail=str(refusal), data=refusal.data)


@problem_of.register
def _conflicting(conflict: Conflict) -> Problem:
    return Problem(status=409, code=conflict.code, detail=str(conflict), data=conflict.data)


@problem_of.register
def _not_allowed(denied: NotAllowed) -> Problem:
    return Problem(status=403, code=denied.code, detail=str(denied), data=denied.data)


@problem_of.register
def _slowed(slowed: SlowedDown) -> Problem:
    headers = {"Retry-After": str(slowed.data["retry_after"])}
    return Problem(
        status=429, code=slowed.code, detail=str(slowed), data=slowed.data, headers=headers
    )


@problem_of.register
def _not_found(missing: NotFound) -> Problem:
    errors = (_error(missing.pointer, "not_found", str(missing)),) if missing.pointer else ()
    return Problem(status=404, code="not_found", detail=str(missing), errors=errors)


@problem_of.register
def _not_acceptable(bad: InvalidInput) -> Problem:
    errors = (_error(bad.pointer, bad.code, bad.detail),)
    return Problem(status=400, code=bad.code, detail=bad.detail, errors=errors)


@problem_of.register
def _not_valid(bad: exceptions.ValidationError) -> Problem:
    errors = tuple(_errors(bad.detail, ""))
    telling = [error for error in errors if error["code"] in TELLING_CODES]
    first = (telling or list(errors))[0]
    detail = f"{first['pointer']}: {first['detail']}" if first["pointer"] else first["detail"]
    code = first["code"] if telling else "invalid_input"
    return Problem(status=400, code=code, detail=detail, errors=errors)


@problem_of.register
def _http_problem(known: exceptions.APIException) -> Problem:
    codes = known.get_codes()
    wait = getattr(known, "wait", None)
    challenge = getattr(known, "auth_header", None)
    headers = {"Retry-After": str(int(wait))} if wait else {}
    return Problem(
        status=known.status_code,
        code=codes if isinstance(codes, str) else known.default_code,
        detail=force_str(known.detail),
        headers=headers | ({"WWW-Authenticate": challenge} if challenge else {}),
    )


@problem_of.register
def _no_key(_missing: exceptions.NotAuthenticated) -> Problem:
    detail = _("Send an API key in the header: Authorization: Api-Key <key>.")
    headers = {"WWW-Authenticate": "Api-Key"}
    return Problem(status=401, code="not_authenticated", detail=detail, headers=headers)


@problem_of.register
def _not_json(_wrong: exceptions.UnsupportedMediaType) -> Problem:
    detail = _("Send the body as JSON with the header Content-Type: application/json.")
    return Problem(status=415, code="unsupported_media_type", detail=detail)


@problem_of.register
def _no_such_page(_missing: Http404) -> Problem:
    detail = _("There is nothing at this address. Addresses do not end with a slash.")
    return Problem(status=404, code="not_found", detail=detail)


@problem_of.register
def _forbidden(_denied: PermissionDenied) -> Problem:
    detail = _("The key may not do this.")
    return Problem(status=403, code="permission_denied", detail=detail)


@problem_of.register
def _too_big(_big: RequestDataTooBig) -> Problem:
    detail = _("The body is larger than 5 MB. Send it in several requests.")
    return Problem(status=413, code="body_too_large", detail=detail)


@problem_of.register(OperationalError)
@problem_of.register(InterfaceError)
def _database_busy(_busy: Exception) -> Problem:
    detail = _("The data is in use elsewhere at this moment. Nothing was changed; send it again.")
    return Problem(status=503, code="try_again", detail=detail, headers=RETRY_AFTER)


@problem_of.register
def _too_large(error: DataError) -> Problem:
    if isinstance(error.__cause__, postgres_errors.NumericValueOutOfRange):
        detail = _("A number is too large.")
        errors = (_error("", "out_of_range", detail),)
        return Problem(status=400, code="out_of_range", detail=detail, errors=errors)
    return problem_of.dispatch(Exception)(error)


def _errors(detail: Any, pointer: str) -> Iterator[dict[str, str]]:
    """Each error with its JSON pointer, out of DRF's nested dicts and lists."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _errors(inner, pointer + _step(name))
    elif isinstance(detail, list | tuple):
        for position, inner in enumerate(detail):
            is_place = isinstance(inner, Mapping | list)
            yield from _errors(inner, f"{pointer}/{position}" if is_place else pointer)
    else:
        yield _error(pointer, getattr(detail, "code", "invalid"), force_str(detail))


def _step(name: object) -> str:
    if name == api_settings.NON_FIELD_ERRORS_KEY:
        return ""
    return "/" + str(name).replace("~", "~0").replace("/", "~1")


def _error(pointer: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "detail": detail}
