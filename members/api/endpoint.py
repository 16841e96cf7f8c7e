"""What every view of the API has in common."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from members.api.access import scopes_of


class LengthRequired(APIException):
    """A body that comes in chunks: its length has to be said beforehand."""

    status_code = 411
    default_code = "length_required"
    default_detail = _("Send the body in one piece, with a Content-Length header.")


class Endpoint(GenericAPIView[Any]):
    """A view that says which scopes each method needs: `scopes = {"GET": "read", "POST": "earn"}`."""

    scopes: ClassVar[Mapping[str, str]]
    http_method_names = ("get", "head", "post", "patch")

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if any("\0" in str(value) for value in kwargs.values()):
            raise Http404  # no name holds it, and the database would not take it
        if request.headers.get("Transfer-Encoding") and not request.headers.get("Content-Length"):
            raise LengthRequired

    def read(self, serializer_class: type[BaseSerializer[Any]]) -> dict[str, Any]:
        """The body as the serializer reads it; raises ValidationError."""
        serializer = serializer_class(
            data=self.request.data, context=self.get_serializer_context()
        )
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def read_changes(self, serializer_class: type[BaseSerializer[Any]]) -> dict[str, Any]:
        """The fields that a PATCH names; raises ValidationError."""
        context = self.get_serializer_context()
        serializer = serializer_class(data=self.request.data, partial=True, context=context)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def listed(self, serializer_class: type[BaseSerializer[Any]]) -> Response:
        """One page of the view's queryset, filtered as the query asks."""
        rows: Any = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        context = self.get_serializer_context()
        return self.get_paginated_response(serializer_class(rows, many=True, context=context).data)

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "scopes": scopes_of(self.request)}

    def problem(self, exception: Exception) -> dict[str, Any]:
        """The problem document of an exception, for answers that hold several results."""
        answer = self.get_exception_handler()(exception, self.get_exception_handler_context())
        assert answer is not None  # the handler answers every exception
        return dict(answer.data)
