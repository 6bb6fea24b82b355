"""Running the ASGI application with uvicorn: one process, a clean stop, no version in a header, no query in a log."""

import asyncio
import errno
import logging
import signal
import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

_log = logging.getLogger("idp.web.serving")
# A peer has this long to finish the head of a request; uvicorn itself would wait for ever (R18).
HEAD_SECONDS = 10.0
MOST_HEAD_BYTES = 65_536
CLOSE_SECONDS = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_REASONS = {
    errno.EADDRINUSE: "another program listens there",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
    errno.EACCES: "this user may not listen there; ports below 1024 are privileged",
}


class CannotListen(Exception):
    """The address cannot be listened on; the text says where and why."""


def claim_address(host: str, port: int) -> socket.socket:
    """Return a socket that is bound to the address; it takes connections only once it is served, so that nobody waits
    for an application that is still starting. Raises `CannotListen`."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        claimed = socket.socket(family, kind)
    except OSError as error:
        raise CannotListen(f"cannot listen on {host}, port {port}: {error.strerror}") from None
    try:
        claimed.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        claimed.bind(address)
        return claimed
    except OSError as error:
        claimed.close()
        reason = _REASONS.get(error.errno or 0, error.strerror or "unknown error")
        raise CannotListen(f"cannot listen on {host}, port {port}: {reason}") from None


def serve(
    application: ASGIApp,
    listening: socket.socket,
    *,
    shutdown_seconds: int,
    behind_proxy: bool,
    tls: ssl.SSLContext | None = None,
) -> bool:
    """Serve until SIGTERM or SIGINT; requests under way have `shutdown_seconds` to finish, a second signal ends all at
    once. Return whether it served at all. With `tls` it speaks https only.

    Without a proxy in front h11 reads the requests: it bounds heads and refuses two Host headers, which the faster
    httptools lets pass."""
    config = uvicorn.Config(
        application,
        http="httptools" if behind_proxy else _BoundedH11,
        h11_max_incomplete_event_size=MOST_HEAD_BYTES,
        ws="none",
        log_config=None,
        # It would print query strings, in which there are codes and hints.
        access_log=False,
        server_header=False,
        # Our own parser believes only the proxies that the settings name (R13).
        proxy_headers=False,
        timeout_graceful_shutdown=shutdown_seconds,
    )
    config.load()
    # Ours: uvicorn makes one of its own from files only, with its own choice of ciphers.
    config.ssl = tls
    server = _Server(config)
    server.run(sockets=[listening])
    return server.started


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or []:
            _log.info("serving", extra={"listening": "{}:{}".format(*listening.getsockname()[:2])})

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        _log.info("stopping", extra={"connections": len(self.server_state.connections)})
        await super().shutdown(sockets)
        _log.info("stopped")

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Stop on a signal and return; uvicorn would raise the signal anew, and a clean stop look like a crash."""
        before = {number: signal.signal(number, self._stop) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True


class _BoundedH11(H11Protocol):
    """Closes a connection whose request head does not arrive in time."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # While the peer is idle, what came was the beginning of a head.
        if self.conn.their_state is h11.IDLE:
            self._await_head()
        else:
            self._stop_waiting()

    def shutdown(self) -> None:
        """End an idle connection. A peer that does not answer the end of TLS is not waited for (RFC 8446 §6.1)."""
        super().shutdown()
        if self.transport.is_closing():
            self.loop.call_later(CLOSE_SECONDS, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
