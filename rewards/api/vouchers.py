"""Vouchers: looked at, used, given away and voided by their code; whoever guesses codes is slowed."""

from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from members.api.access import client_of, signature_of
from members.api.endpoint import Endpoint
from members.api.fields import Input, TextField
from members.api.once import once
from rewards import guessing, queries, voucher_gifts, vouchers
from rewards.api.answers import VoucherCheckAnswer
from rewards.voucher_errors import VoucherNotFound
from rewards.voucher_gifts import GiftRequest


class UseInput(Input):
    """Where and for which order it is used; the same `reference` again is the same use."""

    store = TextField(max_length=50, allow_null=True, default=None)
    reference = TextField(max_length=100, allow_blank=True, default="")
    order = TextField(max_length=151, allow_null=True, default=None)


class GiveInput(Input):
    """To which member (number); the same `reference` again is the same gift. Both read the `message`."""

    to = TextField(max_length=20)
    reference = TextField(max_length=100, allow_blank=True, default="")
    message = TextField(max_length=200, allow_blank=True, default="")


class VoidInput(Input):
    """Why; people read it at the till."""

    reason = TextField(max_length=200)


class CodeEndpoint(Endpoint):
    """A view that a voucher's code leads to: 429 for a while after many codes that do not exist."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        guessing.check(subject=_subject(request), at=timezone.now())

    def handle_exception(self, exc: Exception) -> Response:
        # Here, not where it is raised: what the request wrote has been undone by now.
        if isinstance(exc, VoucherNotFound):
            guessing.miss(subject=_subject(self.request), at=timezone.now())
        answer: Response = super().handle_exception(exc)
        return answer


def _subject(request: Request) -> str:
    return f"key:{client_of(request).prefix}"


class VoucherView(CodeEndpoint):
    scopes = {"GET": "read"}

    @extend_schema(
        summary=_("A voucher; the code ignores case, blanks and dashes"),
        responses=VoucherCheckAnswer,
    )
    def get(self, request: Request, code: str) -> Response:
        return Response(VoucherCheckAnswer(queries.voucher(code)).data)


class UseView(CodeEndpoint):
    scopes = {"POST": "spend"}

    @extend_schema(
        summary=_("Use a voucher, once"), request=UseInput, responses={200: VoucherCheckAnswer}
    )
    @once
    def post(self, request: Request, code: str) -> Response:
        said = self.read(UseInput)
        used = vouchers.use(code=code, used_by=signature_of(request), at=timezone.now(), **said)
        return Response(VoucherCheckAnswer(used).data)


class GiveView(CodeEndpoint):
    scopes = {"POST": "spend"}

    @extend_schema(
        summary=_("Give a voucher to another member"),
        request=GiveInput,
        responses={200: VoucherCheckAnswer},
    )
    @once
    def post(self, request: Request, code: str) -> Response:
        gift = GiftRequest(code=code, **self.read(GiveInput))
        given = voucher_gifts.give(request=gift, by=signature_of(request), at=timezone.now())
        return Response(VoucherCheckAnswer(given.voucher).data)


class VoidView(CodeEndpoint):
    scopes = {"POST": "manage"}

    @extend_schema(
        summary=_("Make a voucher worthless, with a reason; the points stay spent"),
        request=VoidInput,
        responses={200: VoucherCheckAnswer},
    )
    @once
    def post(self, request: Request, code: str) -> Response:
        voided = vouchers.void_one(
            code=code, by=signature_of(request), at=timezone.now(), **self.read(VoidInput)
        )
        return Response(VoucherCheckAnswer(voided).data)
