"""Reading a request's body: JSON as RFC 8259 has it, and only such as the database can keep."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.utils.translation import gettext as _
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from members.errors import InvalidInput

DEEPEST = 32
CHUNK = 64 * 1024
# A client that sends far too much still gets to read the answer, as long as it is not endless.
SWALLOWED = 64 * 1024 * 1024


class StrictJSONParser(BaseParser):
    """JSON in UTF-8: no NaN, no name twice, no NUL, no half character, not nested without end."""

    media_type = "application/json"
    renderer_class = JSONRenderer

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        data = _loads(_text(_read(stream)))
        _check(data, ())
        return data


class JSONAlways(BaseContentNegotiation):
    """Answer in JSON whatever the client says it would like best."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return next((each for each in parsers if _media_type(request) == each.media_type), None)

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> Any:
        return renderers[0], renderers[0].media_type


def _media_type(request: Request) -> str:
    return (request.content_type or "").partition(";")[0].strip().lower()


def _read(stream: Any) -> bytes:
    body: bytes = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    if len(body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        swallowed = len(body)
        while swallowed < SWALLOWED and (chunk := stream.read(CHUNK)):
            swallowed += len(chunk)
        raise RequestDataTooBig
    return body


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse("", _("The body is not UTF-8: byte %(place)d.") % {"place": error.start + 1})


def _loads(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        place = {"line": error.lineno, "column": error.colno}
        _refuse("", _("The body is not JSON: line %(line)d, column %(column)d.") % place)
    except RecursionError:
        _refuse("", _("The body is nested too deeply."))
    except ValueError:
        _refuse("", _("The body holds a number with too many digits."))


def _refuse_constant(name: str) -> NoReturn:
    _refuse("", _("%(name)s is not JSON.") % {"name": name})


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _value in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        _refuse(
            "", _("The body uses the name %(name)s twice in one object.") % {"name": ascii(twice)}
        )
    return found


def _check(value: Any, path: tuple[str | int, ...]) -> None:
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, dict | list):
        if len(path) >= DEEPEST:
            _refuse("", _("The body is nested too deeply."))
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for name, item in items:
            if isinstance(name, str):
                _check_text(name, path)
            _check(item, (*path, name))


def _check_text(text: str, path: tuple[str | int, ...]) -> None:
    if "\0" in text or not _is_unicode(text):
        pointer = "".join(f"/{part}" for part in path).encode(errors="replace").decode()
        _refuse(pointer, _("The text contains a NUL or half a character (a lone surrogate)."))


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse(pointer: str, detail: str) -> NoReturn:
    raise InvalidInput(pointer, "malformed_json", detail)
