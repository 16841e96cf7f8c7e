"""`make prove`: every proof at full size, and the report in docs/trust.md.

`make prove ARGS="--only crash --awards 2000"` runs a part of it, `make prove SEED=7` looks at one block of histories again,
step by step. The report says of every part what its last run found; the exit code is not zero when a proof failed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from tests.prove import report
from tests.prove.report import Outcome
from tests.prove.sizes import BLOCK

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = ROOT / ".data" / "prove"
SAY_EVERY_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Part:
    """One proof: what pytest runs for it, and with which sizes."""

    name: str
    tests: tuple[str, ...]
    sizes: dict[str, int] = field(default_factory=dict)
    copies: int = 1


def parts(asked: argparse.Namespace) -> list[Part]:
    """Every part in the order in which they run."""
    each = -(-asked.histories // asked.processes)
    races = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("tests/**/test_*races.py"))
    histories = {
        "histories": each,
        "steps": asked.steps,
        "seed": asked.seed,
        "minutes": asked.minutes,
    }
    return [
        Part("guards", ("tests/prove/test_guards.py", "tests/loyalty/test_append_only.py")),
        Part("input", ("tests/prove/test_input.py", "tests/prove/test_delivery.py")),
        Part("races", tuple(races), {"reversals": 500, "gifts": 500, "goes": 500}),
        Part("locks", ("tests/prove/test_locks.py",), {"locks": 1}),
        Part("histories", ("tests/loyalty/test_model.py",), histories, copies=asked.processes),
        Part(
            "bank",
            ("tests/prove/test_bank.py",),
            {"operations": asked.operations, "clients": asked.clients, "seed": asked.seed},
        ),
        Part(
            "crash", ("tests/prove/test_crash.py",), {"awards": asked.awards, "kills": asked.kills}
        ),
    ]


def main() -> int:
    asked = _arguments()
    wanted = [part for part in parts(asked) if not asked.only or part.name in asked.only]
    outcomes = []
    for part in wanted:
        outcomes.append(_run(part))
        report.keep(outcomes[-1], KEPT)
        report.write([each.name for each in parts(asked)], KEPT, ROOT / "docs" / "trust.md")
    failed = [outcome.name for outcome in outcomes if not outcome.is_proved]
    _say(f"Not proved: {', '.join(failed)}" if failed else "Proved.")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="make prove", description=__doc__)
    names = ("guards", "input", "races", "locks", "histories", "bank", "crash")
    asked.add_argument("--only", action="append", choices=names, help="this part (again for more)")
    asked.add_argument("--histories", type=int, default=10_000)
    asked.add_argument("--minutes", type=int, default=600, help="for histories at most")
    asked.add_argument("--steps", type=int, default=15, help="of one history")
    asked.add_argument("--processes", type=int, default=2, help="that live through histories")
    asked.add_argument("--operations", type=int, default=50_000, help="of the bank's clients")
    asked.add_argument("--clients", type=int, default=50)
    asked.add_argument("--awards", type=int, default=10_000)
    asked.add_argument("--kills", type=int, default=20)
    asked.add_argument("--seed", type=int, default=1, help="of the first block of histories")
    asked.add_argument("--again", action="store_true", help="one block, looked at step by step")
    found = asked.parse_args()
    if found.again:
        found.only, found.histories, found.processes = ["histories"], BLOCK, 1
        os.environ["PROVE_WATCH"] = "1"
    return found


def _run(part: Part) -> Outcome:
    """Run a part in as many processes as it has copies."""
    _say(f"==> {part.name}: {', '.join(f'{size} {name}' for name, size in part.sizes.items())}")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="jifen-proofs-") as folder:
        record = Path(folder, "record")
        record.touch()
        running = [_start(part, number, record) for number in range(part.copies)]
        while any(process.poll() is None for process in running):
            _wait(running, SAY_EVERY_SECONDS)
            _say(f"    {time.monotonic() - started:.0f} s {report.progress(_read(record))}")
        is_proved = all(process.returncode == 0 for process in running)
        _say(f"    {'proved' if is_proved else 'FAILED'}")
        seconds = time.monotonic() - started
        tests = sum(_tests(file) for file in Path(folder).glob("*.xml"))
        return Outcome(part.name, is_proved, round(seconds), tests, list(_read(record)))


def _start(part: Part, number: int, record: Path) -> subprocess.Popen[bytes]:
    sizes = {f"PROVE_{name.upper()}": str(size) for name, size in part.sizes.items()}
    if "seed" in part.sizes and number:
        blocks = -(-part.sizes.get("histories", 0) // BLOCK)
        sizes["PROVE_SEED"] = str(part.sizes["seed"] + number * blocks)
    noted = record.with_name(f"{number}.xml")
    # What pytest-django puts behind the name of the test database, so that each copy has its own.
    own = {"PROVE_RECORD": str(record), "TOX_PARALLEL_ENV": f"prove_{part.name}{number}"}
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-n0", "-q", f"--junit-xml={noted}", *part.tests],
        cwd=ROOT,
        env={**os.environ, **sizes, **own},
    )


def _tests(file: Path) -> int:
    """How many tests were run."""
    suite = ElementTree.parse(file).getroot()[0]
    return int(suite.attrib["tests"]) - int(suite.attrib["skipped"])


def _wait(running: list[subprocess.Popen[bytes]], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(process.poll() is None for process in running):
        time.sleep(0.5)


def _read(record: Path) -> Iterator[dict[str, object]]:
    for line in record.read_text(encoding="utf-8").splitlines():
        yield json.loads(line)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command


if __name__ == "__main__":
    sys.exit(main())
