"""Phone numbers in the one form they are stored in: E.164."""

import re
import unicodedata

import phonenumbers
from django.utils.translation import gettext as _

DEFAULT_REGION = "CN"
CHINA = 86
E164 = re.compile(r"\+[1-9][0-9]{6,14}")


def normalise(text: str) -> str:
    """Bring a phone number as people write it into E.164; without a country code it is Chinese.

    Full-width digits, blanks, dashes, brackets and the 00 prefix are understood. Raises ValueError
    with a sentence for people.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    if re.fullmatch(r"[0-9.]+E\+?[0-9]+", plain, re.IGNORECASE):
        raise ValueError(
            _(
                "“%(text)s” is a phone number that a spreadsheet has rounded. "
                "Set the column to text and enter the number again."
            )
            % {"text": text[:40]}
        )
    phone = _parsed(plain)
    if phone is None:
        raise ValueError(
            _(
                "“%(text)s” is not a phone number. Write the 11 digits of a Chinese mobile "
                "number, or + and the country code first."
            )
            % {"text": text[:40]}
        )
    return phone


def _parsed(plain: str) -> str | None:
    # Letters would be read as keys of a telephone (1-800-FLOWERS) or as an extension.
    if re.search(r"[^\W\d_]", plain):
        return None
    try:
        number = phonenumbers.parse(plain, DEFAULT_REGION)
    except phonenumbers.NumberParseException:
        return None
    phone = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return phone if _is_plausible(number) and E164.fullmatch(phone) else None


def _is_plausible(number: phonenumbers.PhoneNumber) -> bool:
    """Whether the length fits; prefixes refuse nothing, for new ones come faster than tables."""
    if number.country_code == CHINA:
        return phonenumbers.is_valid_number(number) or bool(
            re.fullmatch("1[0-9]{10}", str(number.national_number))
        )
    reason = phonenumbers.is_possible_number_with_reason(number)
    return reason == phonenumbers.ValidationResult.IS_POSSIBLE
