"""HTTP/1.1 for strangers: uvicorn's protocol over httptools, with a bound on whatever a peer can make grow or last
(R18).

httptools alone takes heads of any size for any time. What it lets pass and RFC 9112 wants refused is refused here: no
Host or two (§3.2), a transfer coding other than chunked (§6.1), a target of another host; trailers are dropped
(§6.5.1). Every refusal closes the connection, so that nobody can disagree on where the next request begins (§11.2).
"""

import asyncio
import re
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from idp.protocol.messages import Fields
from idp.web.bodies import IS_WHOLE
from idp.web.headers import ALWAYS, NOT_A_PAGE
from idp.web.http_connections import Connections

# A head in all, its target, and its number of fields; browsers and proxies stay far below.
MOST_HEAD_BYTES = 65_536
LONGEST_TARGET = 32_768
MOST_FIELDS = 100
# What a request may take on the wire beside its head: the longest body in chunks of a few bytes.
MOST_BODY_BYTES = 1_048_576
# Requests that are sent before the answer to the first; more gain nothing.
MOST_PIPELINED = 32
# RFC 3986 §3.2.2 and §3.2.3, without userinfo.
_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")
# Beside CR, LF and the tab, which a value may hold.
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE)
_WORDS = {
    400: "The request is not valid HTTP.",
    414: "The address is too long.",
    421: "This server does not answer under that name.",
    413: "The request is larger than we accept.",
    431: "The head of the request is larger than we accept.",
    503: "Too many connections are open.",
    505: "HTTP/1.1 is spoken here.",
}


class _Refused(Exception):
    """Ends the parsing of a request."""


