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

ROWS = "tests/rewards/test_row_locks.py"
REWARDS = "tests/rewards/test_races.py"

# Which race is lost without the lock.
NOTICED_BY = {
    "loyalty.ledger.statements.LOCK_BY_MEMBER": f"{RACES}::TestSpend::test_20_spends_of_100_from_500_are_exactly_5",
    "loyalty.ledger.statements.LOCK_BY_ID": f"{POSTING}::TestPost::test_of_20_debits_of_100_from_500_takes_exactly_5",
    "loyalty.ledger.statements.CREDIT_AT_ONCE": f"{POSTING}::TestAward::test_of_40_powers_of_two_each_handed_in_twice_lands_each_once",
    "loyalty.queries.ledger.due_wallets_locked": f"{RACES}::TestExpireDue::test_four_workers_let_each_lot_lapse_once",
    "loyalty.order_reversals.lock": f"{POSTING}::TestRefund::test_of_a_passer_bys_order_never_gives_back_more_than_was_paid",
    "rewards.draw_rounds.lock_draw": f"{ROWS}::TestDraws::test_one_round_is_open",
    "rewards.draw_rounds.lock_open": f"{ROWS}::TestDraws::test_tickets_are_numbered_one_after_the_other",
    "rewards.fulfilment._use_vouchers": f"{ROWS}::TestVouchers::test_one_that_is_being_handed_out_is_not_voided",
    "rewards.giving._rewards": f"{ROWS}::TestStock::test_the_last_piece_is_given_once",
    "rewards.giving.take_back": f"{ROWS}::TestRedemptions::test_what_an_order_brought_is_taken_back_from_whoever_holds_it",
    "rewards.guessing.miss": f"{ROWS}::TestVouchers::test_no_wrong_code_is_forgotten",
    "rewards.pools.TAKE": "tests/rewards/test_redemption_races.py::TestPool::test_what_others_take_at_this_moment_is_passed_over",
    "rewards.redemption.lock": f"{ROWS}::TestRedemptions::test_a_draft_that_is_timing_out_is_not_issued",
    "rewards.stock.TAKE": f"{REWARDS}::TestStock::test_ten_pieces_go_to_ten_of_two_hundred",
    "rewards.stock.lock_shelves": "tests/rewards/test_lock_order.py::test_drafts_that_time_out_lock_all_shelves_before_they_give_back",
    "rewards.stock._changed": f"{ROWS}::TestStock::test_what_comes_in_does_not_undo_what_goes_out",
    "rewards.timeouts._give_back": f"{ROWS}::TestRedemptions::test_a_draft_that_is_being_issued_does_not_time_out",
    "rewards.voucher_locks.lock_holder": f"{ROWS}::TestWallets::test_a_holders_reference_is_of_one_use",
    "rewards.voucher_locks.lock_owner": f"{ROWS}::TestWallets::test_use_and_cancel_never_wait_crosswise",
    "rewards.voucher_locks.lock_redemption": f"{ROWS}::TestRedemptions::test_the_last_two_holders_close_it",
    "rewards.voucher_orders._locked": f"{ROWS}::TestVouchers::test_one_that_an_order_names_is_not_taken_back",
    "rewards.voucher_returns._locked": f"{ROWS}::TestRedemptions::test_what_comes_back_with_an_order_opens_it_again",
    "rewards.vouchers.void_all": f"{ROWS}::TestVouchers::test_one_that_is_being_voided_is_not_used",
    "rewards.wish_telling._DECIDE": "tests/rewards/test_wishes.py::TestRaces::test_two_workers_tell_everybody_once[1]",
}

# The same lock of the member's wallets once more, where it keeps limits of rewards and draws.
LIMITS = {
    f"{ROWS}::TestWallets::test_who_has_counted_towards_the_limit_takes_it",
    f"{ROWS}::TestWallets::test_who_has_counted_goes_has_the_last",
}
LOST = [
    *NOTICED_BY.items(),
    *(("loyalty.ledger.statements.LOCK_BY_MEMBER", race) for race in sorted(LIMITS)),
]

# What the lock of the member's wallet covers already: these keep the row's own reader up to date when a merge has moved
# it meanwhile, have many rows locked in id order, or are of a single row that people in the console change. Nothing of
# value hangs on them.
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
    "rewards.catalogue.change",
    "rewards.draw_tickets.take_back",
    "rewards.giving.lock_given",
    "rewards.membership._lock",
    "rewards.offers.change",
    "rewards.pictures.keep",
    "rewards.projects.change",
    "rewards.variants.change",
    # The shelf is asked again when pieces are taken: by a condition, or by `giving` under its own lock.
    "rewards.draw_rounds._set_aside",
    "rewards.giving.stock_of",
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
    @pytest.mark.parametrize(("key", "race"), LOST)
    def test_a_race_is_lost(self, copy: Path, key: str, race: str) -> None:
        (lock,) = (each for each in locks() if each.key == key)
        file = copy / lock.file
        text = file.read_text(encoding="utf-8")

        file.write_text(lock.unlocked, encoding="utf-8")
        try:
            assert self.is_lost(copy, race)
        finally:
            file.write_text(text, encoding="utf-8")
        record(guard=f"lock of `{key}`", found_by=race)

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
