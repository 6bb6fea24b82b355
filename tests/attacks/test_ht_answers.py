"""HT: who may keep an answer, and which other origins may read it (R16, R17)."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from idp.app import build_registry
from idp.web.routes import actions
from idp.web.routing import Action
from idp.web.theming import Theme
from tests.attacks.raw import FORM, ask_raw
from tests.provider import House

DOCUMENTS = {
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
}
BROWSER_CLIENTS = {"/oauth2/token", "/oauth2/userinfo", "/oauth2/revoke"}
FRAME = "/oauth2/session"
HOME = "https://spa.example"


def all_actions() -> Iterator[Action]:
    """Yield all that is served, as the application lists it."""
    registry = build_registry()
    unused: Any = None
    known = {action.path: action for action in actions(registry, unused, unused, unused, Theme())}
    yield from known.values()
    yield Action(
        path="/.well-known/oauth-authorization-server", methods=("GET",), handle=next(iter(known.values())).handle
    )
    yield Action(path="/nothing", methods=("GET",), handle=next(iter(known.values())).handle)


PATHS = sorted(action.path.replace("{client_id}", "web") for action in all_actions())
STATIC = [path for path in PATHS if path.startswith("/static/")]


def caching(path: str, status: int) -> str:
    """Return what Cache-Control has to match."""
    if status == 200 and path in DOCUMENTS:
        return r"public, max-age=300"
    if status == 200 and path in STATIC:
        return r"public, max-age=31536000, immutable"
    if status == 200 and path == FRAME:
        return r"public, max-age=86400"
    return r"no-store"


@pytest.mark.case("HT-21")
def test_who_may_keep_an_answer(house: House) -> None:
    """Documents for a while, files for ever, everything else and every refusal nobody."""
    for path in PATHS:
        for answer in (
            ask_raw(house, "GET", path),
            ask_raw(house, "GET", path, query=b"a" * 40_000),
            ask_raw(house, "HEAD", path),
            ask_raw(house, "PATCH", path),
            ask_raw(house, "POST", path, FORM, body=b"x=1"),
            ask_raw(house, "POST", path, FORM, body=b"x" * 100_000),
            ask_raw(house, "GET", path, (b"authorization", b"Bearer x")),
        ):
            kept = answer.headers.get("cache-control", "")
            assert re.fullmatch(caching(path, answer.status_code), kept), (path, answer.status_code, kept)


@pytest.mark.case("HT-21")
def test_pages_with_a_session_are_not_kept(house: House) -> None:
    """Neither the pages on the way nor tokens, claims and redirects."""
    browser = house.browser()
    page = browser.follow(browser.authorize("third"))
    consent = browser.sign_in(page)
    done = browser.submit(consent, action="allow")
    code = dict(part.split("=") for part in done.headers["location"].partition("?")[2].split("&"))["code"]
    tokens = browser.exchange(code, "third")
    claims = browser.userinfo(tokens.json()["access_token"])
    for answer in (page, consent, done, tokens, claims, browser.get("/"), browser.get("/oauth2/logout")):
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.case("HT-25")
@pytest.mark.parametrize("origin", ["https://evil.example", HOME, "null", "https://spa.example.evil.example", "*"])
def test_which_origins_may_read(house: House, origin: str) -> None:
    """Anyone the documents, browser clients what they call, nobody anything else; never with cookies."""
    sent = (b"origin", origin.encode())
    preflight = ((b"access-control-request-method", b"POST"), (b"access-control-request-headers", b"authorization"))
    for path in PATHS:
        expected = "*" if path in DOCUMENTS else origin if path in BROWSER_CLIENTS and origin == HOME else None
        method = "POST" if path in BROWSER_CLIENTS else "GET"
        for answer in (ask_raw(house, method, path, sent), ask_raw(house, "OPTIONS", path, sent, *preflight)):
            assert answer.headers.get("access-control-allow-origin") == expected, path
            assert "access-control-allow-credentials" not in answer.headers
            assert path not in BROWSER_CLIENTS or answer.headers["vary"] == "origin"
            assert expected or "access-control-allow-headers" not in answer.headers
