"""What is in a member's inbox."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from members import messages, queries
from members.api import pages
from members.api.endpoint import Endpoint
from members.api.moments import MomentField
from members.api.once import once
from members.models import Message


class WordsAnswer(serializers.Serializer[Any]):
    """A message in one language."""

    title = serializers.CharField()
    body = serializers.CharField()


class TextsAnswer(serializers.Serializer[Any]):
    """A message in Chinese and in English."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {"zh-hans": WordsAnswer(), "en": WordsAnswer()}


class MessageAnswer(serializers.Serializer[Message]):
    """A message; `link` is a path of the members' pages, empty where there is nothing to go on to."""

    id = serializers.IntegerField()
    template = serializers.CharField()
    texts = TextsAnswer()
    link = serializers.CharField(allow_blank=True)
    sent_at = MomentField()
    read_at = MomentField(allow_null=True)


class MessagesView(Endpoint):
    scopes = {"GET": "read"}
    pagination_class = pages.KeysetPages

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return Message.objects.none()
        return queries.messages_of(queries.by_number(self.kwargs["number"]))

    @extend_schema(
        summary=_("The messages of a member, the latest first"),
        responses=MessageAnswer(many=True),
    )
    def get(self, request: Request, number: str) -> Response:
        return self.listed(MessageAnswer)


class ReadView(Endpoint):
    scopes = {"POST": "earn"}

    @extend_schema(
        summary=_("Mark a message as read"), request=None, responses={200: MessageAnswer}
    )
    @once
    def post(self, request: Request, number: str, id: int) -> Response:
        member = queries.by_number(number)
        found = queries.message(member=member, pk=id)
        messages.read(member=member, message=found.pk, at=timezone.now())
        found.refresh_from_db()
        return Response(MessageAnswer(found).data)
