from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.loyalty.tier_builders import TOLD


@pytest.fixture
def told(settings: Any) -> Iterator[list[tuple[str, str, str, datetime]]]:
    """What is told about tiers: event, member, tier, moment."""
    TOLD.clear()
    settings.MEMBER_EVENTS = [*settings.MEMBER_EVENTS, "tests.loyalty.tier_builders.listen"]
    yield TOLD
    TOLD.clear()
