"""The `Idempotency-Key` of a request: `@once` around the method of a view."""

import functools
import hashlib
import json
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from django.db import transaction
from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from members import idempotency
from members.api.access import client_of
from members.api.endpoint import Endpoint
from members.errors import Conflict, InvalidInput, NotAllowed, Refusal

HEADER = "Idempotency-Key"
LONGEST_KEY = 255

P = ParamSpec("P")
Handler = Callable[Concatenate[Any, Request, P], Response]
Answered = Callable[Concatenate[Any, Request, P], HttpResponse]


def once(handler: Handler[P]) -> Answered[P]:
    """Do a POST's work once per key, in one transaction with the answer that is kept for repeats.

    Answers of 2xx and refusals (422) are kept; anything else undoes everything and frees the key. A PATCH
    may do without a key.
    """

    @functools.wraps(handler)
    def answered(
        view: Endpoint, request: Request, /, *args: P.args, **names: P.kwargs
    ) -> HttpResponse:
        key = _key_of(request)
        if key is None:
            return handler(view, request, *args, **names)
        claim = idempotency.Claim(client=client_of(request), key=key, digest=_digest(request))

        def work() -> idempotency.Answer:
            return _answer(view, lambda: handler(view, request, *args, **names))

        return _http(idempotency.answer_once(claim=claim, work=work))

    answered.is_done_once = True  # type: ignore[attr-defined]
    return answered


def _key_of(request: Request) -> str | None:
    key = request.headers.get(HEADER, "")
    if not key and request.method == "PATCH":
        return None
    if not key.strip() or "\0" in key:
        detail = _("Send an Idempotency-Key header: a new random text for each new request.")
        raise InvalidInput("", "idempotency_key_missing", detail)
    if len(key) > LONGEST_KEY:
        detail = _("The Idempotency-Key has more than %(most)d characters.")
        raise InvalidInput("", "idempotency_key_too_long", detail % {"most": LONGEST_KEY})
    return key


def _digest(request: Request) -> str:
    body = json.dumps(request.data, sort_keys=True, separators=(",", ":"))
    said = f"{request.method} {request.path}\n{body}"
    return hashlib.sha256(said.encode()).hexdigest()


def _answer(view: Endpoint, handler: Callable[[], Response]) -> idempotency.Answer:
    try:
        with transaction.atomic():
            response = handler()
    except (Conflict, NotAllowed):
        raise
    except Refusal as refusal:
        response = view.handle_exception(refusal)
    body = JSONRenderer().render(response.data).decode()
    return idempotency.Answer(status=response.status_code, body=body)


def _http(answer: idempotency.Answer) -> HttpResponse:
    is_problem = answer.status >= 400
    content_type = "application/problem+json" if is_problem else "application/json"
    response = HttpResponse(answer.body, status=answer.status, content_type=content_type)
    if answer.is_replayed:
        response["Idempotent-Replayed"] = "true"
    return response
