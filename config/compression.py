"""Answers travel compressed: pages, styles, scripts, drawings and what the API says."""

import os
from wsgiref.headers import Headers

from django.http import HttpRequest, HttpResponseBase
from django.middleware.gzip import GZipMiddleware

TEXTS = (
    "text/",
    "application/json",
    "application/problem+json",
    "application/javascript",
    "image/svg+xml",
)
# A part of a file is cut from what is not compressed; the others have no body.
NOT_WHOLE = (204, 206, 304)


class CompressionMiddleware(GZipMiddleware):
    """Compress texts for whoever can read that; what comes from the disk compressed stays as it is.

    Django adds a random number of bytes to each answer, so that its length tells little of what is in it (BREACH).
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """As Django's, but for pictures, parts of files and answers without a body."""
        is_text = response.get("Content-Type", "").startswith(TEXTS)
        if request.method == "HEAD" or response.status_code in NOT_WHOLE or not is_text:
            return response
        return super().process_response(request, response)


def tag_weakly(headers: Headers, path: str, _url: str) -> None:
    """Give a static file a tag that is good for it compressed or not, so that a browser that has it hears "not modified".

    WhiteNoise compares tags to the letter, and compressing makes its own, strong ones weak.
    """
    found = os.stat(path)
    headers["ETag"] = f'W/"{int(found.st_mtime):x}-{found.st_size:x}"'
