from typing import Any

from django.utils import translation

from rewards import price_words

STEPS: list[dict[str, Any]] = [
    {"kind": "base", "points": 10_000},
    {"kind": "tier", "tier": "gold", "points": 9_000},
    {"kind": "tier", "tier": "gone", "points": 9_000},
    {
        "kind": "stock",
        "at_most": "0.1",
        "factor": "1.5",
        "left": 8,
        "start": 100,
        "points": 13_500,
    },
    {"kind": "season", "from": "11-01", "to": "02-28", "factor": "0.8", "points": 10_800},
    {
        "kind": "demand",
        "above": "2",
        "factor": "1.2",
        "lately": 11,
        "before": 19,
        "points": 12_960,
    },
    {"kind": "floor", "factor": "0.5", "points": 12_960},
    {"kind": "ceiling", "factor": "2", "points": 12_960},
    {"kind": "step", "step": 100, "points": 13_000},
    {"kind": "offer", "offer": "flash", "points": 500},
    {"kind": "variant", "variant": "xl", "extra_points": 30, "points": 530},
]


def test_every_step_is_said_in_words(db: None) -> None:
    with translation.override("en"):
        said = price_words.sentences(STEPS)
    assert [points for _words, points in said] == [step["points"] for step in STEPS]
    assert [words for words, _points in said] == [
        "Price in the catalogue",
        "Price for 金卡",
        "Price for gone",
        "Only 8 of 100 are left: × 1.5",
        "Season from 11-01 to 02-28: × 0.8",
        "11 redeemed in the last 7 days, in a usual week 4.75: × 1.2",
        "Not below 0.5 times the price",
        "Not above 2 times the price",
        "Rounded up to 100 points",
        "Offer flash",
        "Variant xl: 30 points on top",
    ]
