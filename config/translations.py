"""The Chinese catalogue: what has to be translated, what is, and the compiled form Django reads.

Works on Babel alone, so that nobody has to install gettext. English msgids are the source and need
no catalogue of their own.
"""

import re
from collections.abc import Iterator
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

LOCALE = "zh_Hans"
OURS = ("campaigns", "config", "loyalty", "members", "rewards", "templates")
# Libraries whose pages people see and whose own Chinese is missing or has gaps: what they lack is
# wanted in our catalogue, read from the installed version, so that an upgrade cannot bring English
# back unseen.
BORROWED = (
    "django/contrib/admin/templates",
    "django/contrib/auth",
    "unfold",
    "unfold/contrib/filters",
    "unfold/contrib/import_export",
    "import_export",
    "django_celery_beat",
    "rest_framework_api_key",
    "allauth/account",
    "allauth/templates/account",
)
# A name may end in _lazy or _noop; the context of a message is marked "c" for Babel.
FUNCTIONS: dict[str, tuple[int | tuple[int, str], ...]] = {
    "_": (1,),
    "gettext": (1,),
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
KEYWORDS = {
    f"{name}{suffix}": arguments
    for name, arguments in FUNCTIONS.items()
    for suffix in ("", "_lazy", "_noop")
}
HEADER = """\
msgid ""
msgstr ""
"Project-Id-Version: Jifen\\n"
"Language: zh_Hans\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"

"""
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[.0-9]*[sdfr]|(?<!{){\w*}")


def po_path() -> Path:
    """The one catalogue people edit."""
    return Path(settings.BASE_DIR) / "locale" / LOCALE / "LC_MESSAGES" / "django.po"


def wanted() -> Catalog:
    """Every message of our code and templates, and the borrowed ones without Chinese of their own.

    Messages keep the order of their files and carry the file as a comment, but no line: a moved
    line is no change of the catalogue.
    """
    catalog = Catalog(locale=LOCALE)
    for root in OURS:
        _collect(catalog, Path(settings.BASE_DIR) / root, prefix=root)
    known = _translated_by_libraries()
    borrowed = Catalog(locale=LOCALE)
    for root in BORROWED:
        _collect(borrowed, _installed(root), prefix=root)
    for message in borrowed:
        if message.id and _key(message) not in known and not _found(catalog, message):
            catalog[message.id] = message
    return catalog


def stored() -> Catalog:
    """The catalogue as it is on disk."""
    with po_path().open("rb") as file:
        return read_po(file, locale=LOCALE)


def update() -> Catalog:
    """Bring the catalogue in step with the code: new messages empty, vanished ones dropped."""
    catalog = wanted()
    if po_path().exists():
        translations = stored()
        for message in catalog:
            if message.id and (before := _found(translations, message)):
                message.string = before.string
                message.flags |= before.flags & {"fuzzy"}
    save(catalog)
    return catalog


def save(catalog: Catalog) -> None:
    """Write the .po file, without dates and line numbers."""
    body = BytesIO()
    write_po(body, catalog, width=99, omit_header=True, include_lineno=False)
    po_path().parent.mkdir(parents=True, exist_ok=True)
    po_path().write_text(HEADER + body.getvalue().decode().lstrip("\n"), encoding="utf-8")


def is_translated(message: Message) -> bool:
    """Whether there is a text, and nobody doubts it."""
    return bool(message.id and all(_texts(message)) and not message.fuzzy)


def compile_catalog() -> bool:
    """Write the .mo file beside the .po; False when it was fresh already."""
    target = po_path().with_suffix(".mo")
    if target.exists() and target.stat().st_mtime >= po_path().stat().st_mtime:
        return False
    # Renamed into place, so that two processes starting at once never read half a file.
    part = target.with_suffix(f".{id(target)}.part")
    with part.open("wb") as file:
        write_mo(file, stored())
    part.replace(target)
    return True


def problems() -> Iterator[str]:
    """Each message that is not ready to be shown in Chinese, with the reason."""
    if not po_path().exists():
        yield f"{po_path()} is missing."
        return
    expected, translations = wanted(), stored()
    for message in expected:
        if message.id:
            yield from _problems_of(message, _found(translations, message))
    for message in [*translations, *translations.obsolete.values()]:
        if message.id and not _found(expected, message):
            yield f"obsolete, no code asks for it: {_title(message)}"


def _problems_of(message: Message, translation: Message | None) -> Iterator[str]:
    if translation is None:
        yield f"missing in the catalogue: {_title(message)} ({_place(message)})"
        return
    if translation.fuzzy:
        yield f"fuzzy: {_title(message)} ({_place(message)})"
    elif not is_translated(translation):
        yield f"no Chinese: {_title(message)} ({_place(message)})"
        return
    source = message.id if isinstance(message.id, str) else message.id[-1]
    placeholders = sorted(set(PLACEHOLDER.findall(source.replace("%%", ""))))
    for text in _texts(translation):
        if sorted(set(PLACEHOLDER.findall(text.replace("%%", "")))) != placeholders:
            yield f"other placeholders than {placeholders}: {_title(message)}"


def _collect(catalog: Catalog, root: Path, *, prefix: str) -> None:
    for path in sorted(root.rglob("*")):
        place = path.relative_to(root)
        # A library's `contrib` holds apps of their own, listed by name when they are installed.
        if "contrib" in place.parts or "migrations" in place.parts:
            continue
        for message, context in _messages_of(path):
            catalog.add(message, locations=[(f"{prefix}/{place}", 1)], context=context)


def _messages_of(path: Path) -> Iterator[tuple[str | tuple[str, ...], str | None]]:
    if path.suffix == ".py":
        source = path.read_text(encoding="utf-8")
    elif path.suffix in {".html", ".txt"} and "templates" in path.parts:
        # Django turns a template into something like Python, with every other letter an X; without
        # the indentation it is Python enough for Babel.
        text = templatize(path.read_text(encoding="utf-8"), origin=str(path))
        source = "\n".join(line.strip() for line in text.splitlines())
    else:
        return
    options = {"encoding": "utf-8"}
    for _line, message, _comments, context in extract(
        "python", BytesIO(source.encode()), KEYWORDS, options=options
    ):
        yield message, context


def _translated_by_libraries() -> set[tuple[str, str | None]]:
    known = set()
    for name in sorted({root.split("/")[0] for root in BORROWED}):
        for path in sorted(_installed(name).rglob(f"{LOCALE}/LC_MESSAGES/django.po")):
            with path.open("rb") as file:
                catalog = read_po(file, locale=LOCALE)
            known |= {_key(message) for message in catalog if is_translated(message)}
    return known


def _installed(root: str) -> Path:
    package, _separator, rest = root.partition("/")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise LookupError(package)
    return Path(spec.origin).parent / rest


def _found(catalog: Catalog, message: Message) -> Message | None:
    # Babel finds a message by its singular; one that gained or lost its plural is another message.
    found = catalog.get(message.id, message.context)
    return found if found is not None and found.id == message.id else None


def _texts(message: Message) -> tuple[str, ...]:
    text = message.string or ""
    return (text,) if isinstance(text, str) else tuple(text)


def _key(message: Message) -> tuple[str, str | None]:
    return (message.id if isinstance(message.id, str) else message.id[0], message.context)


def _title(message: Message) -> str:
    return repr(_key(message)[0])


def _place(message: Message) -> str:
    return ", ".join(sorted({str(path) for path, _line in message.locations}))
