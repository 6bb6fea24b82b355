"""A server in a process of its own, and bytes on its connections that no client library would send."""

import re
import socket
from contextlib import suppress
from pathlib import Path

from tests.cli.processes import Running


class Wire:
    """A server, and connections to it."""

    def __init__(self, provider: Running, port: int) -> None:
        self.provider, self.port = provider, port
        self.host = f"127.0.0.1:{port}"

    def send(self, data: bytes) -> bytes:
        """Send bytes on a connection of their own and return all that comes until the server closes it."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=15) as peer:
            with suppress(OSError):
                peer.sendall(data)
            return self.read(peer)

    @staticmethod
    def read(peer: socket.socket) -> bytes:
        """Return what comes until the end."""
        found = b""
        with suppress(ConnectionResetError):
            while part := peer.recv(65_536):
                found += part
        return found

    def head(self, line: str, *headers: str) -> bytes:
        """Return a head of a request to this host that is the last on its connection."""
        return "\r\n".join((line, f"Host: {self.host}", "Connection: close", *headers, "", "")).encode("latin-1")

    def resident_megabytes(self) -> float:
        """Return what the server holds in memory."""
        text = Path(f"/proc/{self.provider.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", text)
        assert found
        return int(found[1]) / 1024


def statuses(answer: bytes) -> list[int]:
    """Return the status of each answer."""
    return [int(found) for found in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]
