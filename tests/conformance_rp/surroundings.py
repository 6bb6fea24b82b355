"""What the driver is told by the environment: where the suite and the Shop are, which certificates count."""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ALIAS = "rp-shop"
"""The suite serves the tests of one alias under one issuer, one test at a time."""

_ORIGINS = ("CONFORMANCE_SUITE", "CONFORMANCE_RP")
_FILES = ("CONFORMANCE_CA", "CONFORMANCE_TLS_CERTIFICATE", "CONFORMANCE_TLS_KEY")


class MissingSurroundings(ValueError):
    """An environment variable that the driver needs is not set, or names no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The origins of suite and Shop, and the files that make both trust each other."""

    suite: str
    shop: str
    ca: Path
    certificate: Path
    key: Path

    @property
    def issuer(self) -> str:
        """The issuer that the suite plays. The slash belongs to it."""
        return f"{self.suite}/test/a/{ALIAS}/"

    @property
    def shop_port(self) -> int:
        """Where the Shop listens."""
        return urlsplit(self.shop).port or 443

    def trust(self) -> ssl.SSLContext:
        """Return a TLS context that trusts the authority of both."""
        return ssl.create_default_context(cafile=str(self.ca))


def read_surroundings(environment: Mapping[str, str] = os.environ) -> Surroundings:
    """Return what the environment says. Raises MissingSurroundings naming all that is wrong."""
    values = {name: environment.get(name, "") for name in (*_ORIGINS, *_FILES)}
    faults = [f"{name} is not set" for name, value in values.items() if not value]
    faults += [f"{name} names no file" for name in _FILES if values[name] and not Path(values[name]).is_file()]
    if faults:
        raise MissingSurroundings("; ".join(faults))
    ca, certificate, key = (Path(values[name]).resolve() for name in _FILES)
    suite, shop = (values[name].rstrip("/") for name in _ORIGINS)
    return Surroundings(suite=suite, shop=shop, ca=ca, certificate=certificate, key=key)
