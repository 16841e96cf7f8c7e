from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from members import validation
from members.errors import InvalidInput

NAIVE = datetime(2026, 11, 21, 12, 0)


def refused(check: validation.Check, value: object) -> str:
    with pytest.raises(InvalidInput) as problem:
        check(value, "/x")
    assert problem.value.pointer == "/x"
    assert problem.value.detail
    return problem.value.code


class TestText:
    def test_is_stored_without_surrounding_blanks(self) -> None:
        assert validation.text(longest=5)("  abc\n", "/x") == "abc"

    @pytest.mark.parametrize(
        ("value", "code"),
        [
            (5, "invalid"),
            (None, "invalid"),
            (b"abc", "invalid"),
            ("a\x00b", "invalid"),
            ("a\ud800", "invalid"),
            ("   ", "blank"),
            ("abcdef", "max_length"),
        ],
    )
    def test_refuses(self, value: object, code: str) -> None:
        assert refused(validation.text(longest=5, shortest=1), value) == code


class TestWholeNumber:
    @pytest.mark.parametrize("value", [1, 1000])
    def test_takes_its_limits(self, value: int) -> None:
        assert validation.whole_number(least=1, most=1000)(value, "/x") == value

    @pytest.mark.parametrize(
        ("value", "code"),
        [
            (0, "min_value"),
            (-1, "min_value"),
            (1001, "max_value"),
            (10**30, "max_value"),
            (True, "invalid"),
            ("5", "invalid"),
            (5.0, "invalid"),
            (Decimal(5), "invalid"),
            (None, "invalid"),
        ],
    )
    def test_refuses(self, value: object, code: str) -> None:
        assert refused(validation.whole_number(least=1, most=1000), value) == code


class TestDecimal:
    CHECK = staticmethod(validation.decimal(places=2, most=Decimal("99.99")))

    @pytest.mark.parametrize("value", ["0", "0.00", "1.2", "99.99", "007", Decimal("1.20")])
    def test_takes_text_and_decimals(self, value: Any) -> None:
        assert self.CHECK(value, "/x") == Decimal(value)

    @pytest.mark.parametrize(
        ("value", "code"),
        [
            (1, "invalid"),
            (1.2, "invalid"),
            (True, "invalid"),
            (None, "invalid"),
            ("", "invalid"),
            ("1,2", "invalid"),
            ("1.", "invalid"),
            (".5", "invalid"),
            ("1e3", "invalid"),
            ("NaN", "invalid"),
            ("Infinity", "invalid"),
            (Decimal("NaN"), "invalid"),
            ("１.２", "invalid"),
            ("9" * 41, "invalid"),
            ("-0.01", "min_value"),
            ("100", "max_value"),
            ("1.005", "max_decimal_places"),
        ],
    )
    def test_refuses(self, value: object, code: str) -> None:
        assert refused(self.CHECK, value) == code


class TestOtherChecks:
    @pytest.mark.parametrize(
        ("check", "value"),
        [
            (validation.code, "double-day_2"),
            (validation.email, ""),
            (validation.email, "ada@example.com"),
            (validation.address, "192.0.2.1"),
            (validation.address, "2001:db8::1"),
            (validation.flag, False),
            (validation.choice(["day", "month"]), "month"),
            (validation.moment, datetime(2026, 11, 21, tzinfo=UTC)),
            (validation.day, date(1998, 2, 28)),
            (validation.optional(validation.flag), None),
        ],
    )
    def test_takes(self, check: validation.Check, value: object) -> None:
        assert check(value, "/x") == value

    @pytest.mark.parametrize(
        ("check", "value", "code"),
        [
            (validation.code, "two words", "invalid"),
            (validation.code, "金卡", "invalid"),
            (validation.code, "", "blank"),
            (validation.code, "a" * 51, "max_length"),
            (validation.email, "ada@", "invalid"),
            (validation.address, "192.0.2", "invalid"),
            (validation.flag, 1, "invalid"),
            (validation.flag, "true", "invalid"),
            (validation.choice(["day"]), "week", "invalid_choice"),
            (validation.choice(["day"]), ["day"], "invalid_choice"),
            (validation.moment, NAIVE, "invalid"),
            (validation.moment, "2026-11-21T12:00:00+08:00", "invalid"),
            (validation.day, NAIVE, "invalid"),
            (validation.optional(validation.flag), 0, "invalid"),
        ],
    )
    def test_refuses(self, check: validation.Check, value: object, code: str) -> None:
        assert refused(check, value) == code


class TestCleaned:
    CHECKS = {"name": validation.text(longest=5), "active": validation.flag}

    def test_checks_only_what_is_given(self) -> None:
        assert validation.cleaned({"name": " a "}, self.CHECKS) == {"name": "a"}

    def test_points_at_what_is_wrong(self) -> None:
        with pytest.raises(InvalidInput) as problem:
            validation.cleaned({"name": "a", "active": 1}, self.CHECKS, "/list/0")
        assert problem.value.pointer == "/list/0/active"

    def test_refuses_names_it_does_not_know(self) -> None:
        with pytest.raises(InvalidInput) as problem:
            validation.cleaned({"nmae": "a"}, self.CHECKS)
        assert (problem.value.pointer, problem.value.code) == ("/nmae", "unknown_field")

    def test_refuses_what_is_left_out_but_needed(self) -> None:
        with pytest.raises(InvalidInput) as problem:
            validation.require({"name": "a"}, ["name", "active"])
        assert (problem.value.pointer, problem.value.code) == ("/active", "required")
