"""The only source of randomness, and the digests under which bearer values are stored.

Every bearer value is 32 random bytes in base64url (43 characters, 256 bits), well above the 128 bits that
RFC 6749 §10.10 asks for. A plain SHA-256 digest is right for such values; slow hashes are for passwords.
"""

import hashlib
import hmac
import secrets


def new_handle() -> str:
    """Return a fresh bearer value: 43 characters of base64url, 256 bits."""
    return secrets.token_urlsafe(32)


def new_identifier() -> str:
    """Return a fresh public identifier: 32 hexadecimal digits, 128 bits, unguessable and never reused.

    People paste these into command lines and logs; base64url would let one begin with a dash."""
    return secrets.token_hex(16)


def new_bytes(count: int) -> bytes:
    """Return `count` random bytes."""
    return secrets.token_bytes(count)


def digest(value: str) -> str:
    """Return the SHA-256 of a bearer value as 64 hexadecimal digits: what is stored instead of it."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def is_same(one: str, other: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
