import re

import pytest

from members import codes


class TestMemberNumber:
    def test_has_twelve_digits_and_begins_with_none_that_a_spreadsheet_drops(self) -> None:
        numbers = {codes.member_number() for _ in range(500)}
        assert len(numbers) == 500
        assert all(re.fullmatch("[1-9][0-9]{11}", number) for number in numbers)

    def test_ends_in_its_check_digit(self) -> None:
        assert all(codes.is_member_number(codes.member_number()) for _ in range(500))

    # The textbook example of ISO/IEC 7812-1 and card numbers published for tests.
    @pytest.mark.parametrize(
        ("digits", "check"),
        [("7992739871", "3"), ("411111111111111", "1"), ("37828224631000", "5"), ("0", "0")],
    )
    def test_the_check_digit_is_luhns(self, digits: str, check: str) -> None:
        assert codes.luhn_digit(digits) == check

    def test_any_one_wrong_digit_shows(self) -> None:
        number = codes.member_number()
        for place in range(12):
            for digit in "0123456789":
                wrong = number[:place] + digit + number[place + 1 :]
                assert codes.is_member_number(wrong) == (wrong == number)

    @pytest.mark.parametrize("text", ["", "12345678901", "1234567890123", "١٢٣٤٥٦٧٨٩٠١٢", "abc"])
    def test_other_text_is_no_member_number(self, text: str) -> None:
        assert not codes.is_member_number(text)


class TestRandomCode:
    def test_has_no_look_alikes(self) -> None:
        assert len(codes.ALPHABET) == 25
        assert not set(codes.ALPHABET) & set("0O1IL2Z5S8B")
        assert set("".join(codes.random_code(50) for _ in range(100))) == set(codes.ALPHABET)

    def test_is_as_long_as_asked(self) -> None:
        assert [len(codes.random_code(length)) for length in (6, 8, 16)] == [6, 8, 16]


@pytest.mark.parametrize("typed", ["hj7k-3p94", " HJ7K 3P94 ", "ＨＪ７Ｋ－３Ｐ９４", "HJ7K–3P94"])
def test_a_typed_code_is_tidied(typed: str) -> None:
    assert codes.tidy(typed) == "HJ7K3P94"
