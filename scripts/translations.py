"""Brings the catalogues up to date with the texts in the code: `python scripts/translations.py`.

It extracts every text, merges them into `idp/web/locale/*.po` (translations stay, texts that are gone go) and lists
what has no translation yet. With `--check` it writes nothing and fails when anything is missing or out of date.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

# Of the tree that this file stands in, wherever another one may be installed from.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from idp.languages import LANGUAGES, SOURCE_LANGUAGE

SOURCES = Path(__file__).resolve().parent.parent / "idp"
FOLDER = SOURCES / "web" / "locale"
METHODS = [("**.py", "python"), ("web/templates/**.html", "jinja2"), ("web/mails/**", "jinja2")]
KEYWORDS = {"_": None, "translatable": None, "gettext": None, "ngettext": (1, 2)}
OPTIONS = {name: {"encoding": "utf-8", "newstyle_gettext": "true"} for name, _ in METHODS[1:]}
# Not those of CLDR where they have a form for millions: nothing here is counted so far.
TWO_FORMS = {"fr": "(n > 1)", "es": "(n != 1)", "pt": "(n > 1)"}
HEADER = "# {name} ({tag}): written by scripts/translations.py; edit the translations alone."


def extract() -> Catalog:
    """Return a catalogue of all texts, with the files that they are in."""
    found = Catalog(fuzzy=False)
    extracted = extract_from_dir(SOURCES, METHODS, OPTIONS, KEYWORDS, comment_tags=())
    for file, _line, text, _comments, context in sorted(extracted, key=lambda each: (each[0], each[1])):
        # Without lines: else every change of a template would be one of all catalogues.
        found.add(text, locations=[(file.replace("\\", "/"), 0)], context=context)
    return found


def merge(tag: str, texts: Catalog) -> Catalog:
    """Return a language's catalogue of exactly these texts; nothing is guessed from texts that are alike."""
    path = FOLDER / f"{tag}.po"
    locale = tag.replace("-", "_")
    known = Catalog(locale=locale)
    if path.exists():
        with path.open("rb") as file:
            known = read_po(file, locale=locale)
    merged = Catalog(locale=locale, header_comment=HEADER.format(name=LANGUAGES[tag], tag=tag), fuzzy=False)
    if tag in TWO_FORMS:
        merged.mime_headers = [("Plural-Forms", f"nplurals=2; plural={TWO_FORMS[tag]};")]
    for message in texts:
        if message.id:
            old = known.get(message.id, message.context)
            string = old.string if old is not None and _is_alike(old, message) else None
            merged.add(message.id, string, locations=dict.fromkeys(message.locations), context=message.context)
    return merged


def _is_alike(old: Message, new: Message) -> bool:
    return old.pluralizable == new.pluralizable


def missing(catalog: Catalog) -> Iterator[str]:
    """Yield the texts that have no translation, or not in every number."""
    for message in catalog:
        strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.id and not (strings and all(strings)):
            yield message.id[0] if isinstance(message.id, tuple | list) else message.id


def written(catalog: Catalog) -> bytes:
    """Return a catalogue as a file, the same at all times."""
    file = BytesIO()
    write_po(file, catalog, width=120, omit_header=False, include_lineno=False)
    head = ("POT-Creation-Date", "PO-Revision-Date", "Generated-By", "Last-Translator", "Report-Msgid-Bugs-To")
    lines = file.getvalue().decode().splitlines(keepends=True)
    skipped = ("Project-Id-Version", "Language-Team", *head)
    return "".join(line for line in lines if not line.startswith(tuple(f'"{name}' for name in skipped))).encode()


def main(arguments: list[str]) -> int:
    """Write, or only check, the catalogues; return the exit code."""
    check, texts, code = "--check" in arguments, extract(), 0
    lacking: dict[str, list[str]] = {}
    for tag in LANGUAGES:
        if tag == SOURCE_LANGUAGE:
            continue
        path, merged = FOLDER / f"{tag}.po", merge(tag, texts)
        content = written(merged)
        if check and (not path.exists() or path.read_bytes() != content):
            print(f"{path.name} is out of date: run python scripts/translations.py")
            code = 1
        elif not check:
            path.write_bytes(content)
        for text in missing(merged):
            lacking.setdefault(text, []).append(tag)
    for text, tags in lacking.items():
        print(f"{text!r} is not translated: {', '.join(tags)}")
    return 1 if lacking else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
