"""What `make prove` writes, and what it runs."""

import argparse
from pathlib import Path

from tests.prove import report
from tests.prove.report import Outcome
from tests.prove.run import parts

ASKED = argparse.Namespace(
    histories=10,
    processes=3,
    steps=5,
    seed=7,
    minutes=1,
    operations=1,
    clients=1,
    awards=1,
    kills=1,
)


class TestWrite:
    def test_says_of_each_part_what_its_last_run_found(self, tmp_path: Path) -> None:
        noted = {"guard": "lot_points_positive", "found_by": "a test"}
        report.keep(Outcome("guards", True, 3, 5, [noted]), tmp_path)
        report.keep(Outcome("crash", True, 60, 1, [{"awards": 400, "kills": 4}]), tmp_path)
        report.keep(Outcome("input", True, 1, 9, []), tmp_path)
        report.keep(Outcome("input", False, 2, 9, []), tmp_path)

        report.write(["guards", "input", "bank", "crash"], tmp_path, tmp_path / "trust.md")

        rows = (tmp_path / "trust.md").read_text(encoding="utf-8").splitlines()
        (guards,) = (row for row in rows if row.startswith("| guards |"))
        assert guards.startswith("| guards | proved | 1 taken away and noticed | 3 | ")
        (crash,) = (row for row in rows if row.startswith("| crash |"))
        assert "400 awards, 4 kills, 0 retries" in crash
        (again,) = (row for row in rows if row.startswith("| input |"))
        assert again.startswith("| input | **FAILED** | 9 tests | 2 | ")
        assert not [row for row in rows if row.startswith("| bank |")]
        assert rows[-1] == "| lot_points_positive | a test |"


class TestParts:
    def test_name_tests_that_are_there(self) -> None:
        for part in parts(ASKED):
            assert part.tests
            assert all((report.ROOT / test).exists() for test in part.tests)

    def test_share_the_histories_out(self) -> None:
        (histories,) = (part for part in parts(ASKED) if part.name == "histories")

        assert (histories.copies, histories.sizes["histories"]) == (3, 4)
