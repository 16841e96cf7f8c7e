"""One condition of a rule, ready to be asked. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from campaigns.occasions import Occasion


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A condition: what it expects, whether it holds, what it saw.

    `is_moving`: the answer hangs on what was posted before, so that it may change within a batch. `needs` and `period`
    say what has to be read for it.
    """

    name: str
    expected: Any
    test: Callable[[Occasion], bool]
    seen: Callable[[Occasion], Any]
    is_moving: bool = False
    needs: str = ""
    period: str = ""

    def explain(self, occasion: Occasion) -> dict[str, Any]:
        """The condition as the API shows it."""
        return {
            "name": self.name,
            "expected": self.expected,
            "seen": self.seen(occasion),
            "met": self.test(occasion),
        }
