"""Each lock is taken away in turn, and a race must notice."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.prove.locks import ROOT, locks
from tests.prove.sizes import record

RACES = "tests/loyalty/test_races.py"
POSTING = "tests/loyalty/test_posting_races.py"

# Which race is lost without the lock.
NOTICED_BY = {
    "loyalty.ledger.statements.LOCK_BY_MEMBER": f"{RACES}::TestSpend::test_20_spends_of_100_from_500_are_exactly_5",
    "loyalty.ledger.statements.LOCK_BY_ID": f"{POSTING}::TestPost::test_of_20_debits_of_100_from_500_takes_exactly_5",
    "loyalty.ledger.statements.CREDIT_AT_ONCE": f"{POSTING}::TestAward::test_of_40_powers_of_two_each_handed_in_twice_lands_each_once",
    "loyalty.queries.ledger.due_wallets_locked": f"{RACES}::TestExpireDue::test_four_workers_let_each_lot_lapse_once",
    "loyalty.order_reversals.lock": f"{POSTING}::TestRefund::test_of_a_passer_bys_order_never_gives_back_more_than_was_paid",
}

# What the lock of the member's wallet covers already: these keep the row's own reader up to date when a merge has moved
# it meanwhile, or are of a single row that people in the console change. Nothing of value hangs on them.
COVERED = {
    "loyalty.adjustments._locked",
    "loyalty.asides._open",
    "loyalty.asides.release",
    "loyalty.closing._forfeit",
    "loyalty.holds._locked",
    "loyalty.holds.capture_for_order",
    "loyalty.programs.change",
    "loyalty.switching._change",
    "loyalty.switching._forget",
    "loyalty.tier_grants._put_floor",
    "loyalty.tiers._DUE",
}


class TestLocks:
    def test_none_is_forgotten(self) -> None:
        assert {each.key for each in locks()} == NOTICED_BY.keys() | COVERED


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The project once more, so that its code can be spoilt."""
    folder = tmp_path_factory.mktemp("copy") / "jifen"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "docs", "static")
    shutil.copytree(ROOT, folder, ignore=ignored)
    (folder / "static").symlink_to(ROOT / "static")
    (folder / ".data").symlink_to(ROOT / ".data")
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif("PROVE_LOCKS" not in os.environ, reason="takes minutes: make prove")
class TestWithoutALock:
    @pytest.mark.parametrize("key", NOTICED_BY)
    def test_a_race_is_lost(self, copy: Path, key: str) -> None:
        (lock,) = (each for each in locks() if each.key == key)
        file = copy / lock.file
        text = file.read_text(encoding="utf-8")

        file.write_text(lock.without(text), encoding="utf-8")
        try:
            assert self.is_lost(copy, NOTICED_BY[key])
        finally:
            file.write_text(text, encoding="utf-8")
        record(guard=f"lock of `{key}`", found_by=NOTICED_BY[key])

    def is_lost(self, copy: Path, test: str) -> bool:
        """Whether the race's test fails (and not merely breaks before it has begun)."""
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-n0", "-q", "-p", "no:randomly", test],
            cwd=copy,
            env={**os.environ, "TOX_PARALLEL_ENV": "without_lock"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in {0, 1}, done.stdout + done.stderr
        assert "1 failed" in done.stdout or "1 passed" in done.stdout, done.stdout
        return done.returncode == 1
