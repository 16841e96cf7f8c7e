"""Pictures of the console: data and options in the form of Chart.js."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

_QUIET = "#8b918d"
_COLOURS = ("var(--color-primary-600)", "#d9a648", "#9aa39e")
OPTIONS: dict[str, Any] = {
    "responsive": True,
    "maintainAspectRatio": False,
    "animation": False,
    "interaction": {"mode": "index", "intersect": False},
    "plugins": {
        "legend": {
            "display": True,
            "align": "end",
            "labels": {"color": _QUIET, "boxWidth": 10, "boxHeight": 10, "useBorderRadius": True},
        },
    },
    "scales": {
        "x": {
            "grid": {"display": False},
            "border": {"display": False},
            "ticks": {"color": _QUIET, "maxRotation": 0, "autoSkipPadding": 16},
        },
        "y": {
            "beginAtZero": True,
            "border": {"display": False},
            "ticks": {"color": _QUIET, "precision": 0, "maxTicksLimit": 6},
        },
    },
}


# Lying bars: every name is written out beside its bar, however many there are.
_LYING: dict[str, Any] = {
    **OPTIONS,
    "indexAxis": "y",
    "scales": {
        "x": OPTIONS["scales"]["y"],
        "y": {
            **OPTIONS["scales"]["x"],
            "ticks": {"color": _QUIET, "autoSkip": False},
        },
    },
}


def bars(*, labels: Sequence[str], series: Mapping[str, Sequence[int]]) -> dict[str, str]:
    """Bars side by side, one colour for each series; where there is no room for every label, some are left out."""
    return _chart(labels, series, OPTIONS)


def lying_bars(*, labels: Sequence[str], series: Mapping[str, Sequence[int]]) -> dict[str, str]:
    """Bars one below the other, each with its label: for stores, tiers and whatever else has a name."""
    return _chart(labels, series, _LYING)


def _chart(
    labels: Sequence[str], series: Mapping[str, Sequence[int]], options: Mapping[str, Any]
) -> dict[str, str]:
    sets = [
        {
            "label": label,
            "data": list(points),
            "backgroundColor": colour,
            "borderRadius": 3,
            "maxBarThickness": 12,
            "categoryPercentage": 0.8,
        }
        for (label, points), colour in zip(series.items(), _COLOURS, strict=False)
    ]
    data = {"labels": list(labels), "datasets": sets}
    return {"data": json.dumps(data), "options": json.dumps(options)}
