"""The id of a request: in the answer's X-Request-Id, in problem documents and in the log."""

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-Id"
ACCEPTABLE = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


def request_ids(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Middleware: keep the id that the caller sent, make one otherwise, and send it back."""

    def answer(request: HttpRequest) -> HttpResponse:
        request.META["REQUEST_ID"] = _id_of(request)
        response = get_response(request)
        response[HEADER] = request.META["REQUEST_ID"]
        return response

    return answer


def _id_of(request: HttpRequest) -> str:
    sent = request.headers.get(HEADER, "")
    return sent if ACCEPTABLE.fullmatch(sent) else str(uuid.uuid4())
