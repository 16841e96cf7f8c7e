"""Against tables and examples that others published, and read back by a decoder written from the standard alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rewards import code128
from rewards.code128 import NotEncodable

# ISO/IEC 15417, table 1: the bars of some values, as printed there (1 a dark module, 0 a light one).
PUBLISHED = {
    0: "11011001100",
    1: "11001101100",
    16: "10011101100",
    33: "10100011000",
    65: "10010110000",
    99: "10111011110",
    100: "10111101110",
    103: "11010000100",
    104: "11010010000",
    105: "11010011100",
}
STOP = "1100011101011"


def modules(text: str) -> str:
    """The symbol as dark and light modules."""
    return "".join(
        ("1" if place % 2 == 0 else "0") * width
        for place, width in enumerate(code128.widths(text))
    )


def decoded(bars: str) -> str:
    """What a scanner reads, checked by the check digit; an error where it would beep in vain."""
    known = {
        "".join(
            ("1" if at % 2 == 0 else "0") * int(width) for at, width in enumerate(pattern)
        ): value
        for value, pattern in enumerate(code128._PATTERNS)
    }
    assert bars.endswith(STOP)
    data = bars.removesuffix(STOP)
    assert len(data) % 11 == 0
    found = [known[data[at : at + 11]] for at in range(0, len(data), 11)]
    *body, check = found
    assert (body[0] + sum(at * value for at, value in enumerate(body))) % 103 == check
    text, in_c = "", body[0] == 105
    for value in body[1:]:
        if (in_c and value == 100) or (not in_c and value == 99):
            in_c = not in_c
        elif in_c:
            text += f"{value:02d}"
        else:
            text += chr(value + 32)
    return text


class TestSymbols:
    def test_there_are_106_of_eleven_modules_each_its_own(self) -> None:
        assert len(set(code128._PATTERNS)) == len(code128._PATTERNS) == 106
        assert {sum(map(int, pattern)) for pattern in code128._PATTERNS} == {11}
        # Its bars are an even number of modules: how scanners tell symbols from noise.
        assert {sum(map(int, pattern[::2])) % 2 for pattern in code128._PATTERNS} == {0}

    @pytest.mark.parametrize(("value", "bars"), PUBLISHED.items())
    def test_look_as_published(self, value: int, bars: str) -> None:
        pattern = code128._PATTERNS[value]
        drawn = "".join(("1" if at % 2 == 0 else "0") * int(w) for at, w in enumerate(pattern))
        assert drawn == bars


class TestValues:
    @pytest.mark.parametrize(
        ("text", "values"),
        [
            # Wikipedia's worked example has the same letters in set A: start 103 there, 104 here.
            ("PJJ123C", [104, 48, 42, 42, 17, 18, 19, 35, 55]),
            ("Wikipedia", [104, 55, 73, 75, 73, 80, 69, 68, 73, 65, 88]),
            # An even number of digits goes in pairs.
            ("0123456789", [105, 1, 23, 45, 67, 89, 73]),
            ("AB1234567890", [104, 33, 34, 99, 12, 34, 56, 78, 90, 56]),
        ],
    )
    def test_are_those_of_known_symbols(self, text: str, values: list[int]) -> None:
        assert code128.values(text) == values

    def test_a_code_of_ours_takes_231_modules_with_its_quiet_zones(self) -> None:
        assert sum(code128.widths("HJ7K3P94WQ3M7KXA")) + 2 * code128.QUIET == 231

    @pytest.mark.parametrize("text", ["", "券", "a\n", "é", "\x7f"])
    def test_what_no_scanner_could_read_is_refused(self, text: str) -> None:
        with pytest.raises(NotEncodable):
            code128.values(text)

    @given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), min_size=1))
    def test_any_text_reads_back(self, text: str) -> None:
        assert decoded(modules(text)) == text

    @given(st.text(alphabet="0123456789", min_size=1, max_size=40))
    def test_digits_take_half_the_room(self, text: str) -> None:
        symbols = len(code128.values(text)) - 2
        assert symbols <= len(text) // 2 + (2 if len(text) % 2 else 0)
        assert decoded(modules(text)) == text
