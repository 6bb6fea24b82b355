"""The theme: what the settings make of how pages look, as files that are served like our own.

A logo is served with a policy of its own: opened by itself, an SVG is a document, and must run nothing.
"""

import logging
import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

from jinja2 import BaseLoader, ChoiceLoader, FunctionLoader, PackageLoader, PrefixLoader

from idp.languages import translatable as _
from idp.protocol.messages import Fields
from idp.settings import Settings, colours
from idp.settings.theme_checks import logo_kind

log = logging.getLogger("idp.web")
# As in signet.css.
ACCENT = "#26478f"
# An override may extend or include the page that it stands in for by this prefix.
ORIGINAL = "signet/"
STAMP = re.compile(r"\{#\s*signet:\s*([0-9a-f]{12})\s*#\}")
# What the pages' policy would block in silence.
_INLINE = re.compile(r"<style|\sstyle\s*=|\son[a-z]+\s*=|javascript:|<script(?![^>]*\bsrc=)", re.IGNORECASE)
LOGO_POLICY: Fields = (("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox"),)


class UnusableTheme(Exception):
    """A template of the theme cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThemeFile:
    """A file of the theme, to be served."""

    name: str
    content: bytes
    headers: Fields = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """What pages are made with: the files served, the one that is the logo, the links under each page (words,
    address), and the directory of templates."""

    files: tuple[ThemeFile, ...] = ()
    logo: str = "seal.svg"
    links: tuple[tuple[str, str], ...] = ()
    templates: Path | None = None


@lru_cache(maxsize=8)
def theme_of(settings: Settings) -> Theme:
    """Return the theme of the settings, which were checked (`idp.settings.theme_checks`). Reads the logo."""
    found = settings.theme
    served = []
    if found.accent or found.accent_dark:
        served.append(ThemeFile(name="theme.css", content=_stylesheet(found.accent or ACCENT, found.accent_dark)))
    logo = "seal.svg"
    if found.logo_file is not None:
        content = found.logo_file.read_bytes()
        logo = f"logo.{logo_kind(content)}"
        served.append(ThemeFile(name=logo, content=content, headers=LOGO_POLICY))
    links = (
        (_("Privacy policy"), found.privacy_url),
        (_("Terms of service"), found.terms_url),
        (_("Help"), found.help_url),
    )
    return Theme(
        files=tuple(served),
        logo=logo,
        links=tuple(link for link in links if link[1]),
        templates=found.templates,
    )


def accent_of(settings: Settings) -> str:
    """Return the colour of buttons in mails, on white."""
    return settings.theme.accent or ACCENT


def _stylesheet(accent: str, accent_dark: str) -> bytes:
    dark = accent_dark or colours.readable_on_dark(accent)
    white, night = colours.LIGHT_GROUNDS[0], colours.DARK_GROUNDS[0]
    shades = {
        "accent": (accent, dark),
        "accent-strong": (colours.mixed(accent, colours.BLACK, 0.3), colours.mixed(dark, colours.WHITE, 0.35)),
        "on-accent": (white, colours.DARK_GROUNDS[1]),
        "tint": (colours.tint(accent, white), colours.tint(dark, night)),
    }
    lines = "".join(f"  --{name}: light-dark({by_day}, {by_night});\n" for name, (by_day, by_night) in shades.items())
    return f":root {{\n{lines}}}\n".encode()


def loader_of(theme: Theme) -> BaseLoader:
    """Return where templates are found: the theme's first, as they are now. Raises `UnusableTheme`."""
    own = PackageLoader("idp.web")
    if theme.templates is None:
        return own
    folder, found = theme.templates, overrides(theme)

    # Not from the disk: a page that is first shown tomorrow must not differ from what was checked at the start.
    def read(name: str) -> tuple[str, str, None] | None:
        return (found[name], str(folder / name), None) if name in found else None

    return ChoiceLoader([FunctionLoader(read), PrefixLoader({ORIGINAL.rstrip("/"): own}), own])


def original_names() -> list[str]:
    """Return the names of our templates."""
    return sorted(path.name for path in files("idp.web").joinpath("templates").iterdir() if path.name.endswith(".html"))


def original_of(name: str) -> str | None:
    """Return one of our templates, with the stamp of its version in front; None where there is none of this name."""
    return f"{{# signet: {stamp_of(name)} #}}\n{_text_of(name)}" if name in original_names() else None


def stamp_of(name: str) -> str:
    """Return what tells the version of one of our templates."""
    return sha256(_text_of(name).encode()).hexdigest()[:12]


def _text_of(name: str) -> str:
    return files("idp.web").joinpath("templates", name).read_text("utf-8")


def overrides(theme: Theme) -> dict[str, str]:
    """Return the templates of the theme by name. Raises `UnusableTheme` for one that stands in for nothing."""
    if theme.templates is None:
        return {}
    found = {path.name: path.read_text("utf-8") for path in sorted(theme.templates.glob("*.html"))}
    strangers = [name for name in found if name not in original_names()]
    if strangers:
        raise UnusableTheme(
            f"{theme.templates / strangers[0]} stands in for no template; `idp theme list` names those that there are"
        )
    return found


def outdated(theme: Theme) -> list[str]:
    """Return the names of overrides that were made of another version of the page, or do not say of which."""
    found = overrides(theme).items()
    return [name for name, text in found if (stamp := STAMP.search(text)) is None or stamp[1] != stamp_of(name)]


def report(theme: Theme) -> None:
    """Log what should be looked at in the theme's templates."""
    for name in outdated(theme):
        stamp = f"{{# signet: {stamp_of(name)} #}}"
        log.warning("theme template outdated", extra={"template": name, "remedy": f"compare it, then write {stamp}"})
    for name, text in overrides(theme).items():
        if _INLINE.search(text):
            remedy = "the Content-Security-Policy blocks inline styles and scripts"
            log.warning("theme template has inline code", extra={"template": name, "remedy": remedy})
