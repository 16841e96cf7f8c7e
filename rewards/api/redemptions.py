"""Redemptions: a reward for points, drafts of it, handing it over and calling it off."""

import django_filters
from django.db.models import Q, QuerySet, prefetch_related_objects
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from members import queries as member_queries
from members.api import pages
from members.api.access import signature_of
from members.api.endpoint import Endpoint
from members.api.fields import FlagField, Input, TextField, WholeField, example
from members.api.once import once
from rewards import drafts, fulfilment, queries, redemption, timeouts
from rewards.api.answers import RedemptionAnswer, RedemptionListAnswer
from rewards.fulfilment import Parcel
from rewards.models import Redemption, Reward
from rewards.redemption import RedemptionRequest

MOST_PIECES = 1_000
State = Redemption.State


@example(
    {
        "member": "100000000001",
        "reward": "mug",
        "variant": "green",
        "quantity": 1,
        "expected_points": 3600,
        "reference": "shop-1",
        "delivery": "shipping",
        "address": {"name": "Lin", "phone": "13800138000", "address": "1 Nanjing Road, Shanghai"},
    }
)
class RedemptionInput(Input):
    """Which reward for whom; `reference` is the caller's own number, unique for this member for ever.

    `expected_points` is the price that the member was told, for all pieces: where it is another by now, nothing is
    redeemed (422 `price_changed` with `shown` and `now`); left out, the price of the moment is taken. `draft` keeps
    points, stock and limit for a while, until `issue` or time-out. A gift that is sent needs an `address` with name,
    phone and address.
    """

    member = TextField(max_length=20, help_text=_("A member's number, as shown in the console."))
    reward = TextField(max_length=50, help_text=_("The reward's code."))
    variant = TextField(
        max_length=50,
        allow_null=True,
        default=None,
        help_text=_(
            "The code of the variant or session; needed where the reward says `needs_variant`."
        ),
    )
    offer = TextField(
        max_length=50,
        allow_null=True,
        default=None,
        help_text=_(
            "The code of the offer that the member saw; left out: the one that runs now, if any."
        ),
    )
    quantity = WholeField(least=1, most=MOST_PIECES, default=1, help_text=_("How many pieces."))
    expected_points = WholeField(
        allow_null=True,
        default=None,
        help_text=_("The price that the member was told, in points for all pieces."),
    )
    reference = TextField(
        max_length=100,
        help_text=_(
            "Your own number for it, unique for this member for ever: sending it again has "
            "no further effect."
        ),
    )
    store = TextField(
        max_length=50,
        allow_null=True,
        default=None,
        help_text=_("The code of the store where it is redeemed or picked up."),
    )
    delivery = serializers.ChoiceField(
        choices=[Reward.Delivery.PICK_UP, Reward.Delivery.SHIPPING],
        allow_null=True,
        default=None,
        help_text=_("How a gift comes: picked up or sent; left out: as the reward says."),
    )
    address = serializers.DictField(
        allow_null=True,
        default=None,
        help_text=_(
            "Where a gift is sent: an object with `name`, `phone` and `address`, all texts."
        ),
    )
    draft = FlagField(
        default=False,
        help_text=_(
            "true: keep points, stock and limit for a while, to be issued or called off later."
        ),
    )


@example({"carrier": "SF", "tracking": "SF1234567890"})
class FulfilInput(Input):
    """Who carries it, and the number it is found by; again, they are changed."""

    carrier = TextField(
        max_length=100, allow_blank=True, default="", help_text=_("Who carries the parcel.")
    )
    tracking = TextField(
        max_length=100,
        allow_blank=True,
        default="",
        help_text=_("The number that the parcel is found by."),
    )


class RedemptionFilter(django_filters.FilterSet):  # type: ignore[misc]
    """Of one member (number); in one state, in which drafts that have timed out are `expired`."""

    member = django_filters.CharFilter(method="by_member")
    state = django_filters.ChoiceFilter(choices=State.choices, method="by_state")

    class Meta:
        model = Redemption
        fields = ("member", "state")

    def by_member(
        self, found: QuerySet[Redemption], _name: str, number: str
    ) -> QuerySet[Redemption]:
        return found.filter(member=member_queries.by_number(number, "/member"))

    def by_state(
        self, found: QuerySet[Redemption], _name: str, state: str
    ) -> QuerySet[Redemption]:
        over = timeouts.over(timezone.now())
        if state == State.EXPIRED:
            return found.filter(Q(state=state) | over)
        return found.filter(state=state).exclude(over)


class NewestFirst(pages.KeysetPages):
    keys = ("-id",)


class RedemptionsView(Endpoint):
    scopes = {"GET": "read", "POST": "spend"}
    queryset = queries.redemptions().prefetch_related("vouchers")
    pagination_class = NewestFirst
    filter_backends = (DjangoFilterBackend,)
    filterset_class = RedemptionFilter

    @extend_schema(
        summary=_("Redemptions, the newest first"), responses=RedemptionListAnswer(many=True)
    )
    def get(self, request: Request) -> Response:
        return self.listed(RedemptionListAnswer)

    @extend_schema(
        summary=_("Redeem a reward"),
        request=RedemptionInput,
        responses={201: RedemptionAnswer, 200: RedemptionAnswer},
    )
    @once
    def post(self, request: Request) -> Response:
        said = self.read(RedemptionInput)
        redeem = drafts.reserve if said.pop("draft") else redemption.redeem
        expected = said.pop("expected_points")
        redeemed = redeem(request=RedemptionRequest(price=expected, **said), at=timezone.now())
        code = status.HTTP_201_CREATED if redeemed.is_new else status.HTTP_200_OK
        return _answered(self, redeemed.redemption, code)


class RedemptionView(Endpoint):
    scopes = {"GET": "read"}

    @extend_schema(summary=_("A redemption"), responses=RedemptionAnswer)
    def get(self, request: Request, number: str) -> Response:
        return _answered(self, queries.redemption(number))


class IssueView(Endpoint):
    scopes = {"POST": "spend"}

    @extend_schema(
        summary=_("Complete a draft: its points are spent and its vouchers issued"),
        request=None,
        responses={200: RedemptionAnswer},
    )
    @once
    def post(self, request: Request, number: str) -> Response:
        return _answered(self, drafts.issue(number=number, at=timezone.now()))


class FulfilView(Endpoint):
    scopes = {"POST": "spend"}

    @extend_schema(
        summary=_("Say that it was handed over or sent"),
        request=FulfilInput,
        responses={200: RedemptionAnswer},
    )
    @once
    def post(self, request: Request, number: str) -> Response:
        parcel = Parcel(**self.read(FulfilInput))
        by = signature_of(request)
        done = fulfilment.fulfil(number=number, parcel=parcel, by=by, at=timezone.now())
        return _answered(self, done)


class CancelView(Endpoint):
    scopes = {"POST": "spend"}

    @extend_schema(
        summary=_("Call a redemption off: points, stock and limit come back"),
        request=None,
        responses={200: RedemptionAnswer},
    )
    @once
    def post(self, request: Request, number: str) -> Response:
        by = signature_of(request)
        return _answered(self, redemption.cancel(number=number, at=timezone.now(), by=by))


def _answered(view: Endpoint, made: Redemption, code: int = status.HTTP_200_OK) -> Response:
    prefetch_related_objects([made], "vouchers")
    context = view.get_serializer_context()
    return Response(RedemptionAnswer(made, context=context).data, status=code)
