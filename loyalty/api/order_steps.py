"""Where an order has got to."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from loyalty import order_steps
from loyalty.api.answers import OrderAnswer
from loyalty.api.orders import shown
from members.api.endpoint import Endpoint
from members.api.fields import Input, example
from members.api.moments import PastMomentField
from members.api.once import once

STATUSES = [(step.value, step.label) for step in order_steps.STEPS]


@example({"status": "shipped", "at": "2026-11-22T09:00:00+08:00"})
class StepInput(Input):
    """A status that the order reached; without `at` it did so now."""

    status = serializers.ChoiceField(choices=STATUSES, help_text=_("The status that it reached."))
    at = PastMomentField(
        allow_null=True, default=None, help_text=_("When it happened; left out: now.")
    )


class StatusView(Endpoint):
    scopes = {"POST": "earn"}

    @extend_schema(
        summary=_("Tell that an order was paid, shipped, completed or cancelled"),
        request=StepInput,
        responses={200: OrderAnswer},
    )
    @once
    def post(self, request: Request, source: str, number: str) -> Response:
        said: dict[str, Any] = self.read(StepInput)
        order = order_steps.advance(
            source=source, number=number, status=said["status"], at=said["at"], now=timezone.now()
        )
        return Response(shown([order])[0])
