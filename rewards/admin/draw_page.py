"""What stands below the form of a draw: odds, what it is going to cost, its rounds."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from loyalty import programs
from loyalty.admin import charts
from loyalty.models import Program
from rewards import draw_forecasts, draw_queries
from rewards.draw_forecasts import Forecast, Stake
from rewards.models import Draw, DrawPrize, DrawRound

GOES = 1_000
MOST_GOES = 10**9
ROUNDS_SHOWN = 10


class GoesForm(forms.Form):
    """For how many goes the cost is asked."""

    goes = forms.IntegerField(
        label=_("Goes expected"),
        min_value=1,
        max_value=MOST_GOES,
        widget=UnfoldAdminTextInputWidget(attrs={"inputmode": "numeric"}),
    )


@dataclass(frozen=True, slots=True)
class Row:
    """A prize with its chance in hundredths of a per cent and what one costs."""

    prize: DrawPrize
    percent: str
    cost: Decimal
    is_estimate: bool


class Page:
    """One draw."""

    def __init__(self, draw: Draw, query: QueryDict) -> None:
        self.draw = draw
        self.program: Program = programs.current()
        self.form = GoesForm(query if "goes" in query else {"goes": GOES})
        self.goes: int = self.form.cleaned_data["goes"] if self.form.is_valid() else GOES
        self.prizes = draw_queries.prizes_of(draw)

    @cached_property
    def rows(self) -> list[Row]:
        """The prizes with odds and cost."""
        odds = draw_queries.odds(self.prizes)
        return [
            Row(
                prize,
                f"{float(odds[prize.pk] * 100):.4g}%",
                cost_of(prize, self.program),
                prize.reward is not None and prize.reward.cost is None,
            )
            for prize in self.prizes
        ]

    @property
    def is_estimate(self) -> bool:
        """Whether the cost of a reward is not known."""
        return any(row.is_estimate for row in self.rows)

    @cached_property
    def stakes(self) -> list[Stake]:
        """The prizes as forecasts want them."""
        return [
            Stake(
                name=row.prize.name,
                weight=row.prize.weight,
                stock=row.prize.stock,
                cost=row.cost,
            )
            for row in self.rows
        ]

    @cached_property
    def forecast(self) -> Forecast:
        """The cost of the goes that were asked for."""
        return draw_forecasts.forecast(stakes=self.stakes, goes=self.goes)

    @property
    def income(self) -> Decimal:
        """What the points of so many goes are worth, if none is paid with a ticket."""
        return (self.draw.points or 0) * self.program.point_value * self.goes

    @property
    def income_per_go(self) -> Decimal:
        """What the points of a go are worth."""
        return (self.draw.points or 0) * self.program.point_value

    @property
    def chart(self) -> dict[str, str]:
        """Expected cost beside the worth of the points taken, as goes add up."""
        course = draw_forecasts.course(stakes=self.stakes, goes=self.goes)
        return charts.bars(
            labels=[f"{goes:,}" for goes, _cost in course],
            series={
                gettext("Expected cost"): [round(cost) for _goes, cost in course],
                gettext("Points taken, in money"): [
                    round(self.income_per_go * goes) for goes, _cost in course
                ],
            },
        )

    @property
    def rounds(self) -> list[DrawRound]:
        """The latest rounds."""
        return list(draw_queries.rounds_of(self.draw)[:ROUNDS_SHOWN])


def cost_of(prize: DrawPrize, program: Program) -> Decimal:
    """What one of a prize costs the merchant; a reward without a known cost is taken at its price in points."""
    if prize.points:
        return prize.points * program.point_value
    if prize.reward is None:
        return Decimal(0)
    if prize.reward.cost is None:
        return prize.reward.points * program.point_value
    return prize.reward.cost * (1 - prize.reward.partner_share)


def context(draw: Draw, query: QueryDict) -> dict[str, Any]:
    """What the template below the form is given."""
    return {"draw_page": Page(draw, query)}
