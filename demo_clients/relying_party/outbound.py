"""Requests from the application's server to the provider and to other APIs.

`LoopbackTransport` makes `*.localhost` work on machines whose resolver knows no such name: browsers send these names
to the loopback interface by themselves, as RFC 6761 §6.3 says, but `getaddrinfo` of many systems does not.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Any

import httpx2

from demo_clients.relying_party.errors import ProviderMisbehaved, ProviderUnavailable
from demo_clients.relying_party.strict_json import NotStrictJson, parse_object

TIMEOUT_SECONDS = 5.0
MAX_DOCUMENT_BYTES = 262_144

_LOOPBACK = "127.0.0.1"


class LoopbackTransport(httpx2.AsyncBaseTransport):
    """Connects `localhost` and `*.localhost` to 127.0.0.1 and leaves the Host header as the caller wrote it.

    One instance serves many clients: leaving a client's `async with` does not close it (Authlib makes a client for
    each token request), `aclose` does.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport | None = None) -> None:
        self._inner = inner or httpx2.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request, to the loopback address if its host is a name of RFC 6761 §6.3."""
        host = request.url.host
        if host == "localhost" or host.endswith(".localhost"):
            request = httpx2.Request(
                request.method,
                request.url.copy_with(host=_LOOPBACK),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": host},
            )
        return await self._inner.handle_async_request(request)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """Keep the connections: other clients use them too."""

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()


def open_client(transport: httpx2.AsyncBaseTransport) -> httpx2.AsyncClient:
    """A client that follows no redirect, reads no proxy from the environment and does not wait for long."""
    return httpx2.AsyncClient(transport=transport, trust_env=False, timeout=TIMEOUT_SECONDS, follow_redirects=False)


async def fetch_document(
    client: httpx2.AsyncClient, url: str, *, access_token: str | None = None
) -> tuple[Mapping[str, Any], httpx2.Headers]:
    """GET a JSON object of at most MAX_DOCUMENT_BYTES. Raises ProviderUnavailable, ProviderMisbehaved."""
    headers = {"Accept": "application/json"}
    if access_token is not None:
        headers["Authorization"] = f"Bearer {access_token}"
    try:
        async with client.stream("GET", url, headers=headers) as response:
            _check_status(response)
            body = await _read_bounded(response)
    except httpx2.HTTPError as error:
        raise unavailable(error) from error
    return _parse_document(body), response.headers


def unavailable(error: Exception) -> ProviderUnavailable:
    """The refusal for a request that got no usable answer."""
    return ProviderUnavailable(
        "The sign-in service does not answer at the moment.",
        remedy="Nothing is lost. Please try again in a moment.",
        detail=type(error).__name__,
    )


def _check_status(response: httpx2.Response) -> None:
    if response.status_code >= 500:
        raise ProviderUnavailable(
            "The sign-in service has trouble at the moment.",
            remedy="Nothing is lost. Please try again in a moment.",
            detail=f"HTTP {response.status_code}",
        )
    if response.status_code != 200:
        raise ProviderMisbehaved(
            "The sign-in service refused to give us a document that it should.",
            detail=f"HTTP {response.status_code}",
        )


async def _read_bounded(response: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_DOCUMENT_BYTES:
            raise ProviderMisbehaved("The sign-in service sent a document that is far too long.")
    return bytes(body)


def _parse_document(body: bytes) -> Mapping[str, Any]:
    try:
        return parse_object(body)
    except NotStrictJson as error:
        raise ProviderMisbehaved(f"The sign-in service sent a document that {error}.") from error
