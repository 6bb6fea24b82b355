"""Sealing: what must stay secret in the database is encrypted there under the key-encryption key.

AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D §8.2.2); the associated text says what a sealed value is and
whose, so that one cannot be put in another's place. The key-encryption key never signs and the signing keys never
encrypt: one key, one purpose. Hence a key of its own, derived from it, makes the codes by which a value that went
out is known again when it comes back (RFC 2104).
"""

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from idp.randomness import new_bytes

KEY_BYTES = 32
_NONCE_BYTES = 12
_FORMAT = b"\x01"

# 32 random bytes hold fewer than 16 different values with a chance below 10^-12; typed or repeated ones easily do.
_LEAST_DISTINCT_BYTES = 16


class UnusableKey(Exception):
    """A key that must not or cannot be used. The text names the place it came from, the fault and the remedy."""


class CannotOpen(Exception):
    """A sealed value was sealed under another key, for another purpose, or was altered."""


class KeyEncryptionKey:
    """Seals and opens. Never shows its own bytes."""

    __slots__ = ("_cipher", "_code_key")

    def __init__(self, secret: bytes) -> None:
        """Take 32 random bytes. Raises ValueError, saying why, for any other number and for evidently weak ones."""
        if len(secret) != KEY_BYTES:
            raise ValueError(f"it holds {len(secret)} bytes instead of {KEY_BYTES}")
        if len(set(secret)) < _LEAST_DISTINCT_BYTES:
            raise ValueError("its bytes are not random")
        self._cipher = AESGCM(secret)
        self._code_key = hmac.digest(secret, b"signet authentication codes", "sha256")

    def seal(self, plaintext: bytes, associated: str) -> bytes:
        """Return `plaintext` encrypted for the purpose that `associated` names; differs at each call."""
        nonce = new_bytes(_NONCE_BYTES)
        return _FORMAT + nonce + self._cipher.encrypt(nonce, plaintext, associated.encode())

    def open(self, sealed: bytes, associated: str) -> bytes:
        """Return what was sealed for the same purpose. Raises `CannotOpen`."""
        start = len(_FORMAT) + _NONCE_BYTES
        if not sealed.startswith(_FORMAT):
            raise CannotOpen("the sealed value has an unknown format")
        try:
            return self._cipher.decrypt(sealed[len(_FORMAT) : start], sealed[start:], associated.encode())
        except (InvalidTag, ValueError):
            raise CannotOpen("the sealed value does not open under this key-encryption key") from None

    def authentication_code(self, value: bytes, associated: str) -> bytes:
        """Return 32 bytes that only this key makes of `value` for the purpose that `associated` names."""
        return hmac.digest(self._code_key, len(value).to_bytes(8) + value + associated.encode(), "sha256")
