"""The JWK Set that we publish (RFC 7517 §5): the document, assembled once per change, and its entity tag."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from idp.jose.algorithms import KeyPair


@dataclass(frozen=True, slots=True)
class PublishedKeys:
    """The JWK Set as JSON bytes, and a strong entity tag with its quotes (RFC 9110 §8.8.3)."""

    body: bytes
    etag: str


def publish(keys: Iterable[KeyPair]) -> PublishedKeys:
    """Return the document for these keys, public members only; the order of the keys is kept."""
    body = json.dumps({"keys": [dict(key.public_jwk) for key in keys]}, separators=(",", ":")).encode("ascii")
    return PublishedKeys(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
