"""Signing out: here only, everywhere, and the way back from the provider."""

import httpx2
import pytest

from demo_clients.relying_party import sessions
from tests.demo_clients.provider import BANK, ISSUER, SHOP
from tests.demo_clients.wire import World, is_signed_in, parameters, post_form, sign_in

pytestmark = pytest.mark.anyio


async def test_local_sign_out_ends_this_session_only(world: World, browser: httpx2.AsyncClient) -> None:
    """Signed out at the Shop, still signed in at the Bank; the refresh token is revoked."""
    await sign_in(browser)
    await sign_in(browser, BANK)
    refresh_token = next(iter(world.provider.refresh_tokens))
    response = await post_form(browser, "/logout", where="here")
    assert response.headers["location"] == "/"
    assert not await is_signed_in(browser)
    assert await is_signed_in(browser, BANK)
    assert world.provider.revoked_tokens == [refresh_token]
    assert world.provider.count("/oauth2/logout") == 0


@pytest.mark.requirement("RP-Initiated Logout", "2")
async def test_single_sign_out_goes_to_the_provider_and_back(world: World, browser: httpx2.AsyncClient) -> None:
    """The logout request has the ID Token as hint, the registered return address and a state that is checked."""
    await sign_in(browser)
    sent = await post_form(browser, "/logout", where="everywhere")
    assert sent.status_code == 303
    query = parameters(sent.headers["location"])
    assert sent.headers["location"].startswith(f"{ISSUER}/oauth2/logout?")
    assert query["post_logout_redirect_uri"] == f"{SHOP}/"
    assert query["id_token_hint"].count(".") == 2
    assert not await is_signed_in(browser), "signed out here before the provider is asked"
    back = (await browser.get(sent.headers["location"])).headers["location"]
    assert parameters(back) == {"state": query["state"]}
    landed = await browser.get(back)
    assert (landed.status_code, landed.headers["location"]) == (303, "/")
    assert "which tells the other applications" in (await browser.get(f"{SHOP}/")).text


@pytest.mark.parametrize("state", ["", "wrong"])
async def test_foreign_way_back_says_nothing(world: World, browser: httpx2.AsyncClient, state: str) -> None:
    """A return with another state does not make the page claim a sign-out everywhere, and signs nobody out."""
    await sign_in(browser)
    await browser.get(f"{SHOP}/", params={"state": state})
    assert await is_signed_in(browser)
    await post_form(browser, "/logout", where="everywhere")
    await browser.get(f"{SHOP}/", params={"state": state})
    page = (await browser.get(f"{SHOP}/")).text
    assert "could not be told" in page
    assert "which tells the other applications" not in page


async def test_way_back_works_once(world: World, browser: httpx2.AsyncClient) -> None:
    """The same return address again changes nothing."""
    await sign_in(browser)
    sent = await post_form(browser, "/logout", where="everywhere")
    back = (await browser.get(sent.headers["location"])).headers["location"]
    await browser.get(back)
    await sign_in(browser)
    await browser.get(back)
    assert await is_signed_in(browser)


@pytest.mark.parametrize("where", ["here", "everywhere"])
async def test_sign_out_works_without_the_provider(world: World, browser: httpx2.AsyncClient, where: str) -> None:
    """When the provider is away one is signed out here all the same."""
    await sign_in(browser)
    world.servers.apps.pop(ISSUER)
    response = await post_form(browser, "/logout", where=where)
    assert response.status_code == 303
    assert not await is_signed_in(browser)


async def test_sign_out_page_is_for_somebody(browser: httpx2.AsyncClient) -> None:
    """Without a session there is nothing to choose."""
    assert (await browser.get(f"{SHOP}/logout")).headers["location"] == "/"


async def test_old_cookie_is_dead_after_sign_out(world: World, browser: httpx2.AsyncClient) -> None:
    """A copy of the cookie from before the sign-out opens nothing."""
    await sign_in(browser)
    copy = dict(browser.cookies)
    await post_form(browser, "/logout", where="here")
    async with world.browser() as thief:
        thief.cookies.update(copy)
        assert not await is_signed_in(thief)


async def test_idle_and_absolute_limits(world: World, browser: httpx2.AsyncClient) -> None:
    """A session ends when it is idle for long, and in the end even if it is not."""
    await sign_in(browser)
    world.clock.at += sessions.IDLE_SECONDS + 1
    assert not await is_signed_in(browser)
    await sign_in(browser)
    for _ in range(sessions.ABSOLUTE_SECONDS // sessions.IDLE_SECONDS):
        assert await is_signed_in(browser)
        world.clock.at += sessions.IDLE_SECONDS
    world.clock.at += 1
    assert not await is_signed_in(browser)
