"""Which addresses may be connected to: global unicast, judged after the name is resolved (R14).

A URL that a client registered must not lead into the operator's own network (server-side request forgery). What is
judged is the address, for names and notations (decimal, octal, an A record to 127.0.0.1) can say anything; and the
connection goes to the very address that was judged, for a second look-up may answer differently (DNS rebinding).
"""

import socket
import threading
from collections.abc import Callable, Collection, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from queue import Empty, SimpleQueue

from idp.outbound.failures import OutboundFailed, OutboundRefused

Address = IPv4Address | IPv6Address

# A resolver returns the addresses of a name as text; it raises OSError and may take long.
Resolver = Callable[[str, int], Sequence[str]]

LOOPBACK = "127.0.0.1"

_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291 §2.4
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1: the IPv4 address is in the last 32 bits
_RELAY_ANYCAST = IPv4Network("192.88.99.0/24")  # 6to4 relays, withdrawn by RFC 7526

# Each waits in a thread of its own; as many hung ones as this block further look-ups, not the whole provider.
_MOST_LOOKUPS = 8


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the public Internet; those that carry an IPv4 address are judged by it."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and address not in _RELAY_ANYCAST
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    is_tunnel = address.sixtofour is not None or address.teredo is not None
    return address in _GLOBAL_UNICAST and address.is_global and not is_tunnel


def is_loopback(address: Address) -> bool:
    """Tell whether an address is this machine's own loopback."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def is_loopback_name(host: str) -> bool:
    """Tell whether a name is `localhost` or under it, which always means loopback (RFC 6761 §6.3)."""
    name = host.lower().removesuffix(".")
    return name == "localhost" or name.endswith(".localhost")


def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def _is_literal(host: str) -> bool:
    """Tell whether a host is an address in its usual notation; others (octal, decimal) are left to the resolver."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


class AddressBook:
    """Resolves names to addresses that may be connected to."""

    def __init__(
        self, *, allow_loopback: bool, resolve: Resolver = resolve_by_system, trusted_hosts: Collection[str] = ()
    ) -> None:
        """`trusted_hosts` are hosts, each alone or as `host:port` (`[address]:port` for IPv6), whose addresses are
        not judged: an operator's own network."""
        self._allow_loopback = allow_loopback
        self._trusted_hosts = frozenset(host.lower() for host in trusted_hosts)
        self._resolve = resolve
        self._slots = threading.BoundedSemaphore(_MOST_LOOKUPS)

    def find(self, host: str, port: int, *, only_loopback: bool, timeout_seconds: float) -> tuple[str, ...]:
        """Return the addresses of a host, every one of which may be connected to.

        Raises `OutboundRefused` if even one may not, and `OutboundFailed` if there are none in time.
        """
        if is_loopback_name(host):
            found: Sequence[str] = (LOOPBACK,)
        elif _is_literal(host):
            found = (host,)
        else:
            found = self._look_up(host, port, timeout_seconds)
        if not found:
            raise OutboundFailed("the name has no address")
        if self._is_trusted(host.lower(), port) and not only_loopback:
            return tuple(found)
        if not all(self._is_allowed(text, only_loopback=only_loopback) for text in found):
            raise OutboundRefused("the address is not a public one")
        return tuple(found)

    def _is_trusted(self, host: str, port: int) -> bool:
        # Without the brackets an IPv6 address and a port could read as another address.
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return host in self._trusted_hosts or authority in self._trusted_hosts

    def _is_allowed(self, text: str, *, only_loopback: bool) -> bool:
        try:
            address = ip_address(text)
        except ValueError:
            return False
        if is_loopback(address):
            return self._allow_loopback
        return not only_loopback and is_public(address)

    def _look_up(self, host: str, port: int, timeout_seconds: float) -> Sequence[str]:
        """Resolve in a thread, for the system's resolver knows no deadline."""
        if not self._slots.acquire(timeout=timeout_seconds):
            raise OutboundFailed("name resolution is busy")
        answers: SimpleQueue[Sequence[str] | OSError | UnicodeError] = SimpleQueue()
        threading.Thread(target=self._answer, args=(host, port, answers), name="resolver", daemon=True).start()
        try:
            answer = answers.get(timeout=timeout_seconds)
        except Empty:
            raise OutboundFailed("name resolution timed out") from None
        if isinstance(answer, Exception):
            raise OutboundFailed("the name does not resolve")
        return answer

    def _answer(self, host: str, port: int, answers: "SimpleQueue[Sequence[str] | OSError | UnicodeError]") -> None:
        try:
            answers.put(self._resolve(host, port))
        except (OSError, UnicodeError) as fault:
            answers.put(fault)
        finally:
            self._slots.release()
