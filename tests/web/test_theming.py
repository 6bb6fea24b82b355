"""How operators change the look of the pages, and what keeps them readable and safe."""

import logging
from pathlib import Path

import pytest
from click.testing import CliRunner

from idp.cli import main
from idp.settings import BadSettings, Settings, colours, load_settings
from idp.web.mailing import Composer
from idp.web.rendering import Renderer
from idp.web.theming import Theme, UnusableTheme, original_of, report, stamp_of, theme_of
from idp.web.views import ErrorPage, Home
from tests.provider import House, make_house
from tests.web.test_stylesheet import COLOURS, contrast

HOME = Home(issuer="i", discovery_url="d", jwks_url="j", sign_out_url="s", account_names=())
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><circle cx="4" cy="4" r="4"/></svg>'
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
WEBP = b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 20


def loaded(**theme: object) -> Settings:
    """Return settings with this theme as a start reads them."""
    return load_settings({f"theme.{name}": value for name, value in theme.items()}, environ={}).settings


def faults(**theme: object) -> str:
    """Return what a start says of a theme."""
    with pytest.raises(BadSettings) as refusal:
        loaded(**theme)
    return str(refusal.value)


def page_of(folder: Path, **texts: str) -> str:
    """Return the first page with these templates of a theme."""
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text)
    renderer = Renderer("Signet", development=False, theme=Theme(templates=folder))
    return renderer.render(HOME, request_id="rid")


def test_grounds_are_those_of_the_stylesheet() -> None:
    """The colours that an accent is checked against are those that it stands on."""
    grounds = [COLOURS[name] for name in ("card", "paper", "wash")]
    assert tuple(light for light, _ in grounds) == colours.LIGHT_GROUNDS
    assert tuple(dark for _, dark in grounds) == colours.DARK_GROUNDS


@pytest.mark.parametrize("accent", ["#26478f", "#0b6e4f", "#7a1f5c", "#5b2bb8"])
def test_a_readable_accent_colours_the_pages(accent: str) -> None:
    """Its shades can be read in both schemes, on all that they stand on."""
    (file,) = theme_of(loaded(accent=accent)).files
    found = {
        name.strip("- "): value.split("(")[1].rstrip(");").split(", ")
        for name, value in (line.split(": ") for line in file.content.decode().splitlines()[1:-1])
    }
    assert found["accent"][0] == accent
    for scheme in (0, 1):
        for name in ("accent", "accent-strong"):
            assert contrast(found["on-accent"][scheme], found[name][scheme]) >= 4.5
            for ground in ("card", "paper", "wash"):
                assert contrast(found[name][scheme], COLOURS[ground][scheme]) >= 4.5
            assert contrast(found[name][scheme], found["tint"][scheme]) >= 4.5


@pytest.mark.parametrize("accent", ["#ffcc00", "#5dade2", "#ffffff"])
def test_an_accent_that_cannot_be_read_is_refused_with_one_that_can(accent: str) -> None:
    """The line to paste holds the nearest shade, and that one is taken."""
    said = faults(accent=accent)
    assert "contrast of 4.5:1 on the light pages" in said
    better = said.rpartition("=")[2].strip().strip('"')
    assert loaded(accent=better).theme.accent == better
    assert "on the dark pages" in faults(accent_dark="#222222")


@pytest.mark.parametrize("accent", ["red", "#fff", "26478f", "#26478f;", "#26478g", "url(x)"])
def test_what_is_no_colour_is_refused(accent: str) -> None:
    """So nothing else gets into the stylesheet."""
    assert "six hexadecimal digits" in faults(accent=accent)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "/privacy", "https://", 'https://x.example/"><script>', "ftp://x.example"]
)
def test_a_link_is_the_address_of_a_page(url: str) -> None:
    """Nothing else is linked."""
    assert "http(s) address" in faults(privacy_url=url)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"GIF89a", "no PNG, WebP, or SVG"),
        (b"<svg><script>alert(1)</script></svg>", "no PNG, WebP, or SVG without scripts"),
        (b"<!doctype html><svg/>", "no PNG"),
        (b"RIFF0000WAVE", "no PNG"),
        (PNG + b"\0" * 100_000, "100000 at most"),
        (None, "cannot be read"),
    ],
)
def test_a_logo_that_cannot_be_shown_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    """By what it holds, whatever it is called, and by its size."""
    if content is not None:
        (tmp_path / "logo.svg").write_bytes(content)
    assert said in faults(logo_file=str(tmp_path / "logo.svg"))
    assert "is no directory" in faults(templates=str(tmp_path / "nothing"))


@pytest.fixture
def themed(tmp_path: Path, ready_keys: None, migrated_file: Path) -> House:
    """A provider with a theme."""
    from idp.stores.sql.storage import SqlStorage

    (tmp_path / "logo").write_bytes(SVG)
    (tmp_path / "signet.sqlite3").write_bytes(migrated_file.read_bytes())
    (tmp_path / "signet.sqlite3").chmod(0o600)
    theme = {"accent": "#0b6e4f", "logo_file": tmp_path / "logo", "help_url": "https://example.org/help?a=1&b=2"}
    storage = SqlStorage(f"sqlite:///{tmp_path}/signet.sqlite3")
    return make_house(storage, tmp_path / "kek", theme=theme, product_name="Acme <ID>")


