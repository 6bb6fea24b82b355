"""Tokens as attackers make them, from a genuine one: for the page that shows how the API refuses them.

None of these needs a secret. That is the point: whoever has seen one token and the public key can write them.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from demo_clients.relying_party.jwks import PublicKey
from demo_clients.relying_party.jws import CompactJws, encode_base64url


def with_flipped_byte(token: CompactJws) -> str:
    """The same token with one bit of the signature's first byte turned over."""
    header, payload, _ = token.parts
    first, rest = token.signature[0], token.signature[1:]
    return f"{header}.{payload}.{encode_base64url(bytes([first ^ 1]) + rest)}"


def with_no_algorithm(token: CompactJws) -> str:
    """The same claims as an unsecured JWS (`alg: none`, RFC 7515 A.5)."""
    header = _encode({**token.header, "alg": "none"})
    return f"{header}.{token.parts[1]}."


def with_public_key_as_secret(token: CompactJws, key: PublicKey) -> str:
    """The same claims with an HMAC whose secret is the published key (algorithm confusion, RFC 8725 §2.1)."""
    header = _encode({**token.header, "alg": "HS256"})
    signing_input = f"{header}.{token.parts[1]}"
    mac = hmac.new(key.rsa.as_pem(private=False), signing_input.encode(), hashlib.sha256).digest()
    return f"{signing_input}.{encode_base64url(mac)}"


def with_other_times(token: CompactJws, *, expires_at: int) -> str:
    """The same token with another `exp`, and the signature that fitted the old one."""
    header, _, signature = token.parts
    return f"{header}.{_encode({**token.claims, 'exp': expires_at})}.{signature}"


def _encode(members: Mapping[str, Any]) -> str:
    return encode_base64url(json.dumps(members, separators=(",", ":")).encode())
