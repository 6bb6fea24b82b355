"""Texts in the language of who reads: catalogues in `idp/web/locale`, one `.po` a language, read at its first use.

A text that a catalogue does not have stays English. Which language is spoken is set around each rendering, so that the
templates are compiled once for all of them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from typing import Any

from jinja2 import Environment

from idp.languages import SOURCE_LANGUAGE, best_language

FOLDER = "locale"
_ENGLISH = NullTranslations()
_spoken: ContextVar[tuple[str, NullTranslations]] = ContextVar("spoken", default=(SOURCE_LANGUAGE, _ENGLISH))


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Let what is rendered within be in this language; in English where it is none of ours."""
    known = best_language([language]) or SOURCE_LANGUAGE
    token = _spoken.set((known, catalogue(known)))
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> str:
    """Return the tag of the language that is spoken."""
    return _spoken.get()[0]


def translated(text: str) -> str:
    """Return a text that was marked elsewhere (`translatable`), or comes from outside and may be known; nothing is put
    into it."""
    return _gettext(text) if text else text


def install(environment: Environment) -> None:
    """Let an environment's templates speak."""
    # Babel's extension of Jinja has no types.
    installing: Any = environment
    installing.install_gettext_callables(_gettext, _ngettext, newstyle=True)
    environment.filters["translated"] = translated


@lru_cache
def catalogue(language: str) -> NullTranslations:
    """Return the texts of one of our languages."""
    if language == SOURCE_LANGUAGE:
        return _ENGLISH
    # Only who needs another language pays for what reads it.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with files("idp.web").joinpath(FOLDER, f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language.replace("-", "_")))
    compiled.seek(0)
    return GNUTranslations(compiled)


def _gettext(text: str) -> str:
    return _spoken.get()[1].gettext(text)


def _ngettext(one: str, several: str, count: int) -> str:
    return _spoken.get()[1].ngettext(one, several, count)
