"""The loopback redirect of a native application (RFC 8252 §7.3): a server on 127.0.0.1 for one single answer.

Any page in the browser can send requests here while it listens. So only the answer with the right `state` counts;
everything else is refused and the waiting goes on.
"""

import asyncio
import hmac
from html import escape
from http import HTTPStatus
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from starlette.datastructures import QueryParams

PATH = "/callback"
READ_SECONDS = 10.0
MAX_REQUEST_BYTES = 16_384

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title}</title></head>
<body><main><h1>{title}</h1><p>{text}</p></main></body></html>
"""


class LoopbackReceiver:
    """Listens on a free port of 127.0.0.1 while it is entered. `state` is set before the browser is sent off."""

    def __init__(self) -> None:
        self.state = ""
        self.port = 0
        self._answer: asyncio.Future[QueryParams] = asyncio.get_running_loop().create_future()
        self._page: asyncio.Future[tuple[str, str]] = asyncio.get_running_loop().create_future()
        self._server: asyncio.Server | None = None
        self._sent = asyncio.Event()

    @property
    def redirect_uri(self) -> str:
        """Registered without a port: the provider lets the port vary (RFC 8252 §7.3)."""
        return f"http://127.0.0.1:{self.port}{PATH}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=MAX_REQUEST_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._answer.cancel()
        self._page.cancel()
        if self._server is not None:
            self._server.close()

    async def answer(self) -> QueryParams:
        """The parameters of the answer to our own request."""
        return await asyncio.shield(self._answer)

    async def show(self, title: str, text: str) -> None:
        """Give the browser its page, now that it is known how the sign-in went."""
        self._page.set_result((title, text))
        async with asyncio.timeout(READ_SECONDS):
            await self._sent.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(READ_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            writer.close()
            return
        status, title, text = await self._respond(head)
        await _send(writer, status, title, text)
        if status == HTTPStatus.OK:
            self._sent.set()

    async def _respond(self, head: bytes) -> tuple[HTTPStatus, str, str]:
        method, _, rest = head.decode("latin-1").partition(" ")
        target = urlsplit(rest.partition(" ")[0])
        query = QueryParams(target.query)
        if method != "GET" or target.path != PATH:
            return HTTPStatus.NOT_FOUND, "Nothing here", "This address waits for a sign-in only."
        ours = hmac.compare_digest(query.get("state", "").encode(), self.state.encode())
        if not ours or not self.state or self._answer.done():
            return HTTPStatus.BAD_REQUEST, "Refused", "This answer belongs to no sign-in that the application began."
        self._answer.set_result(query)
        return HTTPStatus.OK, *(await self._page)


async def _send(writer: asyncio.StreamWriter, status: HTTPStatus, title: str, text: str) -> None:
    body = _PAGE.format(title=escape(title), text=escape(text)).encode()
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "Content-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
        "Referrer-Policy: no-referrer\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
        "Connection: close\r\n\r\n"
    )
    try:
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    except ConnectionError:
        return