class _Cycle(RequestResponseCycle):
    """One request and its answer, which is whole when it goes out and so is written in one piece. An answer that comes
    before the end of the request's body ends the connection: the protocol closes it, and not before the peer could read
    the answer."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self._head: Any = None

    async def run_asgi(self, app: Any) -> None:
        scope: Any = self.scope
        scope["extensions"] = {IS_WHOLE: not self.more_body}
        await super().run_asgi(app)

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.response_started, self.waiting_for_100_continue = True, False
            self._head = message
            return
        if message.get("more_body"):
            raise RuntimeError("an answer in several parts")
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        fields = [*self.default_headers, *self._head["headers"]]
        if self.more_body or not self.keep_alive:
            fields.append((b"connection", b"close"))
        self.transport.write(_head_of(self._head["status"], fields) + message.get("body", b""))
        self.response_complete = True
        self.message_event.set()
        if not self.keep_alive:
            self.transport.close()
        self.on_response()


def _head_of(status: int, fields: list[tuple[bytes, bytes]]) -> bytes:
    """Return the head of an answer. Raises RuntimeError for a field that would end a line (RFC 9110 §5.5)."""
    head = STATUS_LINE[status] + b"".join([b"%b: %b\r\n" % field for field in fields]) + b"\r\n"
    lines = len(fields) + 2
    if head.count(b"\n") != lines or head.count(b"\r") != lines or _CONTROLS.search(head):
        raise RuntimeError("a field of the answer holds a control character")
    return head


class BoundedHttp(HttpToolsProtocol):
    """One connection. `connections` are all of this process; `headers` go out with refusals beside the usual ones."""

    transport: Any

    def __init__(self, *options: Any, connections: Connections, headers: Fields = (), **named: Any) -> None:
        super().__init__(*options, **named)
        self._all = connections
        self._refusal_headers = (*ALWAYS, *NOT_A_PAGE, *headers)
        # When the sweep ends what goes on: the wait for a head, the lingering, a write. Monotonic seconds.
        self.deadline, self.stuck_since = 0.0, 0.0
        self.is_lingering, self._is_last = False, False
        self._is_idle, self._in_head = False, True
        self._chunk, self._bytes, self._head_bytes = 0, 0, 0
        self._status, self._pending_status = 0, 0
        self._hosts, self._host, self._coding = 0, b"", b""
        self._known_host: bytes | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if self._all.admit(self):
            self._wait(self._all.head_seconds)
        elif not transport.is_closing():
            self._refuse(503)

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.waiting.pop(self, None)
        super().connection_lost(exc)

    def _wait(self, seconds: float) -> None:
        """Wait for a head; whoever waits longest is the first to go when there are too many."""
        self.deadline = self.loop.time() + seconds
        self._all.waiting[self] = None

    def data_received(self, data: bytes) -> None:
        if self.is_lingering or self._pending_status:
            self._discard(len(data))
            return
        if self._is_idle:
            self._is_idle = False
            self.deadline = self.loop.time() + self._all.head_seconds
        self._chunk = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # Nothing is upgraded to. What follows would be read as another protocol by others: no more of it.
            self.cycle.keep_alive = False
            self._pending_status = 400
            return
        except httptools.HttpParserError:
            self._refuse(self._status or 400)
            return
        self._bytes += self._chunk
        if self._in_head and self._bytes > MOST_HEAD_BYTES:
            self._refuse(431 if self.headers else 414)
        elif self._bytes > MOST_BODY_BYTES:
            self._refuse(413)

    def _discard(self, size: int) -> None:
        self._bytes += size
        if self._bytes > 2 * MOST_BODY_BYTES:
            self.transport.abort()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        # What came together with the beginning is in memory already, and may hold the end of the request before.
        self._bytes = -self._chunk
        self._head_bytes, self._hosts, self._coding = 0, 0, b""

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > LONGEST_TARGET:
            self._stop(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return
        name = name.lower()
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > MOST_HEAD_BYTES or len(self.headers) >= MOST_FIELDS:
            self._stop(431)
        self.headers.append((name, value))
        if name == b"host":
            self._hosts += 1
            self._host = value
        elif name == b"transfer-encoding":
            self._coding = value
        elif name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue"

    def on_headers_complete(self) -> None:
        self._in_head = False
        version = self.parser.get_http_version()
        self._check_head(version)
        self._all.waiting.pop(self, None)
        scope = self.scope
        scope["method"], scope["http_version"] = self.parser.get_method().decode("ascii"), version
        self._read_target(scope)
        before = self.cycle
        self.cycle = _Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version == "1.1" and self.parser.should_keep_alive() and not self._is_last,
            on_response=self.on_response_complete,
        )
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def _check_head(self, version: str) -> None:
        if version not in {"1.1", "1.0"}:
            self._stop(505)
        if self._hosts != 1 and (self._hosts or version == "1.1"):
            self._stop(400)
        if self._hosts and self._host != self._known_host:
            if not _HOST.fullmatch(self._host):
                self._stop(400)
            self._known_host = self._host
        if self._coding and (version == "1.0" or self._coding.lower() != b"chunked"):
            self._stop(400)
        if len(self.pipeline) >= MOST_PIPELINED:
            self._stop(503)

    def _read_target(self, scope: Any) -> None:
        """Fill in path and query (RFC 9112 §3.2); the authority of an absolute form has to be the Host."""
        target = self.url
        if absolute := _ABSOLUTE.fullmatch(target):
            if absolute[1] != self._host:
                self._stop(421)
            target = absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]
        if not target.startswith(b"/") or b"#" in target:
            self._stop(400)
        raw_path, _, query = target.partition(b"?")
        path = raw_path.decode("ascii")
        # An encoded slash is none (RFC 3986 §2.2): whoever guards paths in front of us would not see one either.
        is_encoded = "%" in path and "%2f" not in path.lower()
        scope["path"] = self.root_path + (unquote(path) if is_encoded else path)
        scope["raw_path"], scope["query_string"] = self.root_path.encode("ascii") + raw_path, query

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif self._pending_status:
            self._answer(self._pending_status)
        elif self.cycle.more_body:
            self._linger()
        else:
            # More is read only now: a peer that sends on and on without end has one round of it in memory.
            self.flow.resume_reading()
            self._is_idle = True
            self._wait(self._all.idle_seconds)

    def shutdown(self) -> None:
        """End the connection after what is under way. On an idle one a request may be on its way: it is the last."""
        self._is_last = True
        if self.is_lingering or self._is_busy():
            super().shutdown()
        else:
            self.loop.call_later(self._all.linger_seconds, self._end_idle)

    def _end_idle(self) -> None:
        if not self._is_busy():
            self.transport.close()

    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Answer a peer that has said all and still listens; one that has not is cut off."""
        cycle = self.cycle
        if self.is_lingering or cycle is None or cycle.response_complete or cycle.more_body or self.scheme == "https":
            return None
        cycle.keep_alive = False
        return True

    def _stop(self, status: int) -> None:
        """Leave the parser's callback; what called the parser then refuses the request."""
        self._status = status
        raise _Refused

    def _refuse(self, status: int) -> None:
        """Refuse what was being read, once everything before it is answered."""
        self._in_head = False
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            self._answer(status)
            return
        self._pending_status = status
        if not cycle.more_body:
            return
        # Its own body is at fault: nobody waits for the rest of it.
        cycle.disconnected = True
        cycle.message_event.set()
        if self.pipeline:
            self.pipeline.popleft()
        elif cycle.response_started:
            self.transport.close()
        else:
            self._answer(status)

    def _answer(self, status: int) -> None:
        content = _WORDS[status].encode("ascii")
        fields = self._refusal_headers + ((("retry-after", "2"),) if status == 503 else ())
        head = [STATUS_LINE[status]]
        head += [name + b": " + value + b"\r\n" for name, value in self.server_state.default_headers]
        head += [f"{name}: {value}\r\n".encode("latin-1") for name, value in fields]
        head += [b"content-type: text/plain; charset=utf-8\r\ncache-control: no-store\r\nconnection: close\r\n"]
        self.transport.write(b"".join((*head, b"content-length: %d\r\n\r\n" % len(content), content)))
        self._linger()

    def _linger(self) -> None:
        """Close, but let the peer read first: it would lose the answer if what it still sends met a closed socket
        (RFC 9112 §9.6)."""
        self.is_lingering = True
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._wait(self._all.linger_seconds)
        else:
            self.transport.close()
