"""One request and its answer over the guarded network. Loaded with the first of them: most starts are followed by none
for a while, and what speaks HTTP takes a twentieth of a start."""

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import httpcore2

from idp.outbound.addresses import AddressBook
from idp.outbound.failures import OutboundFailed
from idp.outbound.network import Budget, GuardedNetwork
from idp.outbound.urls import Target

Headers = Sequence[tuple[bytes | str, bytes | str]]


@contextmanager
def answer_to(
    method: str,
    target: Target,
    headers: Headers,
    content: bytes | None,
    *,
    addresses: AddressBook,
    budget: Budget,
    ssl_context: ssl.SSLContext | None,
) -> Iterator[httpcore2.Response]:
    """Send a request and have its answer, whose body is not read yet. `ssl_context` is for https.

    Raises `OutboundRefused` and `OutboundFailed`."""
    # What goes in the clear stays on this machine.
    network = GuardedNetwork(addresses, budget, only_loopback=target.scheme == "http")
    origin = httpcore2.Origin(target.scheme.encode(), target.host.encode(), target.port)
    url = httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path)
    try:
        with (
            httpcore2.HTTPConnection(origin, ssl_context=ssl_context, network_backend=network) as connection,
            connection.stream(method, url, headers=headers, content=content) as answer,
        ):
            yield answer
    except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError) as fault:
        raise OutboundFailed(_describe(fault)) from None


def _describe(fault: Exception) -> str:
    """Return what happened without what the other side sent."""
    if isinstance(fault, httpcore2.TimeoutException):
        return "timed out"
    if isinstance(fault.__cause__, ssl.SSLCertVerificationError):
        return f"the certificate was not accepted: {fault.__cause__.verify_message}"
    if isinstance(fault.__cause__, ssl.SSLError):
        return "the TLS handshake failed"
    if isinstance(fault, httpcore2.ProtocolError):
        return "the answer was not valid HTTP"
    return "the connection broke"
