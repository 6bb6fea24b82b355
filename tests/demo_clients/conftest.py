"""Fixtures: keys made once, and a world of provider, Shop and Bank for each test."""

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from joserfc.jwk import RSAKey

from demo_clients.bank import app as bank_app
from demo_clients.relying_party.settings import PartyDefaults, Settings
from demo_clients.shop import app as shop_app
from tests.demo_clients.provider import ISSUER, FakeProvider, new_key
from tests.demo_clients.wire import Clock, HostRouter, World


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def signing_keys() -> tuple[RSAKey, RSAKey, RSAKey]:
    """Three key pairs: two for the provider, one that it does not have."""
    return new_key("key-1"), new_key("key-2"), new_key("key-of-somebody-else")


@pytest.fixture
def world(signing_keys: tuple[RSAKey, RSAKey, RSAKey]) -> World:
    """Provider, Shop and Bank in this process, at a standing clock."""
    clock, servers = Clock(), HostRouter()
    provider = FakeProvider(now=clock, keys=[signing_keys[0]])
    shop = shop_app.create_app(settings_of(shop_app.DEFAULTS), transport=servers, now=clock)
    bank = bank_app.create_app(settings_of(bank_app.DEFAULTS), transport=servers, now=clock)
    servers.apps.update(
        {
            ISSUER: provider.asgi(),
            shop_app.DEFAULTS.base_url: shop.asgi,
            bank_app.DEFAULTS.base_url: bank.asgi,
        }
    )
    return World(clock, provider, servers, shop, bank)


@pytest.fixture
async def browser(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser that nobody has used yet."""
    async with world.browser() as client:
        yield client


def settings_of(defaults: PartyDefaults, **changes: Any) -> Settings:
    """The settings of a demo application as the command line would give them."""
    settings = Settings(
        issuer=ISSUER,
        host="127.0.0.1",
        port=defaults.port,
        base_url=defaults.base_url,
        client_id=defaults.client_id,
        client_secret=f"{defaults.client_id}-secret",
        peer_url=defaults.peer_url,
        defaults=defaults,
    )
    return dataclasses.replace(settings, **changes)
