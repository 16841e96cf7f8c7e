"""The ledger against a reference model, through a moving clock: many histories, each from a seed."""

import os
import time

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from members import enrolment
from members.models import Member
from tests.conftest import NOON
from tests.loyalty.builders import sandbox
from tests.loyalty.histories import Histories
from tests.prove.sizes import BLOCK, record, size


def cast() -> list[Member]:
    """Three members without points."""
    newcomers = [enrolment.Newcomer(phone=f"+861370000000{number}") for number in range(3)]
    return [enrolment.enrol(newcomer=each, at=NOON) for each in newcomers]


def live(count: int) -> settings:
    """So many histories; SHRINK=1 makes one that fails as short as it can, which takes its time."""
    return settings(
        max_examples=count,
        stateful_step_count=size("steps", 15),
        derandomize=False,
        database=None,
        deadline=None,
        verbosity=Verbosity.normal,
        phases=[Phase.generate, *([Phase.shrink] if "SHRINK" in os.environ else [])],
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.long
class TestLedger:
    def test_does_what_the_model_says(self, db: None) -> None:
        """In blocks: each hangs on a seed of its own, by which it can be looked at again."""
        wanted, first = size("histories", 200), size("seed", 1)
        end = time.monotonic() + 60 * size("minutes", 60)
        for number, begun in enumerate(range(0, wanted, BLOCK), first):
            if time.monotonic() > end:
                break
            with sandbox():
                self.block(number, min(BLOCK, wanted - begun))

    def block(self, number: int, count: int) -> None:
        Histories.cast = cast()
        Histories.is_watched = "PROVE_WATCH" in os.environ
        Histories.seen.clear()
        try:
            run_state_machine_as_test(seed(number)(Histories), settings=live(count))
        except BaseException as problem:
            problem.add_note(f"The same histories again: make prove SEED={number}")
            raise
        seen = Histories.seen
        refused = sum(seen[code] for code in ("in_debt", "insufficient_points", "hold_closed"))
        record(histories=seen["histories"], steps=seen["steps"], refused=refused)
