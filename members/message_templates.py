"""The words of messages to members: what the apps bring along, and what the merchant made of it.

Each app names its templates in a list that `MESSAGE_TEMPLATES` in the settings points to. A row of MessageTemplate
counts once somebody has changed it; until then the words in the code do.
"""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.utils import formats, timezone, translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from members import validation
from members.errors import InvalidInput, NotFound
from members.models import MessageTemplate
from members.transactions import in_transaction

LANGUAGES: Mapping[str, str] = {"zh-hans": "zh", "en": "en"}
_TITLE = validation.text(longest=100, shortest=1)
_BODY = validation.text(longest=1_000, shortest=1)
_CHECKS = {"title_zh": _TITLE, "body_zh": _BODY, "title_en": _TITLE, "body_en": _BODY}
TEXTS = tuple(_CHECKS)

Texts = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A kind of message as an app brings it along.

    `samples` gives each {placeholder} a value to look at, `drawing` names the icon beside it.
    """

    code: str
    title_zh: str
    body_zh: str
    title_en: str
    body_en: str
    samples: Mapping[str, object] = field(default_factory=dict)
    drawing: str = "bell"


@dataclass(frozen=True, slots=True)
class Wording:
    """The words in force and whether messages of this kind are sent at all."""

    texts: Mapping[str, str]
    active: bool

    def rendered(self, data: Mapping[str, object]) -> Texts:
        """Title and text by language, with the data in the place of the placeholders."""
        return {
            language: {
                part: _filled(self.texts[f"{part}_{suffix}"], data, language)
                for part in ("title", "body")
            }
            for language, suffix in LANGUAGES.items()
        }


def all_templates() -> dict[str, Template]:
    """What the apps bring along, by code."""
    found: dict[str, Template] = {}
    for name in settings.MESSAGE_TEMPLATES:
        templates: Sequence[Template] = import_string(name)
        found |= {template.code: template for template in templates}
    return found


def template(code: str) -> Template:
    """One of them. Raises NotFound."""
    known = all_templates().get(code)
    if known is None:
        raise NotFound(_("Message template"))
    return known


def wording(code: str) -> Wording:
    """The words in force for a code that an app brings along."""
    default = all_templates()[code]
    changed = MessageTemplate.objects.filter(code=code, changed_at__isnull=False).first()
    said: Template | MessageTemplate = default if changed is None else changed
    return Wording(
        {name: getattr(said, name) for name in TEXTS}, changed is None or changed.active
    )


def seed() -> None:
    """Write down the words of the code for everybody to see; what was changed by hand stays."""
    rows = []
    for known in all_templates().values():
        texts = {name: getattr(known, name) for name in TEXTS}
        rows.append(MessageTemplate(code=known.code, **texts))
    MessageTemplate.objects.bulk_create(rows, ignore_conflicts=True)
    untouched = {row.code: row for row in MessageTemplate.objects.filter(changed_at__isnull=True)}
    stale = [row for row in rows if row.code in untouched and _differs(row, untouched[row.code])]
    for row in stale:
        MessageTemplate.objects.filter(code=row.code, changed_at__isnull=True).update(
            **{name: getattr(row, name) for name in TEXTS}
        )


def change(*, code: str, changes: Mapping[str, Any], by: str, at: datetime) -> MessageTemplate:
    """Change words (`title_zh`, `body_zh`, `title_en`, `body_en`) or whether it is sent (`active`).

    Messages sent before keep their words. Raises NotFound, and InvalidInput naming the field: `unknown_placeholder`,
    `unbalanced_braces`, or what is wrong with the text as such.
    """
    default = template(code)
    checked = check(template=default, texts={n: changes[n] for n in TEXTS if n in changes})
    if "active" in changes:
        checked["active"] = validation.flag(changes["active"], "/active")

    def work() -> MessageTemplate:
        seed()
        row = MessageTemplate.objects.select_for_update().get(code=code)
        for name, value in {**checked, "changed_by": by[:150], "changed_at": at}.items():
            setattr(row, name, value)
        row.save()
        return row

    return in_transaction(work)


def preview(*, code: str, texts: Mapping[str, str]) -> Texts:
    """How a message would read in these words, with sample data. Raises what `change` does."""
    known = template(code)
    now = wording(code)
    checked = check(template=known, texts=texts)
    return Wording({**now.texts, **checked}, now.active).rendered(known.samples)


def check(*, template: Template, texts: Mapping[str, Any]) -> dict[str, Any]:
    """The texts as they may be kept. Raises InvalidInput with the field as pointer."""
    checked: dict[str, Any] = {}
    for name, value in texts.items():
        pointer = f"/{name}"
        checked[name] = _CHECKS[name](value, pointer)
        _refuse_unknown(_placeholders(checked[name], pointer), template, pointer)
    return checked


def _placeholders(text: str, pointer: str) -> list[str]:
    """The names in braces, as they stand there."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        raise InvalidInput(
            pointer,
            "unbalanced_braces",
            _("A brace { or } has no partner. Write {{ or }} for a brace itself."),
        ) from None
    # With what may follow a name (":", "!"), which is not for people: it is no known name then.
    return [
        name + (f"!{conversion}" if conversion else "") + (f":{layout}" if layout else "")
        for _literal, name, layout, conversion in parts
        if name is not None
    ]


def _refuse_unknown(names: Sequence[str], template: Template, pointer: str) -> None:
    unknown = [name for name in names if name not in template.samples]
    if not unknown:
        return
    words = {
        "name": "{" + unknown[0] + "}",
        "known": " ".join("{" + name + "}" for name in template.samples) or "—",
    }
    raise InvalidInput(
        pointer,
        "unknown_placeholder",
        _("%(name)s is not known here. There are: %(known)s") % words,
    )


def _differs(one: MessageTemplate, other: MessageTemplate) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in TEXTS)


def _filled(text: str, data: Mapping[str, object], language: str) -> str:
    with translation.override(language):
        pieces = []
        for literal, name, _layout, _conversion in string.Formatter().parse(text):
            pieces.append(literal)
            if name is not None:
                pieces.append(_written(data[name]))
    return "".join(pieces)


def _written(value: object) -> str:
    """A value as people write it in the language that is active."""
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        zone = import_string(settings.PROGRAM)().zone
        return formats.date_format(timezone.localtime(value, zone), "DATETIME_FORMAT")
    if isinstance(value, date):
        return formats.date_format(value, "DATE_FORMAT")
    return str(value)
