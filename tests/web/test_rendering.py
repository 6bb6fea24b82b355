"""What the templates make of their views: escaped, labelled, and free of anything inline."""

import re
from dataclasses import fields
from importlib.resources import files
from typing import Any

import pytest

from idp.web import views
from idp.web.rendering import Renderer
from idp.web.views import ClientView, ErrorPage, ScopeView, SignIn, View

HOSTILE = "\"><img src=x onerror=alert(1)>'{{7*7}}{% include 'x' %}"
CLIENT = ClientView(name=HOSTILE, host=HOSTILE, policy_uri="https://rp.example/p", tos_uri="https://rp.example/t")
TEMPLATES = sorted(file.name for file in files("idp.web").joinpath("templates").iterdir())
# What each page keeps for those who drive it by script.
CONTRACT = {
    views.SignIn: ('name="username"', 'name="password"', 'id="login-submit"', 'id="login-cancel"'),
    views.Consent: ('id="consent-allow"', 'id="consent-deny"'),
    views.SignOutConfirm: ('id="logout-confirm"',),
    views.SignedOut: ('id="logged-out">You are logged out',),
    views.ErrorPage: ('<h1 id="op-error">',),
}


def filled(kind: type[View], **more: Any) -> View:
    """Return a view with a hostile text wherever text goes."""
    special = {
        "client": CLIENT,
        "scopes": (ScopeView(title=HOSTILE, detail=HOSTILE),),
        "accounts": (views.AccountView(value=HOSTILE, name=HOSTILE, login=HOSTILE),),
        "account_names": (HOSTILE,),
        "applications": (HOSTILE,),
        "developer_facts": ((HOSTILE, HOSTILE),),
        "reason": None,
        "error": None if kind is SignIn else HOSTILE,
        "retry_after_seconds": 90,
        "remembered_seconds": 86_400 * 30,
    }
    names = [field.name for field in fields(kind)]
    return kind(**({name: special.get(name, HOSTILE) for name in names} | more))


KINDS = [
    kind for kind in vars(views).values() if isinstance(kind, type) and issubclass(kind, View) and kind is not View
]


def render(view: View, *, development: bool = False, locale: str = "en") -> str:
    """Render a view."""
    return Renderer("Signet", development=development).render(view, request_id="rid", locale=locale)


@pytest.mark.case("LG-33", "LG-34", "CR-10", "AZ-47")
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_text_stays_text(kind: type[View]) -> None:
    """No text of a view becomes markup, an attribute or a template."""
    html = render(filled(kind))
    assert "<img src=x" not in html
    assert "{{7*7}}" in html
    assert HOSTILE not in html


@pytest.mark.parametrize("kind", KINDS)
def test_page_is_whole(kind: type[View]) -> None:
    """Every page has one h1, one main, a title, a language, and keeps its contract."""
    html = render(filled(kind))
    assert html.count("<h1") == 1
    assert html.count("<main") == 1
    assert re.search(r'<html lang="en" dir="ltr">', html)
    assert re.search(r"<title>[^<]+ · Signet</title>", html)
    for wanted in CONTRACT.get(kind, ()):
        assert wanted in html


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_label(kind: type[View]) -> None:
    """Whatever can be filled in is named by a label (experience, point 1)."""
    html = render(filled(kind))
    labelled = set(re.findall(r'<label[^>]* for="([^"]+)"', html))
    inputs = re.findall(r"<input (?![^>]*type=\"hidden\")[^>]*id=\"([^\"]+)\"", html)
    assert set(inputs) <= labelled


@pytest.mark.case("LG-36")
@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_hold_nothing_inline(name: str) -> None:
    """No inline script, style or handler, which the Content-Security-Policy would block anyway."""
    text = files("idp.web").joinpath("templates", name).read_text("utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize(
    ("error", "words"),
    [("credentials", "don’t match"), ("missing", "Something is missing"), ("throttled", "Wait 2 minutes")],
)
def test_error_is_said_in_title_and_summary(error: str, words: str) -> None:
    """The title begins with Error, the summary is an alert, the password is empty."""
    html = render(filled(SignIn, error=error))
    assert "<title>Error: " in html
    assert 'role="alert"' in html
    assert words in html
    assert not re.search(r'name="password"[^>]*value=', html)


@pytest.mark.parametrize("reason", ["prompt", "max_age", "hint"])
def test_asking_again_says_why(reason: str) -> None:
    """Who has to sign in afresh is told why (experience, point 22)."""
    html = render(filled(SignIn, reason=reason))
    assert "Confirm it’s you" in html
    assert 'class="notice"' in html


def test_development_is_stamped() -> None:
    """Development mode is on every page, production on none."""
    page = filled(views.Home)
    assert "Development mode" in render(page, development=True)
    assert "Development mode" not in render(page)


def test_error_page_without_facts_is_short() -> None:
    """The End-User's error page says what, what to do, the code and the request id, and nothing else."""
    html = render(ErrorPage(title="T", message="M.", advice="A.", error="invalid_request"))
    assert "For the developer" not in html
    assert "invalid_request" in html
    assert "rid" in html


def test_right_to_left_is_said() -> None:
    """A language written from right to left turns the page."""
    assert '<html lang="ar" dir="rtl">' in render(filled(views.Home), locale="ar")
