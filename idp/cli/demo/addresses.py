"""Where the three of the demo live: three host names, so three origins and three sets of cookies."""

import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from idp.cli.failures import Failure

_USUAL_PORTS = {"idp": 9000, "shop": 9001, "bank": 9002}
_TITLES = {"idp": "Provider", "shop": "Shop", "bank": "Bank"}


@dataclass(frozen=True, slots=True)
class Address:
    """Where one of the three lives."""

    name: str
    port: int

    @property
    def url(self) -> str:
        """Its URL, without a trailing slash."""
        return f"http://{self.host}"

    @property
    def host(self) -> str:
        """Its host and port, as in the Host header."""
        return f"{self.name}.localhost:{self.port}"

    @property
    def title(self) -> str:
        """What people call it."""
        return _TITLES[self.name]

    @property
    def is_usual(self) -> bool:
        """Whether it is where the applications expect it unless told otherwise."""
        return self.port == _USUAL_PORTS[self.name]


def addresses(first_port: int) -> dict[str, Address]:
    """Return where the three live: `idp`, `shop` and `bank`, a port after the other."""
    return {name: Address(name, port) for port, name in enumerate(_TITLES, first_port)}


def check_ports(where: Mapping[str, Address]) -> None:
    """Raise `Failure` naming every port that cannot be listened on. Nothing has been started or written by then."""
    taken = [address for address in where.values() if not _is_free(address.port)]
    if taken:
        named = ", ".join(f"{address.port} (for the {address.title})" for address in taken)
        raise Failure(
            f"Another program listens on port {named}.",
            expected="three free ports in a row; perhaps another demo is running",
            next_step="stop that program (ss -ltnp names it), or choose others: --first-port 9100",
        )


def _is_free(port: int) -> bool:
    """Tell whether nobody listens on the port, under either address that browsers may try for a localhost name."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    # On a machine without IPv6 there is nothing to be in the way.
    with suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("::1", port)) != 0
    return True
