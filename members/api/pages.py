"""Cursor pages: a list goes on after the last row seen, whatever was added meanwhile."""

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.db.models import Q
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

DEFAULT_SIZE = 50
LARGEST_SIZE = 200

Key = tuple[int, ...]


class KeysetPages(BasePagination):
    """`{"results": […], "next": "<url or null>"}` over a queryset.

    `keys` are integer columns, together unique, each ascending or, with a minus, descending.
    """

    keys: ClassVar[tuple[str, ...]] = ("-id",)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        size = _size(request)
        after = _cursor(request, len(self.keys))
        if after is not None:
            queryset = queryset.filter(self._beyond(after))
        rows = list(queryset.order_by(*self.keys)[: size + 1])
        self.next_url = _next_url(request, rows, size, self._key_of)
        return rows[:size]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.next_url})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        following = {"type": ["string", "null"], "format": "uri"}
        properties = {"results": schema, "next": following}
        return {"type": "object", "properties": properties, "required": ["results", "next"]}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {"name": "cursor", "in": "query", "schema": {"type": "string"}},
            {"name": "page_size", "in": "query", "schema": PAGE_SIZE_SCHEMA},
        ]

    def _key_of(self, row: Any) -> Key:
        return tuple(getattr(row, name.lstrip("-")) for name in self.keys)

    def _beyond(self, after: Key) -> Q:
        """The rows whose key comes after: (a, b) > (x, y) spelled out, each column in its direction."""
        beyond, equal = Q(), Q()
        for name, value in zip(self.keys, after, strict=True):
            column = name.lstrip("-")
            direction = "lt" if name.startswith("-") else "gt"
            beyond |= equal & Q(**{f"{column}__{direction}": value})
            equal &= Q(**{column: value})
        return beyond


PAGE_SIZE_SCHEMA = {
    "type": "integer",
    "minimum": 1,
    "maximum": LARGEST_SIZE,
    "default": DEFAULT_SIZE,
}
PAGE_PARAMETERS = [
    OpenApiParameter("cursor", str),
    OpenApiParameter("page_size", PAGE_SIZE_SCHEMA),
]


def page(
    request: Request, rows: Sequence[Any], key_of: Callable[[Any], Key]
) -> tuple[list[Any], str | None]:
    """One page of rows already at hand and sorted by their unique keys, and the address of the next."""
    size = _size(request)
    ahead = list(rows)
    if ahead:
        after = _cursor(request, len(key_of(ahead[0])))
        ahead = [row for row in ahead if after is None or key_of(row) > after]
    return ahead[:size], _next_url(request, ahead, size, key_of)


def _next_url(
    request: Request, rows: Sequence[Any], size: int, key_of: Callable[[Any], Key]
) -> str | None:
    if len(rows) <= size:
        return None
    text = json.dumps(key_of(rows[size - 1]), separators=(",", ":"))
    cursor = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    return replace_query_param(request.build_absolute_uri(), "cursor", cursor)


def _size(request: Request) -> int:
    text = request.query_params.get("page_size", str(DEFAULT_SIZE))
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < 1:
        raise ValidationError({"page_size": [_("Expected a whole number from 1 to 200.")]})
    return min(int(text), LARGEST_SIZE)


def _cursor(request: Request, length: int) -> Key | None:
    text = request.query_params.get("cursor", "")
    if not text:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        key = None
    if not isinstance(key, list) or len(key) != length or not all(map(_is_key, key)):
        detail = _("This cursor is not one of ours: follow the address in `next` as it is.")
        raise ValidationError({"cursor": [detail]})
    return tuple(key)


def _is_key(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
