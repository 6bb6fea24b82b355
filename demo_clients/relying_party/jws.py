"""JWS Compact Serialization, read strictly (RFC 7515 §5.2, §7.1; RFC 7519 §7.2) and verified with one public key.

`parse_compact` only reads: nothing in its result is to be believed before `has_valid_signature` said yes and the
checks of the token's kind have passed. Left out: the JSON serialization, detached payloads, JWE.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from demo_clients.relying_party.jwks import PublicKey
from demo_clients.relying_party.strict_json import NotStrictJson, parse_object

ALGORITHM = "RS256"
"""The whole allow-list. Neither `none` nor a MAC can be chosen by whoever wrote the token (RFC 8725 §3.1)."""

MAX_TOKEN_CHARS = 16_384
"""Longer than any honest token of this system, short enough for deep nesting to be harmless."""

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_REGISTRY = jws.JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)


class MalformedToken(ValueError):
    """The text is no compact JWS whose header and payload are JSON objects."""


@dataclass(frozen=True, slots=True)
class CompactJws:
    """A token taken apart: decoded header and claims, still unverified."""

    raw: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signature: bytes

    @property
    def parts(self) -> tuple[str, str, str]:
        """The three base64url texts as sent."""
        header, payload, signature = self.raw.split(".")
        return header, payload, signature


def parse_compact(raw: str) -> CompactJws:
    """Take a token apart. Raises MalformedToken; the message is fixed text, safe to send in an answer."""
    if len(raw) > MAX_TOKEN_CHARS:
        raise MalformedToken("The token is too long.")
    parts = raw.split(".")
    if len(parts) != 3:
        raise MalformedToken("The token does not have three parts.")
    header, payload, signature = parts
    return CompactJws(raw, _parse_object(header), _parse_object(payload), decode_base64url(signature))


def has_valid_signature(token: CompactJws, key: PublicKey) -> bool:
    """Whether `key` made the signature, with RS256 and nothing else (RFC 7515 §5.2 step 8)."""
    try:
        jws.deserialize_compact(token.raw, key.rsa, registry=_REGISTRY)
    except (JoseError, ValueError):
        return False
    return True


def decode_base64url(text: str) -> bytes:
    """Decode unpadded base64url (RFC 7515 §2). Raises MalformedToken on any second spelling of the same bytes."""
    if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
        raise MalformedToken("A part of the token is not base64url.")
    decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode_base64url(decoded) != text:
        # Spare bits that are not zero would let one signature be written in several ways.
        raise MalformedToken("A part of the token is not canonical base64url.")
    return decoded


def encode_base64url(octets: bytes) -> str:
    """base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _parse_object(part: str) -> dict[str, Any]:
    try:
        return parse_object(decode_base64url(part))
    except NotStrictJson as error:
        raise MalformedToken(f"A part of the token {error}.") from error
