from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminTextInputWidget

from loyalty import refunds
from loyalty.models import Order, OrderLine
from loyalty.refunds import Refunded, RefundFacts, RefundLine
from members.errors import InvalidInput, Refusal


def _money(label: Any) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=Decimal(0),
        max_digits=20,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget,
    )


class RefundForm(forms.Form):
    """Money given back of an order: an amount, or amounts on its articles; valid once the verb has recorded it."""

    reference = forms.CharField(
        label=_("refund number"),
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("The same number again never refunds twice."),
    )
    amount = _money(_("amount"))

    def __init__(self, order: Order, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, initial={"reference": f"C-{uuid4().hex[:8].upper()}"})
        self.order = order
        self.refunded: Refunded | None = None
        self.articles = _articles(list(order.lines.order_by("position")))
        for place, (_sku, name, amount) in enumerate(self.articles):
            self.fields[f"line_{place}"] = _money(f"{name} · ¥{amount:.2f}")

    def line_fields(self) -> list[forms.BoundField]:
        """The fields of the articles, for the page."""
        return [self[f"line_{place}"] for place in range(len(self.articles))]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        lines = tuple(
            RefundLine(sku=sku, amount=cleaned[f"line_{place}"])
            for place, (sku, _name, _amount) in enumerate(self.articles)
            if cleaned[f"line_{place}"]
        )
        amount = cleaned["amount"]
        if (amount is None) == (not lines):
            raise forms.ValidationError(_("Give either an amount or amounts of articles."))
        self._refund(
            RefundFacts(reference=cleaned["reference"], amount=amount, lines=lines or None)
        )
        return cleaned

    def _refund(self, facts: RefundFacts) -> None:
        order = self.order
        try:
            self.refunded = refunds.refund(
                source=order.source, number=order.number, facts=facts, now=timezone.now()
            )
        except InvalidInput as problem:
            field = "amount" if problem.pointer == "/amount" else None
            self.add_error(field, problem.detail)
        except Refusal as refusal:
            self.add_error(
                "reference" if refusal.code == "reference_reused" else None, str(refusal)
            )


def _articles(lines: Sequence[OrderLine]) -> list[tuple[str, str, Decimal]]:
    """SKU, name and amount of what can be refunded; lines with one SKU stand together."""
    found: dict[str, tuple[str, Decimal]] = {}
    for line in lines:
        if line.amount > 0:
            name, amount = found.get(line.sku, (line.name or line.sku, Decimal(0)))
            found[line.sku] = (name, amount + line.amount)
    return [(sku, name, amount) for sku, (name, amount) in found.items()]
