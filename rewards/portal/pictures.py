"""The pictures of rewards: at an address that names their content, so that they may be kept for ever."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from rewards import pictures

A_YEAR = 365 * 24 * 60 * 60


@require_safe
def picture(request: HttpRequest, code: str, digest: str) -> HttpResponse:
    """One picture, for everybody; another picture of the reward has another address."""
    body = pictures.find(code=code, digest=digest)
    if body is None:
        raise Http404
    response = HttpResponse(body, content_type="image/webp")
    response["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    response["ETag"] = f'"{digest}"'
    return response
