"""Requests that no well-behaved HTTP client would send, given to the application as a server would give them."""

import asyncio
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from tests.attacks.oracle import check_answer
from tests.provider import ISSUER, House

RawAnswer = tuple[int, list[tuple[bytes, bytes]], bytes]
FORM = (b"content-type", b"application/x-www-form-urlencoded")


def scope_of(
    method: str, path: str, *headers: tuple[bytes, bytes], query: bytes = b"", address: str = "192.0.2.7"
) -> dict[str, Any]:
    """Return a request as a server gives it, with exactly these headers beside Host."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode("utf-8", "surrogatepass"),
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", urlsplit(ISSUER).netloc.encode()), *headers],
        "client": (address, 1),
        "server": ("127.0.0.1", 443),
    }


async def exchange(house: House, scope: dict[str, Any], body: bytes = b"") -> RawAnswer:
    """Give a request to the application and return status, headers and body of its answer."""
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await house.app(scope, receive, send)
    return sent[0]["status"], sent[0]["headers"], sent[1]["body"]


def ask_raw(
    house: House, method: str, path: str, *headers: tuple[bytes, bytes], query: bytes = b"", body: bytes = b""
) -> httpx2.Response:
    """Send a request with exactly these headers, beside Host, and return the answer, which passed the oracle."""
    status, fields, content = asyncio.run(exchange(house, scope_of(method, path, *headers, query=query), body))
    request = httpx2.Request(method, ISSUER + quote(path))
    response = httpx2.Response(status, headers=fields, content=content, request=request)
    check_answer(response)
    return response
