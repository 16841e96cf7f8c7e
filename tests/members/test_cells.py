"""What cells may say."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from django.utils import translation

from members import cells
from members.cells import BadCell

SHANGHAI = timezone(timedelta(hours=8))


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


@pytest.mark.parametrize(
    ("read", "value", "result"),
    [
        (cells.money, "0.00", Decimal("0.00")),
        (cells.money, "12", Decimal(12)),
        (cells.money, "-3.5", Decimal("-3.5")),
        (cells.money, "999999999999999999.99", Decimal("999999999999999999.99")),
        (cells.whole, "0", 0),
        (cells.whole, "12", 12),
        (cells.day, "2024-02-29", date(2024, 2, 29)),
        (cells.moment, "2017-01-01T00:00:00+08:00", datetime(2017, 1, 1, tzinfo=SHANGHAI)),
        (cells.moment, "2017-01-01 00:00Z", datetime(2017, 1, 1, tzinfo=UTC)),
        (cells.moment, "2017-01-01T00:00:00.5+0000", datetime(2017, 1, 1, 0, 0, 0, 500_000, UTC)),
        (cells.labels, " new | 夏季;x ", ("new", "夏季", "x")),
        (cells.labels, "", ()),
    ],
)
def test_reads(read: Callable[[str], object], value: str, result: object):
    assert read(value) == result


@pytest.mark.parametrize(
    ("read", "value", "parts"),
    [
        (cells.money, "", ["empty"]),
        (cells.money, "12.345", ["more than two decimals", "12.35"]),
        (cells.money, "1,234.50", ["commas between thousands", "1234.50"]),
        (cells.money, "¥12.50", ["currency sign", "12.50"]),
        (cells.money, "12,50", ["decimal comma", "12.50"]),
        (cells.money, "12.50元", ["currency sign"]),
        (cells.money, "１２.50", ["not a number"]),
        (cells.money, "1E+3", ["not a number"]),
        (cells.money, "NaN", ["not a number"]),
        (cells.money, "12.", ["not a number"]),
        (cells.money, "9999999999999999999.00", ["not a number"]),
        (cells.whole, "-1", ["negative", "refund"]),
        (cells.whole, "1.5", ["not a whole number"]),
        (cells.whole, "true", ["not a whole number"]),
        (cells.day, "2023-02-29", ["no such day"]),
        (cells.day, "31.07.1990", ["not a date", "1990-07-31"]),
        (cells.moment, "2017-02-30T10:00:00+08:00", ["no such moment"]),
        (cells.moment, "2017-02-28T24:00:01+08:00", ["no such moment"]),
        (cells.moment, "2017-02-28T10:00:00", ["offset", "2017-02-28T10:00:00+08:00"]),
        (cells.moment, "2017-02-28", ["not a moment", "T18:46:00+08:00"]),
        (cells.moment, "28/02/2017 10:00", ["not a moment"]),
        (cells.moment, "0001-01-01T00:00:00+08:00", ["before 1900"]),
        (cells.refuse_rounded_phone, "1.38E+10", ["turned the phone into a number", "as text"]),
        (cells.refuse_rounded_phone, "13800138000.0", ["turned the phone into a number"]),
        (lambda value: cells.text(value, longest=3), "abcd", ["longer than 3"]),
        (cells.labels, "x" * 51, ["longer than 50"]),
    ],
)
def test_refuses_with_cause_and_remedy(
    read: Callable[[str], object], value: str, parts: list[str]
):
    with pytest.raises(BadCell) as bad:
        read(value)
    for part in parts:
        assert part in f"{bad.value.cause} {bad.value.remedy}"
