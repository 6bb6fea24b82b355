"""Requests between servers: names of RFC 6761, bounds, and keys as a provider may publish them."""

import asyncio
import json
import socket
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from demo_clients.relying_party.errors import ProviderMisbehaved, ProviderUnavailable
from demo_clients.relying_party.jwks import STALE_SECONDS, KeyCache, parse_key_set
from demo_clients.relying_party.outbound import MAX_DOCUMENT_BYTES, LoopbackTransport, fetch_document, open_client
from tests.demo_clients.provider import MISSING, merged
from tests.demo_clients.wire import Clock

pytestmark = pytest.mark.anyio


async def test_localhost_names_reach_loopback_with_their_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """`*.localhost` works where the resolver knows no such name, and the Host header stays."""
    monkeypatch.setattr(socket, "getaddrinfo", refuse_names(socket.getaddrinfo))
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = LoopbackTransport()
    async with open_client(transport) as client:
        for name in ("idp.localhost", "a.b.localhost", "localhost"):
            response = await client.get(f"http://{name}:{port}/")
            assert response.status_code == 200
            assert str(response.request.url) == f"http://{name}:{port}/"
            assert f"host: {name}:{port}\r\n".encode() in heads[-1].lower()
    await transport.aclose()
    server.close()


async def test_other_names_are_left_alone() -> None:
    """A name that only looks like it is resolved as any other."""
    seen: list[str] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.url.host)
        return httpx2.Response(200)

    async with open_client(LoopbackTransport(httpx2.MockTransport(handle))) as client:
        for name in ("idp.example", "localhost.example", "notlocalhost", "shop.localhost"):
            await client.get(f"http://{name}/")
    assert seen == ["idp.example", "localhost.example", "notlocalhost", "127.0.0.1"]


async def test_clients_share_the_connections() -> None:
    """Leaving one client does not close the transport for the next."""
    closed: list[bool] = []

    class Inner(httpx2.MockTransport):
        async def aclose(self) -> None:
            closed.append(True)

    transport = LoopbackTransport(Inner(lambda _: httpx2.Response(200)))
    for _ in range(2):
        async with open_client(transport) as client:
            await client.get("http://idp.example/")
    assert closed == []
    await transport.aclose()
    assert closed == [True]


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx2.Response(200, content=b"{" + b" " * MAX_DOCUMENT_BYTES + b"}"), ProviderMisbehaved),
        (httpx2.Response(200, content=b"[" * 100_000), ProviderMisbehaved),
        (httpx2.Response(200, content=b'{"a":1,"a":2}'), ProviderMisbehaved),
        (httpx2.Response(200, content=b'{"a":"\\ud800"}'), ProviderMisbehaved),
        (httpx2.Response(200, content=b"\xff"), ProviderMisbehaved),
        (httpx2.Response(302, headers={"Location": "http://169.254.169.254/"}), ProviderMisbehaved),
        (httpx2.Response(404), ProviderMisbehaved),
        (httpx2.Response(500), ProviderUnavailable),
    ],
)
async def test_unusable_documents(response: httpx2.Response, error: type[Exception]) -> None:
    """Too long, not JSON, ambiguous, redirected, absent, broken: each is a refusal, none is followed."""
    asked: list[str] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return response

    async with open_client(httpx2.MockTransport(handle)) as client:
        with pytest.raises(error):
            await fetch_document(client, "http://idp.example/doc")
    assert asked == ["http://idp.example/doc"]


@pytest.mark.parametrize("fault", [httpx2.ConnectError, httpx2.ReadTimeout, httpx2.RemoteProtocolError])
async def test_network_faults_are_one_refusal(fault: type[Exception]) -> None:
    """Whatever the network does, callers see ProviderUnavailable."""

    def handle(request: httpx2.Request) -> httpx2.Response:
        raise fault("away")

    async with open_client(httpx2.MockTransport(handle)) as client:
        with pytest.raises(ProviderUnavailable):
            await fetch_document(client, "http://idp.example/doc")


