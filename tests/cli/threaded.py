"""Our server beside the tests' own thread, with any application and any patience."""

import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from idp.web import serving
from idp.web.http_connections import Connections
from idp.web.http_protocol import BoundedHttp
from tests.cli.processes import wait_for


class Threaded(serving._Server):
    """A server beside the main thread, which alone may handle signals."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave the signals alone."""
        yield


@contextmanager
def threaded(application: ASGIApp, connections: Connections) -> Iterator[tuple[int, Threaded]]:
    """Serve until the block ends; gives the port and the server."""
    listening = serving.claim_address("127.0.0.1", 0)
    protocol: Any = partial(BoundedHttp, connections=connections)
    config = uvicorn.Config(application, http=protocol, ws="none", log_config=None, lifespan="off")
    server = Threaded(config, connections)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        wait_for(lambda: server.started, "the server starts")
        yield listening.getsockname()[1], server
    finally:
        server.should_exit = True
        thread.join(10)
