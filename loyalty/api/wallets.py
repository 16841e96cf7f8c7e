"""A member's points: figures, lots, history and tier."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from loyalty import queries
from loyalty.api.answers import EntryAnswer, LotAnswer, WalletAnswer
from loyalty.models import Entry
from loyalty.queries import OpenLot
from members import queries as member_queries
from members.api import pages
from members.api.endpoint import Endpoint
from members.api.filters import MomentFilter

KINDS = (
    "earn reverse redeem return expire adjust transfer_in transfer_out fee merge donate buy_back"
)
ENDLESS = 2**62


class WalletView(Endpoint):
    scopes = {"GET": "read"}

    @extend_schema(summary=_("A member's wallet"), responses=WalletAnswer)
    def get(self, request: Request, number: str) -> Response:
        member = member_queries.by_number(number)
        figures = queries.figures(member=member, at=timezone.now())
        return Response(WalletAnswer(figures).data)


class LotsView(Endpoint):
    scopes = {"GET": "read"}
    pagination_class = pages.KeysetPages

    @extend_schema(
        summary=_("The lots that are left, in spending order"), responses=LotAnswer(many=True)
    )
    def get(self, request: Request, number: str) -> Response:
        member = member_queries.by_number(number)
        lots = queries.lots_of(member=member, at=timezone.now())
        rows, following = pages.page(request, lots, _spending_key)
        return Response({"results": LotAnswer(rows, many=True).data, "next": following})


def _spending_key(lot: OpenLot) -> pages.Key:
    """Soonest expiry first, endless last; then the oldest."""
    expires = ENDLESS if lot.expires_at is None else int(lot.expires_at.timestamp() * 1_000_000)
    return expires, int(lot.active_from.timestamp() * 1_000_000), lot.id


class EntryFilter(django_filters.FilterSet):  # type: ignore[misc]
    """By kind and business time, `from` inclusive, `to` exclusive."""

    kind = django_filters.ChoiceFilter(choices=[(kind, kind) for kind in KINDS.split()])
    to = MomentFilter(field_name="at", lookup_expr="lt")

    class Meta:
        model = Entry
        fields = ("kind", "to")


# `from` is a word of Python's own and cannot stand in the class body.
EntryFilter.base_filters["from"] = MomentFilter(field_name="at", lookup_expr="gte")


class EntryPages(pages.KeysetPages):
    keys = ("-sequence",)


class EntriesView(Endpoint):
    scopes = {"GET": "read"}
    pagination_class = EntryPages
    filter_backends = (DjangoFilterBackend,)
    filterset_class = EntryFilter

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):
            return Entry.objects.none()
        return queries.entries_of(member=member_queries.by_number(self.kwargs["number"]))

    @extend_schema(
        summary=_("The history, latest posting first"), responses=EntryAnswer(many=True)
    )
    def get(self, request: Request, number: str) -> Response:
        return self.listed(EntryAnswer)
