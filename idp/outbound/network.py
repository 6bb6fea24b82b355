"""The network below one guarded request: connects to judged addresses only, keeps one deadline over everything and
counts what comes in. A server that drips one byte a second, or never stops, gains nothing by it."""

# ruff: noqa: ARG002 - the budget decides, not the timeouts that the interface passes along

import ssl
from collections.abc import Iterable

import httpcore2

from idp.clock import monotonic
from idp.outbound.addresses import AddressBook
from idp.outbound.failures import OutboundFailed


class Budget:
    """What one request may use: time until a deadline, and a number of bytes received."""

    __slots__ = ("_bytes_left", "_ends_at")

    def __init__(self, seconds: float, most_bytes: int) -> None:
        self._ends_at = monotonic() + seconds
        self._bytes_left = most_bytes

    def seconds_left(self) -> float:
        """Return the time left, more than zero. Raises `OutboundFailed` when there is none."""
        left = self._ends_at - monotonic()
        if left <= 0:
            raise OutboundFailed("timed out")
        return left

    def receive(self, octets: bytes) -> bytes:
        """Count what came in and return it. Raises `OutboundFailed` when it is too much."""
        self._bytes_left -= len(octets)
        if self._bytes_left < 0:
            raise OutboundFailed("the answer is too large")
        return octets


class _Stream(httpcore2.NetworkStream):
    """A connection under a budget; the timeouts that the caller asks for are replaced by what the budget leaves."""

    def __init__(self, inner: httpcore2.NetworkStream, budget: Budget) -> None:
        self._inner = inner
        self._budget = budget

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._budget.receive(self._inner.read(max_bytes, self._budget.seconds_left()))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._budget.seconds_left())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        try:
            return _Stream(
                self._inner.start_tls(ssl_context, server_hostname, self._budget.seconds_left()), self._budget
            )
        except BaseException:
            self.close()
            raise

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class GuardedNetwork(httpcore2.NetworkBackend):
    """The network of one request."""

    def __init__(self, addresses: AddressBook, budget: Budget, *, only_loopback: bool) -> None:
        self._addresses = addresses
        self._budget = budget
        self._only_loopback = only_loopback
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first address that answers. Raises `OutboundRefused` and `OutboundFailed`."""
        found = self._addresses.find(
            host, port, only_loopback=self._only_loopback, timeout_seconds=self._budget.seconds_left()
        )
        for position, address in enumerate(found):
            share = self._budget.seconds_left() / (len(found) - position)
            try:
                return _Stream(self._inner.connect_tcp(address, port, share, None, socket_options), self._budget)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        raise OutboundFailed("the connection was refused or timed out")
