"""The static files: readable colours in both schemes, light, and nothing from elsewhere."""

import re
from importlib.resources import files

import pytest

from idp.web.rendering import Renderer
from idp.web.views import Home

STATIC = {file.name: file.read_text("utf-8") for file in files("idp.web").joinpath("static").iterdir()}
PAIR = re.compile(r"--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);")
COLOURS = {name: (light, dark) for name, light, dark in PAIR.findall(STATIC["signet.css"])}
# Text and what it stands on; WCAG 2.2 §1.4.3.
TEXT = [
    ("ink", "card"),
    ("ink", "paper"),
    ("ink", "wash"),
    ("ink", "danger-wash"),
    ("quiet", "card"),
    ("quiet", "paper"),
    ("quiet", "wash"),
    ("accent", "card"),
    ("accent", "wash"),
    ("accent", "tint"),
    ("accent-strong", "card"),
    ("accent-strong", "tint"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("card", "ink"),
    ("danger", "card"),
    ("danger", "danger-wash"),
    ("amber", "card"),
    ("amber", "paper"),
]
# Edges of what can be filled in or pressed, and the focus ring; WCAG 2.2 §1.4.11.
EDGES = [("edge", "card"), ("accent", "card"), ("accent", "paper"), ("danger", "card"), ("ink", "card")]


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    parts = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [*((front, back, 4.5) for front, back in TEXT), *((front, back, 3.0) for front, back in EDGES)],
)
def test_colours_can_be_told_apart(front: str, back: str, least: float, scheme: int) -> None:
    """Text has a contrast of at least 4.5:1 in both schemes, edges and focus rings of 3:1 (experience, point 16)."""
    assert contrast(COLOURS[front][scheme], COLOURS[back][scheme]) >= least


def test_every_colour_is_one_of_the_named() -> None:
    """What the stylesheet uses is defined, and what it defines is used."""
    text = STATIC["signet.css"]
    assert set(re.findall(r"var\(--([a-z-]+)\)", text)) == set(re.findall(r"^ +--([a-z-]+):", text, re.MULTILINE))


def test_preferences_are_heard() -> None:
    """Both colour schemes, less motion, more contrast and forced colours have their rules."""
    text = STATIC["signet.css"]
    for query in ("prefers-reduced-motion", "prefers-contrast", "forced-colors: active", "color-scheme: light dark"):
        assert query in text


@pytest.mark.parametrize("name", STATIC)
def test_static_files_load_nothing(name: str) -> None:
    """No file asks for another one, of ours or of third parties, and none holds script or style it should not."""
    text = STATIC[name].replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"//[a-z]|@import|url\(|data:|<script|<style|\sstyle=|\son[a-z]+=|eval|innerHTML", text)


def test_page_with_all_it_needs_is_light() -> None:
    """All static files and a page weigh less than 100 kB together (experience, point 20)."""
    home = Home(issuer="i", discovery_url="d", jwks_url="j", sign_out_url="s", account_names=())
    page = Renderer("Signet", development=True).render(home, request_id="rid")
    assert sum(len(text.encode()) for text in (*STATIC.values(), page)) < 40_000


def test_addresses_change_with_the_content() -> None:
    """Static files are below the issuer's path and named with a digest, so that they may be kept for ever."""
    home = Home(issuer="i", discovery_url="d", jwks_url="j", sign_out_url="s", account_names=())
    html = Renderer("Signet", development=False, base_path="/oidc").render(home, request_id="rid")
    found = re.findall(r'(?:src|href)="([^"]*static[^"]*)"', html)
    assert len(found) >= 4
    assert all(re.fullmatch(r"/oidc/static/[a-z]+\.(css|js|svg)\?v=[0-9a-f]{8}", address) for address in found)
