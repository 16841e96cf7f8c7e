"""Every place of the apps loyalty and rewards that locks rows, and what notices when it does not.

The list comes from the code, so that a lock which nobody tries to do without is noticed. What a row decides by a
condition of its UPDATE is listed like a lock.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("loyalty", "rewards")
_IN_SQL = re.compile(r"\s*FOR (?:(?:NO KEY )?UPDATE|SHARE)(?: OF \w)?(?: SKIP LOCKED)?")
_IN_ORM = re.compile(r"\.select_for_update\([^()]*(?:\([^()]*\)[^()]*)*\)")
_IN_CONDITION = re.compile(r" AND \(stock IS NULL OR stock >= %\(pieces\)s\)")
# What takes the place of a lock whose answer is needed: in rewards the wallets of whoever owns something.
_OWNER = re.compile(r"owning\.lock_owner\(owner_of=(\w+)[^()]*\)")


@dataclass(frozen=True, slots=True)
class Lock:
    """What locks rows in one function or constant: the file, what encloses it, and how the text is without it."""

    file: str
    inside: str
    unlocked: str

    @property
    def key(self) -> str:
        return f"{self.file.removesuffix('.py').replace('/', '.')}.{self.inside}"


def locks() -> list[Lock]:
    """Every lock of the apps."""
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return [lock for path in paths for lock in _locks_in(path)]


def _locks_in(path: Path) -> Iterator[Lock]:
    if "migrations" in path.parts:
        return
    text = path.read_text(encoding="utf-8")
    file = str(path.relative_to(ROOT))
    places: dict[str, list[re.Match[str]]] = {}
    for found in _found(text, file):
        line = text.count("\n", 0, found.end()) + 1
        places.setdefault(_enclosing(text, line), []).append(found)
    for inside, matches in places.items():
        yield Lock(file, inside, _without(text, matches))


def _found(text: str, file: str) -> Iterator[re.Match[str]]:
    for pattern in (_IN_SQL, _IN_ORM, _IN_CONDITION):
        yield from pattern.finditer(text)
    if file.startswith("rewards"):
        yield from _OWNER.finditer(text)


def _without(text: str, matches: list[re.Match[str]]) -> str:
    for found in sorted(matches, key=lambda found: -found.start()):
        instead = found.expand(r"(\1(), None)") if found.re is _OWNER else ""
        text = text[: found.start()] + instead + text[found.end() :]
    return text


def _enclosing(text: str, line: int) -> str:
    """The function, or the constant, on this line."""
    for node in ast.parse(text).body:
        assert node.end_lineno is not None
        if node.lineno <= line <= node.end_lineno:
            if isinstance(node, ast.Assign):
                return ast.unparse(node.targets[0])
            return getattr(node, "name", "")
    return ""
