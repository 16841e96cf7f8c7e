"""Every statement of the loyalty app that locks rows, and what notices when it does not.

The list comes from the code, so that a lock which nobody tries to do without is noticed.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = "loyalty"
_IN_SQL = re.compile(r"\s*FOR NO KEY UPDATE(?: OF w)?(?: SKIP LOCKED)?")
_IN_ORM = re.compile(r"\.select_for_update\([^()]*(?:\([^()]*\)[^()]*)*\)")


@dataclass(frozen=True, slots=True)
class Lock:
    """One place where rows are locked: the file, what encloses it, and where in the text it stands."""

    file: str
    inside: str
    start: int
    end: int

    @property
    def key(self) -> str:
        return f"{self.file.removesuffix('.py').replace('/', '.')}.{self.inside}"

    def without(self, text: str) -> str:
        """The file's text without the lock."""
        return text[: self.start] + text[self.end :]


def locks() -> list[Lock]:
    """Every lock of the app."""
    return [lock for path in sorted((ROOT / FOLDER).rglob("*.py")) for lock in _locks_in(path)]


def _locks_in(path: Path) -> Iterator[Lock]:
    if "migrations" in path.parts:
        return
    text = path.read_text(encoding="utf-8")
    for pattern in (_IN_SQL, _IN_ORM):
        for found in pattern.finditer(text):
            line = text.count("\n", 0, found.end()) + 1
            yield Lock(str(path.relative_to(ROOT)), _enclosing(text, line), *found.span())


def _enclosing(text: str, line: int) -> str:
    """The function, or the constant, on this line."""
    for node in ast.parse(text).body:
        assert node.end_lineno is not None
        if node.lineno <= line <= node.end_lineno:
            if isinstance(node, ast.Assign):
                return ast.unparse(node.targets[0])
            return getattr(node, "name", "")
    return ""
