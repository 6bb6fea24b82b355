"""Requests that no well-behaved HTTP client would send, given to the application as a server would give them."""

import asyncio
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from tests.attacks.oracle import check_answer
from tests.provider import ISSUER, House

FORM = (b"content-type", b"application/x-www-form-urlencoded")


def ask_raw(
    house: House, method: str, path: str, *headers: tuple[bytes, bytes], query: bytes = b"", body: bytes = b""
) -> httpx2.Response:
    """Send a request with exactly these headers, beside Host, and return the answer, which passed the oracle."""
    host = urlsplit(ISSUER).netloc.encode()
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", host), *headers],
        "client": ("192.0.2.7", 1),
        "server": ("127.0.0.1", 443),
    }
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(house.app(scope, receive, send))
    request = httpx2.Request(method, ISSUER + quote(path))
    response = httpx2.Response(sent[0]["status"], headers=sent[0]["headers"], content=sent[1]["body"], request=request)
    check_answer(response)
    return response
