"""Every text that people see is in every catalogue: marked where it stands, extracted, translated, and with the same
places to fill in."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from jinja2 import Environment, nodes

import idp
from idp.languages import LANGUAGES, SOURCE_LANGUAGE
from idp.specs import SPECS
from idp.web.errors import STATUS_WORDS, WORDS
from scripts import translations

ROOT = Path(idp.__file__).parent
TEMPLATES = sorted(path.relative_to(ROOT / "web") for path in (ROOT / "web").rglob("*.html"))
OTHERS = [tag for tag in LANGUAGES if tag != SOURCE_LANGUAGE]
# Attributes that are read out or shown.
SHOWN = {"alt", "aria-label", "content", "placeholder", "title"}
# The viewport, the colours, a class and the like are said to browsers.
TO_BROWSERS = re.compile(r"width=device-width.*|light dark|#[0-9a-f]{6}|noindex|frame-wide|\d+;url=")
# Refusals, whose words are for the client's developer.
FOR_DEVELOPERS = {"AccessDenied", "ServerError", "TemporarilyUnavailable"}
# What answers broken HTTP, which no browser sends.
MODULES = sorted(path for path in (ROOT / "web").rglob("*.py") if path.name != "http_protocol.py")
PLACE = re.compile(r"%\(\w+\)s")
TAG = re.compile(r"<[^>]+>")


@cache
def texts() -> Catalog:
    """Return all texts as they are extracted now."""
    return translations.extract()


@cache
def catalogue(tag: str) -> Catalog:
    """Return a catalogue as it lies in the repository."""
    with (ROOT / "web" / "locale" / f"{tag}.po").open("rb") as file:
        return read_po(file, locale=tag.replace("-", "_"))


def strings(message: Message) -> list[str]:
    """Return the translations of a message, one for each number."""
    return list(message.string) if isinstance(message.string, tuple | list) else [str(message.string)]


class Shown(HTMLParser):
    """What a piece of HTML shows."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the attributes that are shown."""
        self.found += [value or "" for name, value in attrs if name in SHOWN or name.startswith("data-show")]

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.found.append(data)


def unmarked_in_html(source: str) -> list[str]:
    """Return the words of a template that no marker is around: between its tags, in attributes, in expressions."""
    tree = Environment(extensions=["jinja2.ext.i18n"]).parse(source)
    raw = "".join(data.data for data in tree.find_all(nodes.TemplateData))
    shown = [text.strip() for text in Shown(raw).found if re.search(r"[^\W\d_]", text)]
    for output in tree.find_all(nodes.Output):
        for each in output.nodes:
            shown += [words for words in constants(each) if re.search(r"[A-Z]\w* ?|\w \w", words)]
    return [text for text in shown if not TO_BROWSERS.fullmatch(text)]


def constants(node: nodes.Node) -> Iterator[str]:
    """Yield the strings in an expression, but for those in a call or a test."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    if not isinstance(node, nodes.Call | nodes.Compare | nodes.TemplateData | nodes.Getitem):
        for child in node.iter_child_nodes():
            yield from constants(child)


@pytest.mark.parametrize("name", TEMPLATES, ids=str)
def test_every_word_of_a_template_is_marked(name: Path) -> None:
    """No text of a page or a mail stands outside the marker."""
    assert unmarked_in_html((ROOT / "web" / name).read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Sign in</p>",
        '<img alt="Logo">',
        "{{ view.name or 'No name' }}",
        "{% if x %}Yes{% endif %}",
        "<b>{{ x }} ago</b>",
    ],
)
def test_an_unmarked_word_is_found(source: str) -> None:
    """The search for unmarked words finds them, and passes over those that are marked."""
    assert unmarked_in_html(source)
    assert not unmarked_in_html("<p>{{ _('Sign in') }} {% trans %}now{% endtrans %}</p>{% if x == 'Yes' %}·{% endif %}")


def sentences(path: Path) -> Iterator[str]:
    """Yield the strings of a module that read like something for people: not those in docstrings, in refusals, which
    are for the client's developer, and in what is logged."""
    tree = ast.parse(path.read_text("utf-8"))
    skipped: set[int] = set()
    for node in ast.walk(tree):
        is_for_developers = isinstance(node, ast.Raise) or (isinstance(node, ast.Call) and is_refusal(node.func))
        if is_for_developers or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            skipped |= {id(each) for each in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            yield from re.findall(r"^[A-Z][a-z’]+ [a-z][^=]*$", node.value)


def is_refusal(called: ast.expr) -> bool:
    """Tell whether a call makes an error or logs."""
    if isinstance(called, ast.Attribute):
        return isinstance(called.value, ast.Name) and called.value.id == "log"
    return isinstance(called, ast.Name) and called.id in FOR_DEVELOPERS


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_every_sentence_in_the_code_of_pages_is_marked(path: Path) -> None:
    """What modules of the pages say to people is in the catalogues."""
    assert [text for text in sentences(path) if text not in texts()] == []


def test_what_is_said_of_scopes_and_refusals_is_marked() -> None:
    """The words of scopes and of error pages, which templates only look up."""
    said = [words for three in WORDS.values() for words in three]
    said += [words for four in STATUS_WORDS.values() for words in four[1:]]
    scopes = [scope for spec in SPECS for scope in spec.scopes.values()]
    said += [words for scope in scopes for words in (scope.title, scope.detail) if words]
    assert len(scopes) > 5
    assert [words for words in said if words not in texts()] == []


@pytest.mark.parametrize("tag", OTHERS)
def test_a_catalogue_is_complete(tag: str) -> None:
    """Each text of the code has a translation, in every number of the language; none is a guess."""
    found = catalogue(tag)
    assert list(translations.missing(found)) == []
    assert [message.id for message in found if message.id and message.fuzzy] == []
    assert {str(message.id) for message in found} == {str(message.id) for message in texts()}, (
        "run python scripts/translations.py"
    )


@pytest.mark.parametrize("tag", OTHERS)
def test_a_catalogue_is_as_the_command_writes_it(tag: str) -> None:
    """Nothing is left to bring up to date."""
    content = translations.written(translations.merge(tag, texts()))
    assert content == (ROOT / "web" / "locale" / f"{tag}.po").read_bytes(), "run python scripts/translations.py"


@pytest.mark.parametrize("tag", OTHERS)
def test_translations_have_the_same_places_and_markup(tag: str) -> None:
    """What is put in is put in everywhere, elements are the same, and nothing else is a place."""
    for message in catalogue(tag):
        if not message.id:
            continue
        ids = list(message.id) if isinstance(message.id, tuple | list) else [message.id]
        for text in strings(message):
            # A form for one or two may do without the number.
            allowed = {place for each in ids for place in PLACE.findall(each)}
            needed = allowed - ({"%(count)s"} if len(ids) > 1 else set())
            assert needed <= set(PLACE.findall(text)) <= allowed, text
            assert sorted(TAG.findall(text)) == sorted(TAG.findall(ids[-1])), text
            assert "%" not in PLACE.sub("", text), text
            assert text == text.strip(), text
