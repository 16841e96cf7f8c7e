"""Code 128 (ISO/IEC 15417): text as bars, in code sets B and C, with its check digit and stop."""

#: The widths of bars and spaces of each symbol, from value 0 to 105 (ISO/IEC 15417, table 1), and of the stop.
_TABLE = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 "
    "123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 "
    "232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 "
    "313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 "
    "111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 "
    "111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 "
    "114311 411113 411311 113141 114131 311141 411131 211412 211214 211232"
)
_PATTERNS = _TABLE.split()
_STOP = "2331112"

TO_C, TO_B = 99, 100
START_B, START_C = 104, 105
#: What has to stay blank on either side, in modules.
QUIET = 10


class NotEncodable(ValueError):
    """The text has characters beyond printable ASCII."""


def values(text: str) -> list[int]:
    """The symbol values of a text with start and check digit, without the stop. Raises NotEncodable."""
    if not text or not all(" " <= character <= "~" for character in text):
        raise NotEncodable
    found = _shortest(text)
    check = found[0] + sum(place * value for place, value in enumerate(found))
    return [*found, check % 103]


def widths(text: str) -> list[int]:
    """The widths in modules of bars and spaces, a bar first, without the quiet zones. Raises NotEncodable."""
    symbols = [_PATTERNS[value] for value in values(text)]
    return [int(width) for symbol in [*symbols, _STOP] for width in symbol]


def _shortest(text: str) -> list[int]:
    """Start and data in as few symbols as sets B (one character each) and C (two digits each) allow.

    From the end on: what the rest takes when set B, or set C, is in force before it.
    """
    in_b: list[list[int]] = [[]] * (len(text) + 2)
    in_c: list[list[int]] = [[]] * (len(text) + 2)
    for place in reversed(range(len(text))):
        one = [ord(text[place]) - ord(" "), *in_b[place + 1]]
        two = _pair(text, place)
        if two is None:
            in_b[place], in_c[place] = one, [TO_B, *one]
        else:
            both = [two, *in_c[place + 2]]
            in_b[place] = min(one, [TO_C, *both], key=len)
            in_c[place] = min(both, [TO_B, *one], key=len)
    return min([START_B, *in_b[0]], [START_C, *in_c[0]], key=len)


def _pair(text: str, place: int) -> int | None:
    digits = text[place : place + 2]
    return int(digits) if len(digits) == 2 and digits.isdigit() else None
