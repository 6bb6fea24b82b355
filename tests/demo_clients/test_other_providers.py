"""The Shop as a relying party of a provider that is not this project's own."""

import asyncio
import ssl
from pathlib import Path

import pytest

from demo_clients.relying_party.discovery import metadata_url
from demo_clients.relying_party.errors import ProviderUnavailable
from demo_clients.relying_party.outbound import fetch_document
from demo_clients.relying_party.party import build_party
from demo_clients.shop import app as shop_app
from tests.demo_clients.certificates import self_signed
from tests.demo_clients.conftest import settings_of
from tests.demo_clients.provider import ISSUER, SHOP
from tests.demo_clients.wire import World, is_signed_in, parameters, post_form, sign_in

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
