"""What is checked of a theme before the start: that its colours can be read, and its files be shown."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idp.settings import colours
from idp.settings.faults import Fault
from idp.settings.sources import DEFAULT, Source, paste

if TYPE_CHECKING:
    from idp.settings.model import Settings

MOST_LOGO_BYTES = 100_000
# By what a file begins with; what else it may hold is said by the policy that it is served with.
_KINDS: Mapping[bytes, str] = {b"\x89PNG\r\n\x1a\n": "png", b"RIFF": "webp", b"<svg": "svg", b"<?xml": "svg"}


def logo_kind(content: bytes) -> str | None:
    """Return `png`, `webp` or `svg`, whatever the file is called; None for anything else."""
    start = content[:256].lstrip(b"\xef\xbb\xbf \t\r\n")
    kind = next((kind for mark, kind in _KINDS.items() if start.startswith(mark)), None)
    is_right = {"webp": content[8:12] == b"WEBP", "svg": b"<svg" in content and b"<script" not in content.lower()}
    return kind if kind and is_right.get(kind, True) else None


def theme_faults(settings: "Settings", sources: Mapping[str, Source]) -> Iterator[Fault]:
    """Yield what is wrong with the theme. Looks at the files that it names."""
    theme = settings.theme

    def fault(name: str, problem: str, better: Any) -> Fault:
        source = sources.get(f"theme.{name}", DEFAULT)
        return Fault(f"theme.{name}", str(source), problem, paste(f"theme.{name}", better, source))

    too_pale = f"cannot be read: text needs a contrast of {colours.LEAST_CONTRAST}:1"
    if theme.accent and not colours.is_readable_on_light(theme.accent):
        yield fault("accent", f"{too_pale} on the light pages", colours.readable_on_light(theme.accent))
    if theme.accent_dark and not colours.is_readable_on_dark(theme.accent_dark):
        yield fault("accent_dark", f"{too_pale} on the dark pages", colours.readable_on_dark(theme.accent_dark))
    if theme.logo_file is not None and (problem := _logo_problem(theme.logo_file)):
        yield fault("logo_file", problem, "/path/to/logo.svg")
    if theme.templates is not None and not theme.templates.is_dir():
        yield fault("templates", f"{theme.templates} is no directory", "/path/to/templates")


def _logo_problem(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MOST_LOGO_BYTES:
            return f"{path} has {size} bytes, and {MOST_LOGO_BYTES} at most are sent with each page"
        kind = logo_kind(path.read_bytes())
    except OSError as error:
        return f"{path} cannot be read: {error.strerror}"
    return "" if kind else f"{path} is no PNG, WebP, or SVG without scripts"
