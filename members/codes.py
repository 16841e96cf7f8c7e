"""Random numbers and codes that people read, say and type."""

import secrets
import unicodedata

# Without the look-alikes 0 O 1 I L 2 Z 5 S 8 B: a code survives handwriting and the telephone.
ALPHABET = "34679ACDEFGHJKMNPQRTUVWXY"

MEMBER_NUMBER_DIGITS = 12
REFERRAL_CODE_LENGTH = 8


def random_code(length: int) -> str:
    """A code nobody can guess, of `length` characters of the alphabet."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def member_number() -> str:
    """A member number: 11 random digits, the first not 0, and a Luhn check digit."""
    first = 10 ** (MEMBER_NUMBER_DIGITS - 2)
    digits = str(first + secrets.randbelow(9 * first))
    return digits + luhn_digit(digits)


def luhn_digit(digits: str) -> str:
    """The check digit to append (ISO/IEC 7812-1): it shows any one wrong digit and most swaps."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return str(-total % 10)


def is_member_number(text: str) -> bool:
    """Whether the text has the form of a member number, its check digit included."""
    is_digits = text.isascii() and text.isdigit() and len(text) == MEMBER_NUMBER_DIGITS
    return is_digits and luhn_digit(text[:-1]) == text[-1]


def tidy(text: str) -> str:
    """A code as it is stored; people may type it in lower case, full width or with dashes."""
    plain = unicodedata.normalize("NFKC", text).upper()
    return "".join(character for character in plain if character.isalnum())
