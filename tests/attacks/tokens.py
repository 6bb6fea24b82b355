"""Tokens that we never issued, or issued for something else."""

import base64
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from idp.jose.algorithms import ALGORITHMS, OwnKey
from tests.provider import House


@cache
def foreign_key() -> OwnKey:
    """An attacker's key, the same in all tests."""
    algorithm = ALGORITHMS["RS256"]
    return OwnKey(algorithm, algorithm.generate())


def header_of(token: str) -> dict[str, Any]:
    """Return the header of a JWT without verifying it."""
    encoded = token.partition(".")[0]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    return found


def forge(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    """Return a JWT signed with the attacker's key; an `alg` of none leaves it unsigned."""
    message = f"{_encode(header)}.{_encode(claims)}"
    signature = b"" if header["alg"] == "none" else foreign_key().sign(message.encode())
    return f"{message}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def sign(house: House, claims: Mapping[str, Any], *, typ: str) -> str:
    """Return a JWT signed with the provider's own key."""
    return house.server.tokens.sign(claims, typ=typ)


def _encode(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
