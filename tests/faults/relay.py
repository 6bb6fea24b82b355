"""A network between the provider and its database server that can go silent, or be cut."""

import socket
import threading
from contextlib import suppress
from types import TracebackType


class Relay:
    """Passes bytes on to a port of this machine. While it is silent it takes all that is sent, connections too, and
    passes nothing on, as a stopped server does; what it has taken goes on its way afterwards."""

    def __init__(self, to_port: int, port: int = 0) -> None:
        self._to_port = to_port
        self._listening = socket.create_server(("127.0.0.1", port))
        self._flows = threading.Event()
        self._flows.set()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listening.getsockname()[1]
        return port

    def fall_silent(self) -> None:
        """Pass nothing on from now."""
        self._flows.clear()

    def resume(self) -> None:
        """Pass on again."""
        self._flows.set()

    def cut(self) -> None:
        """Break all connections."""
        for end in list(self._open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "Relay":
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._listening.close()
        self.cut()
        self.resume()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        self._flows.wait()
        with near, suppress(OSError), socket.create_connection(("127.0.0.1", self._to_port)) as far:
            ends = {near, far}
            self._open |= ends
            back = threading.Thread(target=self._pass_on, args=(far, near), daemon=True)
            back.start()
            self._pass_on(near, far)
            back.join()
            self._open -= ends

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self._flows.wait()
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)
