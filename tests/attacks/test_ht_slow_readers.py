"""HT-02: peers that ask for much and read little: they are cut off, and cost no memory meanwhile (R18)."""

import socket
from contextlib import suppress

import pytest
from starlette.types import Receive, Scope, Send

from idp.web.http_connections import Connections
from tests.attacks.wire import Wire, statuses
from tests.cli.processes import wait_for
from tests.cli.threaded import threaded

LARGE = b"x" * 20_000_000


async def much(scope: Scope, receive: Receive, send: Send) -> None:
    """An application of one large answer."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": LARGE})


@pytest.mark.case("HT-02")
def test_who_reads_a_byte_at_a_time_is_cut_off() -> None:
    """An answer has its time to leave; a peer that takes a byte now and then does not stretch it."""
    with (
        threaded(much, Connections(write_seconds=0.5)) as (port, server),
        socket.create_connection(("127.0.0.1", port), timeout=10) as peer,
    ):
        peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert peer.recv(1)
        wait_for(lambda: peer.recv(1) and not server.server_state.connections, "it is cut off")
        taken = 0
        # What the kernel holds already.
        with suppress(ConnectionResetError):
            while part := peer.recv(1_000_000):
                taken += len(part)
        assert taken < len(LARGE)


@pytest.mark.case("HT-02")
def test_who_asks_on_and_never_reads_costs_no_memory(wire: Wire) -> None:
    """Requests behind an answer that is not taken are not read either; others are served."""
    asked = wire.head("GET /static/signet.css HTTP/1.1").replace(b"Connection: close\r\n", b"") * 30
    before = wire.resident_megabytes()
    peers = [socket.create_connection(("127.0.0.1", wire.port), timeout=5) for _ in range(30)]
    try:
        for peer in peers:
            peer.setblocking(False)
            with suppress(BlockingIOError):
                for _ in range(200):
                    peer.send(asked)
        assert statuses(wire.send(wire.head("GET /health/ready HTTP/1.1"))) == [200]
        assert wire.resident_megabytes() - before < 30
    finally:
        for peer in peers:
            peer.close()
