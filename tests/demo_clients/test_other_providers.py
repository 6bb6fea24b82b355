"""The Shop as a relying party of a provider that is not this project's own."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import httpx2
import pytest

from demo_clients.relying_party.discovery import metadata_url
from demo_clients.relying_party.errors import ProviderUnavailable
from demo_clients.relying_party.outbound import fetch_document
from demo_clients.relying_party.party import build_party
from demo_clients.shop import app as shop_app
from tests.demo_clients.certificates import self_signed
from tests.demo_clients.conftest import settings_of
from tests.demo_clients.provider import ISSUER, MISSING, SHOP
from tests.demo_clients.wire import World, answer_of_provider, is_signed_in, parameters, post_form, sign_in

pytestmark = pytest.mark.anyio

ENDPOINTS = {
    "authorization_endpoint": f"{ISSUER}/oauth2/authorize",
    "token_endpoint": f"{ISSUER}/oauth2/token",
    "userinfo_endpoint": f"{ISSUER}/oauth2/userinfo",
    "jwks_uri": f"{ISSUER}/.well-known/jwks.json",
}


@pytest.mark.requirement("OIDC Discovery", "4.1")
@pytest.mark.parametrize("issuer", ["https://idp.example/tenant", "https://idp.example/tenant/"])
async def test_address_of_the_metadata(issuer: str) -> None:
    """One slash at the end of the issuer is left out before the well-known path."""
    assert metadata_url(issuer) == "https://idp.example/tenant/.well-known/openid-configuration"


@pytest.mark.case("RP-13")
@pytest.mark.parametrize(("configured", "signed_in"), [(f"{ISSUER}/", True), (ISSUER, False)])
async def test_issuer_with_a_slash(world: World, configured: str, signed_in: bool) -> None:
    """A slash at the end is part of the issuer, in the configuration as in the metadata and the ID Token."""
    world.provider.issuer = f"{ISSUER}/"
    world.provider.metadata_changes = ENDPOINTS
    rebuild_shop(world, issuer=configured)
    async with world.browser() as browser:
        if signed_in:
            await sign_in(browser)
        else:
            assert (await browser.get(f"{SHOP}/login")).status_code == 502
        assert await is_signed_in(browser) is signed_in


async def test_authorities_beside_those_of_the_system(tmp_path: Path) -> None:
    """A provider with a certificate of one's own authority is asked only if that authority was named."""
    pem = self_signed(tmp_path / "idp.pem", "idp.localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    server = await asyncio.start_server(answer_with_an_object, "127.0.0.1", 0, ssl=context)
    url = f"https://idp.localhost:{server.sockets[0].getsockname()[1]}/"
    stranger = self_signed(tmp_path / "other.pem", "idp.localhost")
    for ca_file, trusted in ((pem, True), (None, False), (stranger, False)):
        party = build_party(settings_of(shop_app.DEFAULTS, ca_file=ca_file))
        if trusted:
            assert await fetch_document(party.client, url)
        else:
            with pytest.raises(ProviderUnavailable):
                await fetch_document(party.client, url)
        await party.close()
    server.close()


async def test_sign_in_only_asks_for_no_api(world: World) -> None:
    """Neither a scope nor a resource that only this project's provider knows is ever sent; the person is known."""
    rebuild_shop(world, sign_in_only=True)
    async with world.browser() as browser:
        url = (await browser.get(f"{SHOP}/login")).headers["location"]
        assert parameters(url)["scope"] == "openid profile email"
        assert "resource" not in parameters(url)
        await sign_in(browser)
        sent = [form for path, form in world.provider.requests if path == "/oauth2/token"]
        assert [("resource" in form) for form in sent] == [False]
        assert "Robin Demo" in (await browser.get(f"{SHOP}/")).text


async def test_sign_in_only_renews_nothing(world: World) -> None:
    """Pages offer no API call; one that is asked for all the same is refused here, and no token is renewed."""
    rebuild_shop(world, sign_in_only=True)
    async with world.browser() as browser:
        await sign_in(browser)
        pages = [(await browser.get(SHOP + path)).text for path in ("/token", "/try", "/timeline")]
        for button in ('id="renew"', 'id="try-all"', "resource"):
            assert all(button not in page for page in pages), button
        assert (await post_form(browser, "/renew")).status_code == 502
        assert (await post_form(browser, "/try", attempt="proper")).status_code == 502
        await post_form(browser, "/try", attempt="code-replay")
        assert "cannot be seen here" in (await browser.get(f"{SHOP}/try")).text
        assert {form["grant_type"] for path, form in world.provider.requests if path == "/oauth2/token"} == {
            "authorization_code"
        }


OLDER = {
    "code_challenge_methods_supported": MISSING,
    "authorization_response_iss_parameter_supported": MISSING,
}


async def test_older_provider_is_refused_unless_allowed(world: World, browser: httpx2.AsyncClient) -> None:
    """A provider that announces neither PKCE nor `iss` in its answers is not used by default."""
    for member in OLDER:
        world.provider.metadata_changes = {member: MISSING}
        assert (await browser.get(f"{SHOP}/login")).status_code == 502


@pytest.mark.case("RP-02")
@pytest.mark.requirement("RFC 9207", "2.4")
@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("named", [ISSUER, None, "", "https://evil.example", f"{ISSUER}/"])
async def test_issuer_in_the_answer_of_an_older_provider(world: World, announced: bool, named: str | None) -> None:
    """It may leave `iss` out if it never promised it; what it states must be right in any case. PKCE is used."""
    world.provider.metadata_changes = {} if announced else OLDER
    rebuild_shop(world, allow_older_provider=True)
    async with world.browser() as browser:
        answer = parameters(await answer_of_provider(browser))
        answer.pop("iss")
        answer |= {"iss": named} if named is not None else {}
        response = await browser.get(
            f"{SHOP}/callback", params={**answer, **({"iss": named} if named is not None else {})}
        )
        is_good = named == ISSUER or (named is None and not announced)
        assert response.status_code == (303 if is_good else 400)
        assert await is_signed_in(browser) is is_good
        assert world.provider.count("/oauth2/token") == int(is_good), "a refused answer's code is sent nowhere"
        assert all("code_verifier" in form for path, form in world.provider.requests if path == "/oauth2/token")


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge_methods_supported": ["plain"]},
        {"code_challenge_methods_supported": None},
        {"id_token_signing_alg_values_supported": MISSING},
        {"issuer": f"{ISSUER}/"},
    ],
)
async def test_not_everything_is_allowed_to_an_older_provider(world: World, changes: dict[str, object]) -> None:
    """One that names other PKCE methods only, no RS256, or another issuer is refused as ever."""
    world.provider.metadata_changes = changes
    rebuild_shop(world, allow_older_provider=True)
    async with world.browser() as browser:
        assert (await browser.get(f"{SHOP}/login")).status_code == 502


