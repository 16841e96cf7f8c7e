"""Partners' codes: a CSV file fills a reward's pool."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from members.api.access import signature_of
from members.api.endpoint import Endpoint
from members.api.fields import WholeField
from members.api.once import once
from rewards import pool_files, pools
from rewards.pools import Added


class CsvParser(BaseParser):
    """The bytes of a CSV file, one letter each, so that they can be compared when a request is repeated."""

    media_type = "text/csv"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body: bytes = stream.read(pool_files.LARGEST + 1)
        if len(body) > pool_files.LARGEST:
            raise RequestDataTooBig
        return body.decode("latin-1")


class TextParser(CsvParser):
    """The same, sent as plain text."""

    media_type = "text/plain"


class AddedAnswer(serializers.Serializer[Added]):
    """How many codes were added, how many stood in the file or in a pool before (and where), and what is free now."""

    added = WholeField()
    duplicates = serializers.SerializerMethodField()
    duplicate_lines = serializers.ListField(child=WholeField())
    free = WholeField()

    def get_duplicates(self, added: Added) -> int:
        return len(added.duplicate_lines)


class CodesView(Endpoint):
    scopes = {"POST": "manage"}
    parser_classes = (CsvParser, TextParser)

    @extend_schema(
        summary=_("Fill a pool of partner's codes: code[,expires_at], with a header line or none"),
        request={"text/csv": {"type": "string"}},
        responses={201: AddedAnswer},
    )
    @once
    def post(self, request: Request, code: str) -> Response:
        added = pools.add(
            reward=code,
            file=str(request.data).encode("latin-1"),
            by=signature_of(request),
            at=timezone.now(),
        )
        return Response(AddedAnswer(added).data, status=status.HTTP_201_CREATED)
