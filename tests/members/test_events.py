from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from members import events
from members.models import Member

HEARD: list[tuple[str, list[Member], datetime]] = []


def listen(event: str, members: Sequence[Member], at: datetime) -> None:
    HEARD.append((event, list(members), at))


@pytest.fixture(autouse=True)
def _listening(settings: Any) -> None:
    HEARD.clear()
    settings.MEMBER_EVENTS = [f"{__name__}.listen", f"{__name__}.listen"]


class TestTell:
    def test_calls_every_handler_once_for_all_members(self, noon: datetime) -> None:
        members = [Member(number="1"), Member(number="2")]
        events.tell(event="enrolled", members=members, at=noon)
        assert [("enrolled", members, noon)] * 2 == HEARD

    def test_says_nothing_when_nothing_happened(self, noon: datetime) -> None:
        events.tell(event="enrolled", members=[], at=noon)
        assert HEARD == []
