"""How far a proof goes: a small share of it in every test run, all of it in `make prove`."""

import json
import os
from pathlib import Path
from typing import Any

# So many histories hang on one seed: few enough to look at again.
BLOCK = 50


def size(name: str, usual: int) -> int:
    """The number that `make prove` asks for (PROVE_HISTORIES=10000), else the usual one."""
    return int(os.environ.get(f"PROVE_{name.upper()}", usual))


def record(**figures: Any) -> None:
    """Note what was proved for the report of `make prove`."""
    file = os.environ.get("PROVE_RECORD")
    if file:
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(figures) + "\n")
