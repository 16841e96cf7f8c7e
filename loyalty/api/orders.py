"""Orders: one, a thousand, a quote, and how one was judged."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from loyalty import explaining, ordering, promotions, queries
from loyalty.api.answers import OrderAnswer, PartAnswer
from loyalty.api.order_inputs import BatchInput, OrderInput, QuoteInput, facts_of
from loyalty.models import Order
from loyalty.ordering import Placed
from members.api.endpoint import Endpoint
from members.api.fields import MoneyField, PointsField, WholeField
from members.api.once import once
from members.models import Member


def shown(orders: Sequence[Order]) -> list[dict[str, Any]]:
    """The orders as the API has them, each with its member's wallet as it is now, and with the vouchers it names."""
    at = timezone.now()
    members = _distinct(order.member for order in orders)
    figures = queries.figures_of(members=members, at=at) if members else {}
    answers = [dict(OrderAnswer(order, context={"figures": figures}).data) for order in orders]
    for answer, named in zip(
        answers, promotions.named_vouchers(orders=orders, at=at), strict=True
    ):
        if named:
            answer["vouchers"] = named
    return answers


def _distinct(members: Iterable[Member | None]) -> list[Member]:
    return list({member.pk: member for member in members if member is not None}.values())


class OrdersView(Endpoint):
    scopes = {"POST": "earn"}

    @extend_schema(
        summary=_("Report an order"),
        request=OrderInput,
        responses={201: OrderAnswer, 200: OrderAnswer},
    )
    @once
    def post(self, request: Request) -> Response:
        facts = facts_of(self.read(OrderInput))
        placed = ordering.place(order=facts, at=timezone.now())
        code = status.HTTP_201_CREATED if placed.is_new else status.HTTP_200_OK
        return Response(shown(_orders([placed]))[0], status=code)


class BatchResultAnswer(serializers.Serializer[Any]):
    """What became of one order of a batch: the order or its problem."""

    index = serializers.IntegerField()
    status = serializers.IntegerField()
    order = OrderAnswer(required=False)
    problem = serializers.DictField(required=False)


class BatchAnswer(serializers.Serializer[Any]):
    """One result for each order, in the order given."""

    results = BatchResultAnswer(many=True)


class OrderBatchView(Endpoint):
    scopes = {"POST": "earn"}

    @extend_schema(
        summary=_("Report 1 to 1,000 orders"), request=BatchInput, responses=BatchAnswer
    )
    @once
    def post(self, request: Request) -> Response:
        items = self.read(BatchInput)["orders"]
        outcomes = self._outcomes(items)
        orders = iter(shown(_orders(each for each in outcomes if isinstance(each, Placed))))
        results = [
            {"index": index, **self._result(outcome, orders)}
            for index, outcome in enumerate(outcomes)
        ]
        return Response({"results": results})

    def _outcomes(self, items: Sequence[Any]) -> list[Placed | Exception]:
        """What became of each item: bad ones are told apart first, the others placed together."""
        reader = OrderInput(context=self.get_serializer_context())
        read: list[ordering.OrderFacts | Exception] = []
        for item in items:
            try:
                read.append(facts_of(reader.run_validation(item)))
            except serializers.ValidationError as problem:
                read.append(problem)
        good = [each for each in read if isinstance(each, ordering.OrderFacts)]
        placed = iter(ordering.place_all(orders=good, at=timezone.now()) if good else [])
        return [each if isinstance(each, Exception) else next(placed) for each in read]

    def _result(
        self, outcome: Placed | Exception, orders: Iterable[dict[str, Any]]
    ) -> dict[str, Any]:
        problem = outcome if isinstance(outcome, Exception) else outcome.problem
        if problem is not None:
            document = self.problem(problem)
            return {"status": document["status"], "problem": document}
        assert isinstance(outcome, Placed)
        code = status.HTTP_201_CREATED if outcome.is_new else status.HTTP_200_OK
        return {"status": code, "order": next(iter(orders))}


def _orders(placed: Iterable[Placed]) -> list[Order]:
    return [each.order for each in placed if each.order is not None]


class ConditionAnswer(serializers.Serializer[Any]):
    """One condition of a rule with the value that was seen."""

    name = serializers.CharField()
    expected = serializers.JSONField()
    seen = serializers.JSONField()
    met = serializers.BooleanField()


class RuleAnswer(serializers.Serializer[Any]):
    """One rule that was looked at."""

    rule = serializers.CharField()
    title = serializers.CharField(required=False)
    version = serializers.IntegerField(required=False)
    matched = serializers.BooleanField()
    conditions = ConditionAnswer(many=True)


class PayableAnswer(serializers.Serializer[Any]):
    """What the member may pay of the order with points, within balance, share, `min` and `step`; and what it is worth."""

    max_points = WholeField(source="points")
    max_amount = MoneyField(source="money")
    min = PointsField(allow_null=True)
    step = PointsField(allow_null=True)


class QuoteAnswer(OrderAnswer):
    """What the order would be, the rules that were looked at, and what points could pay of it."""

    rules = RuleAnswer(many=True)
    pay_with_points = PayableAnswer()


class QuoteView(Endpoint):
    scopes = {"POST": "earn read"}

    @extend_schema(
        summary=_("What an order would earn; nothing is written"),
        request=QuoteInput,
        responses=QuoteAnswer,
    )
    @once
    def post(self, request: Request) -> Response:
        facts = facts_of(self.read(QuoteInput))
        quote = ordering.quote(order=facts, at=timezone.now())
        payable = PayableAnswer(quote.payable).data
        answer = {**shown([quote.order])[0], "rules": quote.rules, "pay_with_points": payable}
        return Response(answer)


class OrderView(Endpoint):
    scopes = {"GET": "read"}

    @extend_schema(summary=_("An order"), responses=OrderAnswer)
    def get(self, request: Request, source: str, number: str) -> Response:
        return Response(shown([queries.order(source=source, number=number)])[0])


class ExplanationAnswer(serializers.Serializer[Any]):
    """Why an order earned what it did: the steps add up to the points."""

    number = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    points = serializers.IntegerField()
    explanation = PartAnswer(many=True)
    rules = RuleAnswer(many=True)


EXPLAINED = ("number", "source", "points", "explanation")


class ExplanationView(Endpoint):
    scopes = {"GET": "read"}

    @extend_schema(summary=_("Why an order earned what it did"), responses=ExplanationAnswer)
    def get(self, request: Request, source: str, number: str) -> Response:
        order = queries.order(source=source, number=number)
        said = shown([order])[0]
        rules = explaining.rules_for(order)
        return Response({**{name: said[name] for name in EXPLAINED}, "rules": rules})