def test_pages_have_the_theme_and_keep_their_policy(themed: House) -> None:
    """Colours after ours, the logo, the links; the Content-Security-Policy is the same; an SVG opened by itself runs
    nothing."""
    browser = themed.browser(headers={"accept-language": "de"})
    page = browser.get("/")
    assert page.text.index("/static/signet.css") < page.text.index("/static/theme.css")
    assert "Acme &lt;ID&gt;" in page.text
    assert '<a href="https://example.org/help?a=1&amp;b=2" rel="noopener noreferrer">Hilfe</a>' in page.text
    policy = page.headers["content-security-policy"]
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    logo = browser.get("/static/logo.svg")
    assert logo.content == SVG
    assert logo.headers["content-type"] == "image/svg+xml"
    assert logo.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert logo.headers["x-content-type-options"] == "nosniff"
    css = browser.get("/static/theme.css")
    assert css.headers["content-type"].startswith("text/css")
    assert "#0b6e4f" in css.text


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("signet.css", "text/css"), ("signet.js", "text/javascript"), ("seal.svg", "image/svg+xml")],
)
def test_static_files_have_their_types(themed: House, name: str, media_type: str) -> None:
    """The same on every system: browsers take a style sheet or a script of another type for none."""
    assert themed.browser().get(f"/static/{name}").headers["content-type"].partition(";")[0] == media_type


def test_logos_have_their_type() -> None:
    """Which is told by what they hold."""
    from idp.settings.theme_checks import logo_kind

    assert [logo_kind(content) for content in (PNG, WEBP, SVG, b"\xef\xbb\xbf<?xml version='1.0'?>" + SVG, b"")] == [
        "png",
        "webp",
        "svg",
        "svg",
        None,
    ]


def test_a_template_stands_in_for_ours(tmp_path: Path) -> None:
    """Whole, or by a block of it."""
    extending = '{% extends "signet/home.html" %}{% block foot %}<p>Ask <b>{{ product_name }}</b></p>{% endblock %}'
    page = page_of(tmp_path, home=extending)
    assert "<p>Ask <b>Signet</b></p>" in page
    assert "Sign in once" in page
    assert "<p>Only this</p>" in page_of(tmp_path, home="<p>Only this</p>")


def test_a_template_that_fails_gives_way_to_ours(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody is kept from signing in by it, and the log tells; one with a fault of syntax stops the start."""
    with caplog.at_level(logging.ERROR):
        page = page_of(tmp_path, home="{{ view.nothing_of_this_name }}")
    assert "Sign in once" in page
    assert "theme template failed" in caplog.text
    with pytest.raises(UnusableTheme, match=r"home\.html, line 2"):
        page_of(tmp_path, home="<p>\n{% endblock %}")
    (tmp_path / "home.html").unlink()
    with pytest.raises(UnusableTheme, match=r"login\.html stands in for no template"):
        page_of(tmp_path, login="")


def test_a_theme_is_what_it_was_at_the_start(tmp_path: Path) -> None:
    """What changes afterwards is not checked, so it is not shown, whether or not its page was shown before."""
    (tmp_path / "error.html").write_text("checked")
    renderer = Renderer("Signet", development=False, theme=Theme(templates=tmp_path))
    (tmp_path / "error.html").write_text("changed")
    (tmp_path / "home.html").write_text("added")
    assert renderer.render(HOME, request_id="rid") != "added"
    assert renderer.render(ErrorPage(title="t", message="m", advice="a", error="e"), request_id="rid") == "checked"


def test_what_a_template_holds_is_escaped(tmp_path: Path) -> None:
    """As in ours."""
    view = Home(issuer="<script>", discovery_url="d", jwks_url="j", sign_out_url="s", account_names=())
    (tmp_path / "home.html").write_text("{{ view.issuer }}")
    renderer = Renderer("Signet", development=False, theme=Theme(templates=tmp_path))
    assert renderer.render(view, request_id="rid") == "&lt;script&gt;"


def test_the_start_tells_which_templates_are_outdated(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Those that were made of another version of the page, or do not say of which."""
    (tmp_path / "home.html").write_text(original_of("home.html") or "")
    (tmp_path / "error.html").write_text("{# signet: 000000000000 #}\n<p onclick='x'>")
    (tmp_path / "sign_in.html").write_text("<p>")
    with caplog.at_level(logging.WARNING):
        report(Theme(templates=tmp_path))
    told = [(record.message, record.__dict__["template"]) for record in caplog.records]
    assert told == [
        ("theme template outdated", "error.html"),
        ("theme template outdated", "sign_in.html"),
        ("theme template has inline code", "error.html"),
    ]
    assert stamp_of("error.html") in caplog.records[0].__dict__["remedy"]


def test_templates_are_copied_and_listed(tmp_path: Path) -> None:
    """By commands that say what to do when they cannot."""
    folder = ["--set", f"theme.templates={tmp_path}"]
    run = CliRunner().invoke
    assert run(main, [*folder, "theme", "copy", "home.html"]).exit_code == 0
    assert (tmp_path / "home.html").read_text() == original_of("home.html")
    listed = run(main, [*folder, "theme", "list"])
    assert "home.html changed\n" in listed.output
    assert listed.exit_code == 0
    (tmp_path / "error.html").write_text("")
    listed = run(main, [*folder, "theme", "list"])
    assert "error.html changed, and OUTDATED" in listed.output
    assert listed.exit_code == 1
    for arguments, said in (
        ([*folder, "theme", "copy", "home.html"], "is there already"),
        ([*folder, "theme", "copy", "../base.html"], "There is no template"),
        (["theme", "copy", "home.html"], "No directory of templates is set"),
    ):
        refused = run(main, arguments)
        assert refused.exit_code == 2
        assert said in refused.output


def test_mails_have_the_accent() -> None:
    """Their button, which is on white whatever the scheme."""
    from idp.accounts.mails import Letter

    letter = Letter(template="password_reset", to="a@x.example", username="a", language="en", link="https://x.example/")
    body = Composer(loaded(accent="#0b6e4f")).compose(letter).get_body(("html",))
    assert body is not None
    assert "background:#0b6e4f" in body.get_content()
