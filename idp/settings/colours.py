"""Colours of the pages: how well they can be told apart (WCAG 2.2 §1.4.3), and the shades that follow from one."""

import re
from collections.abc import Callable

COLOUR = re.compile(r"#[0-9a-f]{6}")
# What text of the accent colour stands on in each scheme, as in signet.css: card, paper, wash.
LIGHT_GROUNDS = ("#ffffff", "#f4f4f1", "#f3f5f9")
DARK_GROUNDS = ("#181d27", "#10141c", "#202735")
WHITE, BLACK = "#ffffff", "#000000"
LEAST_CONTRAST = 4.5
# How much of the accent is in its own wash.
_TINT = 0.12


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(colour: str, other: str, share: float) -> str:
    """Return a colour with a share of another one, from 0 to 1."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(mine + (theirs - mine) * share):02x}" for mine, theirs in pairs)


def tint(accent: str, ground: str) -> str:
    """Return the wash of an accent on a ground."""
    return mixed(ground, accent, _TINT)


def is_readable_on_light(accent: str) -> bool:
    """Tell whether text of this colour, and white text on it, can be read in the light scheme."""
    return _is_readable(accent, (*LIGHT_GROUNDS, tint(accent, LIGHT_GROUNDS[0])))


def is_readable_on_dark(accent: str) -> bool:
    """Tell whether text of this colour, and the darkest ground's text on it, can be read in the dark scheme."""
    return _is_readable(accent, (*DARK_GROUNDS, tint(accent, DARK_GROUNDS[0])))


def readable_on_light(colour: str) -> str:
    """Return the colour, or the nearest darker one that can be read in the light scheme."""
    return _nearest(colour, BLACK, is_readable_on_light)


def readable_on_dark(colour: str) -> str:
    """Return the colour, or the nearest lighter one that can be read in the dark scheme."""
    return _nearest(colour, WHITE, is_readable_on_dark)


def _nearest(colour: str, end: str, is_right: Callable[[str], bool]) -> str:
    return next(found for step in range(101) if is_right(found := mixed(colour, end, step / 100)))


def _is_readable(accent: str, grounds: tuple[str, ...]) -> bool:
    return all(contrast(accent, ground) >= LEAST_CONTRAST for ground in grounds)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5))


def _luminance(colour: str) -> float:
    parts = [part / 255 for part in _channels(colour)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
