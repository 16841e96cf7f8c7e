"""Reading the presets: each is a file of data in `preset_data`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from members.errors import NotFound

FOLDER = Path(__file__).resolve().parent / "preset_data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A program that is ready to be used: its name, and its data in both languages."""

    name: str
    data: Mapping[str, Any]

    def words(self) -> dict[str, Any]:
        """The data in the language of the reader."""
        language = get_language() or settings.LANGUAGE_CODE
        words: dict[str, Any] = _in_language(self.data, language)
        return words

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self.words()["title"])

    @property
    def summary(self) -> str:
        """What it does, in one sentence."""
        return str(self.words()["summary"])


@lru_cache(maxsize=1)
def presets() -> Mapping[str, Preset]:
    """All presets by name, in the order in which they are offered."""
    found = []
    for file in FOLDER.glob("*.json"):
        data = json.loads(file.read_text(encoding="utf-8"))
        found.append((data["position"], Preset(name=file.stem, data=data)))
    return {preset.name: preset for _position, preset in sorted(found, key=lambda each: each[0])}


def preset(name: str) -> Preset:
    """One preset. Raises NotFound."""
    found = presets().get(name)
    if found is None:
        raise NotFound(_("Preset"))
    return found


def _in_language(data: Any, language: str) -> Any:
    """Texts that are there in several languages become the one that is asked for."""
    if isinstance(data, Mapping):
        if set(data) == {"zh-hans", "en"}:
            return data.get(language, data["en"])
        return {name: _in_language(value, language) for name, value in data.items()}
    if isinstance(data, list):
        return [_in_language(value, language) for value in data]
    return data
