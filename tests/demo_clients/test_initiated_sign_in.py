"""OIDC Core §4: a sign-in that somebody else than the Shop began."""

from urllib.parse import urlencode

import httpx2
import pytest

from tests.demo_clients.provider import ISSUER, SHOP
from tests.demo_clients.wire import World, is_signed_in, parameters

pytestmark = pytest.mark.anyio
INITIATE = f"{SHOP}/login/initiate"


@pytest.mark.requirement("OIDC Core 1.0", "4")
async def test_the_hint_is_passed_on_and_the_target_kept(world: World, browser: httpx2.AsyncClient) -> None:
    """The request is an ordinary one with its own state; afterwards one is on the page that was meant."""
    asked = {"iss": ISSUER, "login_hint": "robin", "target_link_uri": f"{SHOP}/token"}
    sent = await browser.get(INITIATE, params=asked)
    assert parameters(sent.headers["location"])["login_hint"] == "robin"
    answered = await browser.get(sent.headers["location"])
    assert (await browser.get(answered.headers["location"])).headers["location"] == "/token"
    assert await is_signed_in(browser)


async def test_a_form_does_the_same(world: World, browser: httpx2.AsyncClient) -> None:
    """§4 asks for POST too; it becomes a GET, which brings the cookie."""
    asked = {"iss": ISSUER, "login_hint": "a b&c"}
    sent = await browser.post(INITIATE, data=asked)
    assert sent.status_code == 303
    assert sent.headers["location"] == f"/login/initiate?{urlencode(asked)}"


@pytest.mark.parametrize("issuer", [None, "", "https://evil.example", f"{ISSUER}/"])
async def test_another_issuer_is_refused(world: World, browser: httpx2.AsyncClient, issuer: str | None) -> None:
    """Nobody is sent anywhere by somebody else's word."""
    refused = await browser.get(INITIATE, params={"iss": issuer} if issuer is not None else {})
    assert refused.status_code == 400
    assert "location" not in refused.headers


@pytest.mark.parametrize("target", ["https://evil.example/", f"{SHOP}.evil.example/", f"{SHOP}//evil.example", "//x"])
async def test_an_open_redirect_is_refused(world: World, browser: httpx2.AsyncClient, target: str) -> None:
    """A target that is no page of the Shop leads to its front page."""
    sent = await browser.get(INITIATE, params={"iss": ISSUER, "target_link_uri": target})
    answered = await browser.get(sent.headers["location"])
    assert (await browser.get(answered.headers["location"])).headers["location"] == "/"
