"""Keeps the message catalogues in step with code and templates: `python -m portal.i18n extract|compile`.

For developers: needs Babel, which no installation of the product has. Speaking a language: portal.i18n.
"""

import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from portal.i18n import DOMAIN, FOLDER, NAMES, SOURCE

ROOT = Path(__file__).parent
_METHODS = [("**/templates/**.html", "jinja2"), ("**/templates/**.txt", "jinja2"), ("**.py", "python")]
_OPTIONS = {"jinja2": {"silent": "false", "trimmed": "true", "extensions": "jinja2.ext.do"}}
_KEYWORDS = {
    "_": None, "N_": None, "gettext": None, "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip
_NOISE = ('"POT-Creation', '"PO-Revision', '"Generated-By', '"Report-Msgid', '"Last-Translator', '"Language-Team')
_NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)
_USAGE = "usage: python -m portal.i18n extract|compile"


def translated() -> Iterator[str]:
    """The codes of the languages that have a catalogue."""
    yield from (code for code in NAMES if code != SOURCE)


def po_path(code: str) -> Path:
    """Where a language's words stand."""
    return FOLDER / code / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(code: str) -> Catalog:
    """A language's catalogue as it stands; an empty one when there is none yet."""
    if not po_path(code).exists():
        return Catalog(locale=code, domain=DOMAIN, fuzzy=False)
    with po_path(code).open("rb") as file:
        catalogue = read_po(file, locale=code, domain=DOMAIN)
    # Babel puts the present moment into every header that has no date; the same words shall give the same file.
    catalogue.creation_date = catalogue.revision_date = _NO_DATE
    return catalogue


def in_use() -> Catalog:
    """Every message that code and templates use now."""
    found = Catalog(domain=DOMAIN)
    options = {pattern: _OPTIONS.get(method, {}) for pattern, method in _METHODS}
    for name, _line, message, comments, context in extract_from_dir(
        ROOT, _METHODS, options, _KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True
    ):
        if message and (message if isinstance(message, str) else message[0]):
            found.add(message, locations=[(f"portal/{name}", 0)], auto_comments=comments, context=context)
    return found


def missing(code: str) -> list[str]:
    """Messages in use that this language cannot say yet, sorted."""
    have = read(code)
    lacking: list[str] = []
    for message in in_use():
        if not message.id:
            continue
        own = have.get(message.id, message.context)
        words = own.string if own is not None else ""
        if not words or (isinstance(words, (tuple, list)) and not all(words)):
            lacking.append(message.id if isinstance(message.id, str) else message.id[0])
    return sorted(lacking)


def extract(code: str) -> None:
    """Rewrite a language's catalogue: new messages empty, known ones kept, unused ones gone."""
    catalogue = read(code)
    catalogue.update(in_use(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.project, catalogue.version = DOMAIN, ""
    catalogue.header_comment = f"# What Vocha says, in {NAMES[code]}. New messages: python -m portal.i18n extract"
    catalogue.fuzzy = False
    text = io.BytesIO()
    # No dates, no line numbers: the file changes only when words do.
    write_po(text, catalogue, width=100, sort_output=True, include_lineno=False, omit_header=False)
    kept = [line for line in text.getvalue().decode().splitlines() if not line.startswith(_NOISE)]
    po_path(code).parent.mkdir(parents=True, exist_ok=True)
    po_path(code).write_text("\n".join(kept) + "\n", encoding="utf-8")


def compiled(code: str) -> bytes:
    """The .mo that belongs to the .po as it stands."""
    target = io.BytesIO()
    write_mo(target, read(code))
    return target.getvalue()


def compile_all() -> None:
    """Write every .mo."""
    for code in translated():
        po_path(code).with_suffix(".mo").write_bytes(compiled(code))


def main(words: Sequence[str]) -> int:
    """The command; returns its exit status. After extracting it says what still waits for a translator."""
    if list(words) not in (["extract"], ["compile"]):
        print(_USAGE)  # noqa: T201
        return 2
    if words[0] == "extract":
        for code in translated():
            extract(code)
            lacking = missing(code)
            print(f"{code}: {len(lacking)} messages without a translation", *lacking, sep="\n  ")  # noqa: T201
    compile_all()
    return 0
