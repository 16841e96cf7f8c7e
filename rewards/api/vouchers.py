"""Vouchers: looked at and used at the till."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from members.api.access import signature_of
from members.api.endpoint import Endpoint
from members.api.fields import Input, TextField
from members.api.once import once
from rewards import queries, vouchers
from rewards.api.answers import VoucherCheckAnswer


class UseInput(Input):
    """Where it is used; the same `reference` again is the same use."""

    store = TextField(max_length=50, allow_null=True, default=None)
    reference = TextField(max_length=100, allow_blank=True, default="")


class VoucherView(Endpoint):
    scopes = {"GET": "read"}

    @extend_schema(
        summary=_("A voucher; the code ignores case, blanks and dashes"),
        responses=VoucherCheckAnswer,
    )
    def get(self, request: Request, code: str) -> Response:
        return Response(VoucherCheckAnswer(queries.voucher(code)).data)


class UseView(Endpoint):
    scopes = {"POST": "spend"}

    @extend_schema(
        summary=_("Use a voucher, once"), request=UseInput, responses={200: VoucherCheckAnswer}
    )
    @once
    def post(self, request: Request, code: str) -> Response:
        said = self.read(UseInput)
        used = vouchers.use(code=code, used_by=signature_of(request), at=timezone.now(), **said)
        return Response(VoucherCheckAnswer(used).data)
