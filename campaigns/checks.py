"""One condition of a rule, ready to be asked. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from campaigns.occasions import Occasion

#: What of an occasion an axis stands for.
AXES: Mapping[str, Callable[[Occasion], Any]] = {
    "weekday": lambda o: o.day.isoweekday(),
    "month_day": lambda o: o.day.day,
    "minute": lambda o: o.minute,
    "store": lambda o: o.store,
    "channel": lambda o: o.channel,
    "tier": lambda o: o.tier,
    "coupon": lambda o: o.coupon.strip().casefold(),
    "is_birthday_month": lambda o: (
        o.member.birthday is not None and o.member.birthday.month == o.day.month
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A condition: what it expects, whether it holds, what it saw.

    `is_moving`: the answer hangs on what was posted before, so that it may change within a batch. `needs` and `period`
    say what has to be read for it. A check that holds just where one thing of the occasion (`axis`) is one of some values
    (`among`) says so: then many rules are asked at once.
    """

    name: str
    expected: Any
    test: Callable[[Occasion], bool]
    seen: Callable[[Occasion], Any]
    is_moving: bool = False
    needs: str = ""
    period: str = ""
    axis: str = ""
    among: frozenset[Any] = frozenset()

    def explain(self, occasion: Occasion) -> dict[str, Any]:
        """The condition as the API shows it."""
        return {
            "name": self.name,
            "expected": self.expected,
            "seen": self.seen(occasion),
            "met": self.test(occasion),
        }
