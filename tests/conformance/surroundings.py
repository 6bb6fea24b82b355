"""What the driver is told by the environment: where the suite is, which provider to run, which certificates count."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_NAMES = (
    "CONFORMANCE_SUITE",
    "CONFORMANCE_CA",
    "CONFORMANCE_OP",
    "CONFORMANCE_TLS_CERTIFICATE",
    "CONFORMANCE_TLS_KEY",
)


class MissingSurroundings(ValueError):
    """An environment variable that the driver needs is not set, or names no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The suite's origin, our issuer, and the files that make both trust each other."""

    suite: str
    issuer: str
    ca: Path
    certificate: Path
    key: Path
    token: str | None = None

    @property
    def suite_host(self) -> str:
        """The suite's host and port, as `outbound_hosts` names them."""
        return urlsplit(self.suite).netloc

    @property
    def host_names(self) -> tuple[str, ...]:
        """The names that the browser may reach."""
        return tuple(str(urlsplit(origin).hostname) for origin in (self.suite, self.issuer))

    def trust(self) -> ssl.SSLContext:
        """Return a TLS context that trusts the authority of both."""
        return ssl.create_default_context(cafile=str(self.ca))


def read_surroundings(environment: Mapping[str, str] = os.environ) -> Surroundings:
    """Return what the environment says. Raises MissingSurroundings naming all that is wrong."""
    faults = [f"{name} is not set" for name in _NAMES if not environment.get(name)]
    faults += [
        f"{name} names no file"
        for name in _NAMES
        if name.endswith(("_CA", "_CERTIFICATE", "_KEY"))
        and environment.get(name)
        and not Path(environment[name]).is_file()
    ]
    if faults:
        raise MissingSurroundings("; ".join(faults))
    return Surroundings(
        suite=environment["CONFORMANCE_SUITE"].rstrip("/"),
        issuer=environment["CONFORMANCE_OP"],
        ca=Path(environment["CONFORMANCE_CA"]).resolve(),
        certificate=Path(environment["CONFORMANCE_TLS_CERTIFICATE"]).resolve(),
        key=Path(environment["CONFORMANCE_TLS_KEY"]).resolve(),
        token=environment.get("CONFORMANCE_TOKEN"),
    )