@pytest.mark.case("RP-10")
@pytest.mark.requirement("Back-Channel Logout", "2.4")
@pytest.mark.parametrize(
    ("changes", "accepted"),
    [
        ({"typ": MISSING}, True),
        ({"typ": "JWT"}, True),
        ({"typ": "logout+jwt"}, True),
        ({"typ": "at+jwt"}, False),
        ({"typ": ""}, False),
        ({"typ": MISSING, "events": MISSING}, False),
        ({"typ": MISSING, "nonce": "n"}, False),
    ],
)
async def test_logout_token_of_an_older_provider(world: World, changes: dict[str, Any], accepted: bool) -> None:
    """Its logout tokens need no type, but all else that tells them from ID Tokens; a wrong type is refused."""
    rebuild_shop(world, allow_older_provider=True)
    async with world.browser() as browser:
        await sign_in(browser)
        response = await world.post_logout_token(world.provider.logout_token(**changes))
        assert response.status_code == (200 if accepted else 400)
        assert await is_signed_in(browser) is not accepted


async def test_id_token_of_an_older_provider_is_no_logout_token(world: World) -> None:
    """The genuine ID Token of the session does not end it, although both now may have the same type."""
    seen: list[str] = []
    world.provider.id_token_forger = lambda token: seen.append(token) or token  # type: ignore[func-returns-value]
    rebuild_shop(world, allow_older_provider=True)
    async with world.browser() as browser:
        await sign_in(browser)
        assert (await world.post_logout_token(seen[0])).status_code == 400
        assert await is_signed_in(browser)


async def answer_with_an_object(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a request with an empty JSON object."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
    await writer.drain()
    writer.close()


def rebuild_shop(world: World, **changes: object) -> None:
    """Put a Shop with other settings into the world."""
    settings = settings_of(shop_app.DEFAULTS, **changes)
    world.shop = shop_app.create_app(settings, transport=world.servers, now=world.clock)
    world.servers.apps[SHOP] = world.shop.asgi
