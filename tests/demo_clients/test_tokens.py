"""Tokens for other APIs: from the refresh token, renewed when due, never twice at once."""

import asyncio

import httpx2
import pytest

from demo_clients.relying_party.errors import ProviderUnavailable, SignInEnded, TokenRequestRefused
from demo_clients.relying_party.sessions import Session
from demo_clients.relying_party.tokens import access_token_for
from tests.demo_clients.provider import BANK, ISSUER, MISSING, SHOP, Members
from tests.demo_clients.wire import World, is_signed_in, post_form, sign_in

pytestmark = pytest.mark.anyio

RESOURCE = f"{BANK}/api"


def session_of(world: World) -> Session:
    """The one signed-in session of the Shop."""
    [session] = world.shop.party.sessions.signed_in(session_id=None, subject=None)
    return session


def refreshes(world: World) -> list[Members]:
    """The refresh requests that reached the provider."""
    return [form for _, form in world.provider.requests if form.get("grant_type") == "refresh_token"]


@pytest.mark.requirement("RFC 8707", "2.2")
async def test_one_token_for_each_api(world: World, browser: httpx2.AsyncClient) -> None:
    """The code gives the token for UserInfo; a refresh with `resource` gives the one for the Bank, and it is kept."""
    await sign_in(browser)
    exchange = next(form for path, form in world.provider.requests if path == "/oauth2/token")
    assert exchange["resource"] == ISSUER
    first = await access_token_for(world.shop.party, session_of(world), RESOURCE)
    again = await access_token_for(world.shop.party, session_of(world), RESOURCE)
    assert first is again
    assert first.scope == ("roles", "accounts.read")
    assert [form["resource"] for form in refreshes(world)] == [RESOURCE]


async def test_token_is_renewed_when_it_expires(world: World, browser: httpx2.AsyncClient) -> None:
    """Silent renewal: a new token by the rotated refresh token, shortly before the old one expires."""
    await sign_in(browser)
    party, session = world.shop.party, session_of(world)
    first = await access_token_for(party, session, RESOURCE)
    world.clock.at += 280
    assert await access_token_for(party, session, RESOURCE) is first
    world.clock.at += 15
    second = await access_token_for(party, session, RESOURCE)
    assert second.value != first.value
    assert session.tokens is not None
    assert (session.tokens.renewals, session.tokens.rotations) == (2, 2)
    assert session.tokens.earlier == (first,)
    assert len({form["refresh_token"] for form in refreshes(world)}) == 2


async def test_many_requests_at_once_refresh_once(world: World, browser: httpx2.AsyncClient) -> None:
    """Thirty-two pages that need a token at the same moment use the refresh token once."""
    await sign_in(browser)
    session = session_of(world)
    wanted = (access_token_for(world.shop.party, session, RESOURCE) for _ in range(32))
    tokens = await asyncio.gather(*wanted)
    assert len({token.value for token in tokens}) == 1
    assert len(refreshes(world)) == 1


async def test_two_apis_at_once_do_not_race_for_the_refresh_token(world: World, browser: httpx2.AsyncClient) -> None:
    """Tokens for two APIs at the same moment are got one after the other; the family stays alive."""
    await sign_in(browser)
    session, party = session_of(world), world.shop.party
    await asyncio.gather(*(access_token_for(party, session, one) for one in (RESOURCE, f"{SHOP}/api")))
    world.clock.at += 300
    assert (await access_token_for(party, session, RESOURCE)).value


async def test_dead_grant_ends_the_session(world: World, browser: httpx2.AsyncClient) -> None:
    """When the provider says invalid_grant, the person is signed out here and told why."""
    await sign_in(browser)
    for grant in world.provider.refresh_tokens.values():
        grant.revoked = True
    with pytest.raises(SignInEnded):
        await access_token_for(world.shop.party, session_of(world), RESOURCE)
    assert not await is_signed_in(browser)
    assert "no longer renews" in (await browser.get(f"{SHOP}/")).text


async def test_other_refusals_leave_the_session(world: World, browser: httpx2.AsyncClient) -> None:
    """A resource that was not granted, or a provider that is away, costs nobody the sign-in."""
    await sign_in(browser)
    with pytest.raises(TokenRequestRefused):
        await access_token_for(world.shop.party, session_of(world), "https://not.granted.example")
    away = world.servers.apps.pop(ISSUER)
    with pytest.raises(ProviderUnavailable):
        await access_token_for(world.shop.party, session_of(world), RESOURCE)
    world.servers.apps[ISSUER] = away
    assert await is_signed_in(browser)
    assert (await access_token_for(world.shop.party, session_of(world), RESOURCE)).value


async def test_without_refresh_token_there_is_no_token(world: World, browser: httpx2.AsyncClient) -> None:
    """A provider that gives no refresh token leaves the verification page working."""
    world.provider.token_response_changes = {"refresh_token": MISSING}
    await sign_in(browser)
    with pytest.raises(TokenRequestRefused):
        await access_token_for(world.shop.party, session_of(world), RESOURCE)
    assert (await browser.get(f"{SHOP}/token")).status_code == 200


@pytest.mark.requirement("OIDC Core", "12.2")
@pytest.mark.parametrize(
    ("changes", "good"),
    [({}, True), ({"sub": "somebody-else"}, False), ({"aud": "bank"}, False), ({"at_hash": "x"}, False)],
)
async def test_id_token_of_a_refresh_is_checked(
    world: World, browser: httpx2.AsyncClient, changes: Members, good: bool
) -> None:
    """An ID Token that comes with a refresh must be about the same person and this client."""
    await sign_in(browser)
    world.provider.refresh_id_token_changes = changes
    response = await post_form(browser, "/renew")
    assert response.status_code == (303 if good else 502)
