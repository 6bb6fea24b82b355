"""Small servers on loopback that answer as they are told, and remember what reached them."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Behaviour = Callable[[socket.socket, threading.Event], None]

_TLS_HANDSHAKE = b"\x16"  # RFC 8446 §5.1: what a client that wants TLS sends first

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """A server on 127.0.0.1. `behave` is given each connection after its request; `requests` are those read."""

    def __init__(self, behave: Behaviour, host: str = "127.0.0.1") -> None:
        self._behave = behave
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.requests: list[bytes] = []
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def url(self, host: str = "127.0.0.1", path: str = "/", scheme: str = "http") -> str:
        """Return a URL that leads here."""
        return f"{scheme}://{host}:{self.port}{path}"

    def close(self) -> None:
        """End all connections and wait for their threads."""
        self._ending.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(5)
            self.requests.append(_read_request(connection))
            self._behave(connection, self._ending)


def _read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data and not data.startswith(_TLS_HANDSHAKE):
        chunk = connection.recv(65_536)
        if not chunk:
            return data
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def answer(response: bytes) -> Behaviour:
    """Answer every request with these bytes."""
    return lambda connection, _ending: connection.sendall(response)


def drip(prefix: bytes, piece: bytes, pause_seconds: float) -> Behaviour:
    """Send a beginning and then a piece after every pause, until the other side or the test ends it."""

    def behave(connection: socket.socket, ending: threading.Event) -> None:
        connection.sendall(prefix)
        while not ending.wait(pause_seconds):
            connection.sendall(piece)

    return behave


def silence(_connection: socket.socket, ending: threading.Event) -> None:
    """Never answer."""
    ending.wait(30)


@contextmanager
def serving(behave: Behaviour, host: str = "127.0.0.1") -> Iterator[Server]:
    """Run a server for a block."""
    server = Server(behave, host)
    try:
        yield server
    finally:
        server.close()
