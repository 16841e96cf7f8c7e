"""The report of `make prove`: what is promised, how each is proved, what the last run found."""

import json
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
Record = dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """What became of a part: whether it was proved, how long it took, what its tests noted, when and on what."""

    name: str
    is_proved: bool
    seconds: int
    tests: int
    records: list[Record]
    at: str = ""
    commit: str = ""

    def total(self, figure: str) -> int:
        return total(self.records, figure)


def keep(outcome: Outcome, folder: Path) -> None:
    """Remember the last outcome of each part."""
    outcome.at, outcome.commit = f"{datetime.now(UTC):%Y-%m-%d %H:%M}", _commit()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{outcome.name}.json").write_text(json.dumps(asdict(outcome)), encoding="utf-8")


def _kept(names: list[str], folder: Path) -> list[Outcome]:
    files = [folder / f"{name}.json" for name in names]
    return [
        Outcome(**json.loads(file.read_text(encoding="utf-8"))) for file in files if file.exists()
    ]


def total(records: Iterable[Record], figure: str) -> int:
    return sum(int(each.get(figure, 0)) for each in records)


def progress(records: Iterable[Record]) -> str:
    """What was noted so far, as a few words."""
    found = list(records)
    figures = {name: total(found, name) for name in ("histories", "steps", "operations", "awards")}
    return ", ".join(f"{number} {name}" for name, number in figures.items() if number)


# Promise, and how it is proved.
PROMISES = [
    (
        "A figure is what the rules say, after any history",
        (
            "A small reference model without Django or SQL (`tests/loyalty/model.py`), lives through the same"
            " histories as the ledger: awards with dates, spends, holds, refunds, returns, gifts, adjustments, merges,"
            " forfeits, a moving clock, nights that come late. Figures, lots in spending order, entries with their balances and"
            " every refusal with its data must be equal (`tests/loyalty/histories.py`)."
        ),
    ),
    (
        "The same reference counts once",
        (
            "In the histories a third of all calls come again, come again with other points (`reference_reused`) or are"
            " undone from outside; in the races one reference is handed in 160 times at once."
        ),
    ),
    (
        "Nobody spends a point twice",
        (
            "Races over real connections; each has a twin with its guard switched off that must show the damage. Every"
            " statement that locks is taken away in turn, and a race must fail (`tests/prove/test_locks.py`)."
        ),
    ),
    (
        "The books agree at every moment",
        (
            "A bank of 100 wallets and 50 clients that do everything at once, while somebody keeps reading the whole books in"
            " one snapshot (`tests/prove/test_bank.py`). No deadlock reaches a client."
        ),
    ),
    (
        "What was acknowledged is there, once",
        (
            "`kill -9` of the web server, the worker, PostgreSQL and single database processes while a client that retries"
            " hands out powers of two, so that each sum shows which awards landed and how often (`tests/prove/test_crash.py`)."
        ),
    ),
    (
        "The database holds the line, whoever writes",
        (
            "Every CHECK, unique key, foreign key and trigger of the ledger's tables, as the catalogue lists them, is broken"
            " once and says no; then it is removed, and the same proof must fail (`tests/prove/test_guards.py`)."
        ),
    ),
    (
        "The order in which news comes does not matter",
        (
            "Orders, refunds and completions of the same days, told in any order and twice, leave the same wallet"
            " (`tests/prove/test_delivery.py`)."
        ),
    ),
    (
        "Nonsense is refused and leaves no trace",
        (
            "Amounts that are no positive whole numbers below 2^63, naive times, sums past the limit, unknown and closed"
            " members: refused with a code, nothing written (`tests/prove/test_input.py`)."
        ),
    ),
]

_FIGURES = {
    "histories": ("histories", "steps", "refused"),
    "bank": ("operations", "refused", "looks"),
    "crash": ("awards", "kills", "retries"),
}


def write(names: list[str], folder: Path, file: Path) -> None:
    """Write the report of what was kept of these parts."""
    outcomes = _kept(names, folder)
    lines = [
        "# Why the figures can be trusted",
        "",
        (
            "Written by `make prove`; nobody edits this page. Run it yourself: `make prove` (all of it),"
            ' `make prove ARGS="--only crash --awards 2000"` (a part), `make prove SEED=7` (one block of histories again,'
            " looked at after every step). A small share of each proof is part of `make test`."
        ),
        "",
        f"Last run on {_machine()}; commits with a + had changes that were not committed yet.",
        "",
        "## What is promised, and how it is proved",
        "",
        "| promise | proof |",
        "|---|---|",
        *(f"| {promise} | {proof} |" for promise, proof in PROMISES),
        "",
        "## What the last run did",
        "",
        "| part | result | figures | seconds | when (UTC) | commit |",
        "|---|---|---|---|---|---|",
        *(_row(each) for each in outcomes),
        "",
        "## Guards taken away, and what noticed",
        "",
        *_mutations(outcomes),
    ]
    file.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _commit() -> str:
    return _git("rev-parse", "--short=10", "HEAD") + ("+" if _git("status", "--porcelain") else "")


def _git(*words: str) -> str:
    command = ["git", "--no-optional-locks", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _machine() -> str:
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    models = [line.partition(":")[2].strip() for line in info.splitlines() if "model name" in line]
    processor = models[0] if models else platform.machine()
    return f"{len(models)} × {processor}, Linux {platform.release()}, Python {platform.python_version()}"


def _row(outcome: Outcome) -> str:
    figures = [f"{outcome.total(name):,} {name}" for name in _FIGURES.get(outcome.name, ())]
    if outcome.name in {"guards", "locks"}:
        figures = [f"{len(outcome.records)} taken away and noticed"]
    figures = figures or [f"{outcome.tests} tests"]
    result = "proved" if outcome.is_proved else "**FAILED**"
    found = f"{', '.join(figures)} | {outcome.seconds} | {outcome.at} | {outcome.commit}"
    return f"| {outcome.name} | {result} | {found} |"


def _mutations(outcomes: list[Outcome]) -> list[str]:
    rows = [
        f"| {each['guard']} | {each['found_by']} |"
        for outcome in outcomes
        for each in outcome.records
        if "guard" in each
    ]
    return ["| guard | proof that failed without it |", "|---|---|", *sorted(rows)]
