"""Running the ASGI application with uvicorn: one process, a clean stop, no version in a header, no query in a log."""

import asyncio
import errno
import gc
import logging
import os
import resource
import signal
import socket
import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from idp.web.headers import HSTS
from idp.web.http_connections import Connections
from idp.web.http_protocol import BoundedHttp

_log = logging.getLogger("idp.web.serving")
# A connection takes a descriptor, and so do the databases, documents and logs: half are for connections.
MOST_CONNECTIONS = 1_000
# The end of TLS is not waited for when the peer does not answer it (RFC 8446 §6.1).
CLOSE_SECONDS = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_REASONS = {
    errno.EADDRINUSE: "another program listens there",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
    errno.EACCES: "this user may not listen there; ports below 1024 are privileged",
}


@dataclass(frozen=True, slots=True)
class Supervised:
    """By whom a worker was started, and how it tells that it serves."""

    supervisor: int
    serves: Callable[[], None]


class CannotListen(Exception):
    """The address cannot be listened on; the text says where and why."""


def claim_places(host: str, port: int, count: int) -> list[socket.socket]:
    """Return as many sockets that are bound to one address, over which the kernel spreads the connections. Raises
    `CannotListen`, also when another program of the same user would share it."""
    claim_address(host, port).close()
    return [claim_address(host, port, shared=True) for _ in range(count)]


def claim_address(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return a socket that is bound to the address; it takes connections only once it is served, so that nobody waits
    for an application that is still starting. `shared` ones may be several. Raises `CannotListen`."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        claimed = socket.socket(family, kind)
    except OSError as error:
        raise CannotListen(f"cannot listen on {host}, port {port}: {error.strerror}") from None
    try:
        claimed.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            claimed.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
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
    is_https: bool,
    tls: ssl.SSLContext | None = None,
    supervised: Supervised | None = None,
) -> bool:
    """Serve until SIGTERM or SIGINT; requests under way have `shutdown_seconds` to finish, a second signal ends all at
    once. Return whether it served at all. With `tls` it speaks https only. A `supervised` one also stops when its
    supervisor is gone.

    Refused requests that reach no page or endpoint are answered with HSTS where browsers come by https."""
    connections = Connections(most=most_connections())
    config = uvicorn.Config(
        application,
        http=partial(BoundedHttp, connections=connections, headers=HSTS if is_https else ()),  # type: ignore[arg-type]
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
    server = _Server(config, connections, supervised)
    server.run(sockets=[listening])
    return server.started


def most_connections() -> int:
    """Return how many connections this process serves at once, after raising its limit of descriptors where it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * MOST_CONNECTIONS
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    else:
        limit = wanted if soft == resource.RLIM_INFINITY else soft
    return min(MOST_CONNECTIONS, limit // 2)


def leave_out_of_collections() -> None:
    """Let no collection look again at what is there now, which stays, and let there be collections from now on. The
    little garbage that a start leaves stays as well: to find it takes longer than it is worth."""
    gc.freeze()
    gc.enable()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, connections: Connections, supervised: Supervised | None = None) -> None:
        super().__init__(config)
        self._connections, self._supervised = connections, supervised

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen. uvicorn's own would give a peer a minute for the handshake and half a minute for the end of TLS."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            self.should_exit = True
            return
        loop, config = asyncio.get_running_loop(), self.config
        made: Any = config.http_protocol_class
        protocol = partial(made, config=config, server_state=self.server_state, app_state=self.lifespan.state)
        handshake_seconds = self._connections.head_seconds if config.ssl else None
        self.servers = [
            await loop.create_server(
                protocol,
                sock=claimed,
                ssl=config.ssl,
                backlog=config.backlog,
                ssl_handshake_timeout=handshake_seconds,
                ssl_shutdown_timeout=CLOSE_SECONDS if config.ssl else None,
            )
            for claimed in sockets or []
        ]
        leave_out_of_collections()
        self.started = True
        if self._supervised is not None:
            self._supervised.serves()
        for listening in sockets or []:
            _log.info("serving", extra={"listening": "{}:{}".format(*listening.getsockname()[:2])})

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            self._connections.sweep(self.server_state.connections, asyncio.get_running_loop().time())  # type: ignore[arg-type]
            if self._supervised is not None and os.getppid() != self._supervised.supervisor:
                _log.error("the supervisor is gone")
                self.should_exit = True
        return await super().on_tick(counter)

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
