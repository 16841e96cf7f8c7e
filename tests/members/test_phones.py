import pytest

from members import phones


class TestNormalise:
    @pytest.mark.parametrize(
        "text",
        [
            "+8613812345678",
            "13812345678",
            "138 1234 5678",
            "138-1234-5678",
            "+86 138 1234 5678",
            "8613812345678",
            "008613812345678",
            "(+86) 138-1234-5678",
            "１３８１２３４５６７８",
            "１３８　１２３４－５６７８",
            " 13812345678\t",
            "13812345678\N{NO-BREAK SPACE}",
        ],
    )
    def test_understands_a_mobile_number_however_it_is_written(self, text: str) -> None:
        assert phones.normalise(text) == "+8613812345678"

    @pytest.mark.parametrize(
        ("text", "phone"),
        [
            ("+1 650-253-0000", "+16502530000"),
            ("+852 5123 4567", "+85251234567"),
            ("010-6278 1234", "+861062781234"),
            ("+86 120 1234 5678", "+8612012345678"),  # a prefix that no table knows yet
        ],
    )
    def test_understands_other_numbers(self, text: str, phone: str) -> None:
        assert phones.normalise(text) == phone

    @pytest.mark.parametrize(
        "text",
        [
            "",
            " ",
            "abc",
            "12345",
            "1381234567",
            "138123456789",
            "+86123",
            "+8613912345678901",
            "+999 123456",
            "1-800-FLOWERS",
            "13812345678 ext 5",
            "13812345678;ext=5",
            "1381234567\x008",
            "+",
            "13812345678/13912345678",
            "9" * 300,
        ],
    )
    def test_refuses_what_is_no_phone_number(self, text: str) -> None:
        with pytest.raises(ValueError, match=r".") as problem:
            phones.normalise(text)
        assert len(str(problem.value)) < 200

    @pytest.mark.parametrize("text", ["1.38E+10", "1.38123456780E+10", "138e8", "１.３８Ｅ＋１０"])
    def test_says_when_a_spreadsheet_has_rounded_it(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"spreadsheet|表格"):
            phones.normalise(text)
