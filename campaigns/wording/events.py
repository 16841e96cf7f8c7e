"""What people call what shops report: the acts of members, and the data that come with them."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import pgettext

Words = Callable[[], str]

#: Events that shops usually report, and what a member does then.
EVENTS: Mapping[str, Words] = {
    "review": lambda: pgettext("what members do", "write a review"),
    "share": lambda: pgettext("what members do", "share something"),
    "survey": lambda: pgettext("what members do", "answer a survey"),
    "video": lambda: pgettext("what members do", "watch a video"),
    "article": lambda: pgettext("what members do", "read an article"),
    "course_completed": lambda: pgettext("what members do", "complete a course"),
    "forum_post": lambda: pgettext("what members do", "post in the forum"),
    "offline_event": lambda: pgettext("what members do", "come to an event"),
    "hotel_stay": lambda: pgettext("what members do", "stay at a partner hotel"),
    "walk": lambda: pgettext("what members do", "walk enough for the day"),
    "public_transport": lambda: pgettext("what members do", "go by public transport"),
    "recycling": lambda: pgettext("what members do", "recycle old things"),
    "own_cup": lambda: pgettext("what members do", "bring their own cup"),
    "volunteering": lambda: pgettext("what members do", "volunteer"),
}

#: Names of data, and what is counted by them, as it follows "for each".
_FIELDS: Mapping[str, Words] = {
    "level": lambda: pgettext("data of an event", "level"),
    "stars": lambda: pgettext("data of an event", "stars"),
    "photo": lambda: pgettext("data of an event", "photo"),
    "score": lambda: pgettext("data of an event", "score"),
    "nights": lambda: pgettext("data of an event", "nights"),
    "amount": lambda: pgettext("data of an event", "amount"),
}
_UNITS: Mapping[str, Words] = {
    "nights": lambda: pgettext("for each", "night"),
    "photos": lambda: pgettext("for each", "photo"),
    "days": lambda: pgettext("for each", "day"),
    "hours": lambda: pgettext("for each", "hour"),
    "minutes": lambda: pgettext("for each", "minute"),
    "km": lambda: pgettext("for each", "kilometre"),
    "pages": lambda: pgettext("for each", "page"),
    "people": lambda: pgettext("for each", "person"),
}
_VALUES: Mapping[Any, Words] = {
    "basic": lambda: pgettext("data of an event", "basic"),
    "advanced": lambda: pgettext("data of an event", "advanced"),
}


def field_words(name: str) -> str:
    """What a field of an event's data is called; its name where nobody knows it here."""
    return _FIELDS[name]() if name in _FIELDS else name


def value_words(value: Any) -> str:
    """A value of it in words."""
    return _VALUES[value]() if isinstance(value, str) and value in _VALUES else str(value)


def unit_words(name: str) -> str | None:
    """One of what a field counts, as it follows "for each"; None: nobody knows it here."""
    return _UNITS[name]() if name in _UNITS else None