def test_only_usable_keys_are_taken(signing_keys: tuple[RSAKey, RSAKey, RSAKey]) -> None:
    """Keys for other uses, other algorithms or too short are skipped, private members never kept."""
    good = signing_keys[0].as_dict(private=False)
    nameless = {name: value for name, value in good.items() if name != "kid"}
    with pytest.warns(match="2048"):
        short = RSAKey.generate_key(1024, {"kid": "short"}).as_dict(private=False)
    listed: list[Any] = [
        {**good, "kid": "enc", "use": "enc"},
        {**good, "kid": "ps", "alg": "PS256"},
        {**good, "kid": "signs", "key_ops": ["sign"]},
        {**good, "kid": "damaged", "n": "!"},
        {**good, "kid": 7},
        {**nameless, "use": "enc"},
        short,
        ECKey.generate_key("P-256", {"kid": "ec"}).as_dict(private=False),
        OctKey.generate_key(256, {"kid": "oct"}).as_dict(),
        "text",
        {**signing_keys[1].as_dict(private=True), "kid": "leaked"},
        good,
        {**signing_keys[2].as_dict(private=False), "kid": "key-1"},
    ]
    keys = parse_key_set({"keys": listed})
    assert [key.kid for key in keys] == ["leaked", "key-1"]
    assert "d" not in keys[0].jwk
    assert keys[1].jwk["n"] == good["n"], "the first of two with one name"
    with pytest.raises(ProviderMisbehaved):
        parse_key_set({"keys": {}})


def test_keys_without_a_name_are_all_kept(signing_keys: tuple[RSAKey, RSAKey, RSAKey]) -> None:
    """Two nameless keys are two: neither hides the other, so that a token without `kid` fits none for certain."""
    listed = [merged(key.as_dict(private=False), {"kid": MISSING}) for key in signing_keys]
    assert [key.kid for key in parse_key_set({"keys": listed})] == [None, None, None]


@pytest.mark.parametrize(
    ("cache_control", "lifetime"),
    [("", 300), ("public, max-age=600", 600), ("max-age=1", 30), ("MAX-AGE=999999", 3600), ("s-maxage=7", 300)],
)
async def test_lifetime_of_keys_follows_the_provider(cache_control: str, lifetime: int) -> None:
    """Cache-Control decides, within bounds."""
    clock, fetches = Clock(), [0]

    async def fetch() -> tuple[dict[str, Any], str]:
        fetches[0] += 1
        return {"keys": []}, cache_control

    cache = KeyCache(fetch, clock)
    await cache.current()
    clock.at += lifetime - 1
    await cache.current()
    assert fetches == [1]
    clock.at += 1
    await cache.current()
    assert fetches == [2]


async def test_known_keys_outlive_the_provider_for_a_while() -> None:
    """While the provider is away known keys stay good, but not for ever."""
    clock, away = Clock(), [False]

    async def fetch() -> tuple[dict[str, Any], str]:
        if away[0]:
            raise ProviderUnavailable("away")
        return {"keys": []}, ""

    cache = KeyCache(fetch, clock)
    first = await cache.current()
    away[0] = True
    clock.at += STALE_SECONDS
    assert await cache.current() is first
    clock.at += STALE_SECONDS
    with pytest.raises(ProviderUnavailable):
        await cache.current()


async def test_unknown_key_at_many_tasks_is_one_fetch() -> None:
    """Thirty-two tokens with unknown keys at the same moment cause one fetch beside the first."""
    clock, fetches = Clock(), [0]

    async def fetch() -> tuple[dict[str, Any], str]:
        fetches[0] += 1
        await asyncio.sleep(0)
        return json.loads('{"keys": []}'), ""

    cache = KeyCache(fetch, clock)
    await cache.current()
    clock.at += 10
    assert await asyncio.gather(*(cache.find(f"k{number}") for number in range(32))) == [None] * 32
    assert fetches == [2]


def refuse_names(real: Any) -> Any:
    """getaddrinfo of a system that knows no `*.localhost`."""

    def getaddrinfo(host: Any, *rest: Any, **named: Any) -> Any:
        if "localhost" in str(host):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *rest, **named)

    return getaddrinfo
