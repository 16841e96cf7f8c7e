"""What every portal page knows: the program (its name is the brand, its zone the clock) and the display."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from loyalty import programs
from members.portal import display

WITHOUT_PROGRAM = ("/api/", "/healthz")


class ProgramMiddleware:
    """Give pages and console their program and let them run in its time zone.

    Read once per request, and only where a view was found: the page for "not found" asks for it itself.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.program = SimpleLazyObject(programs.current)  # type: ignore[attr-defined]
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(self, request: HttpRequest, *_: Any) -> None:
        if not request.path.startswith(WITHOUT_PROGRAM):
            timezone.activate(request.program.zone)  # type: ignore[attr-defined]


def portal(request: HttpRequest) -> dict[str, object]:
    """Context processor: `program` and `display`."""
    return {"program": getattr(request, "program", None), "display": display.of(request)}
