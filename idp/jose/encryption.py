"""JWE Compact Serialization (RFC 7516 §7.1): responses encrypted for a client, request objects encrypted for us.

Asymmetric key management only: nothing is encrypted under passwords (PBES2, whose iteration count an attacker would
choose) or client secrets. RSA1_5 is left out (Bleichenbacher), and so is compression (RFC 8725 §3.6).
"""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.jose.compact import InvalidToken, decode_base64url, parse_object
from idp.jose.foreign import Jwk, PublicKey, UnknownKey, import_public_key

# Both in our order of preference, for discovery.
ENCRYPTION_ALGS: tuple[str, ...] = ("RSA-OAEP-256", "RSA-OAEP", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW")
ENCRYPTION_ENCS: tuple[str, ...] = ("A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM")

PrivateKey = RSAKey | ECKey | OKPKey

# A signed request object in base64url, with room; what is larger is refused before any work is done.
MAX_JWE_CHARACTERS = 64 * 1024

_MOST_TRIES = 10

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]+)")

# RFC 8037 §3.2; Ed25519 keys only sign.
_AGREEMENT_CURVES = ("P-256", "P-384", "P-521", "X25519")

# Of `key_ops` one of these lets a public key be encrypted to (RFC 7517 §4.3).
_OPERATIONS = ("encrypt", "wrapKey", "deriveKey", "deriveBits")


class NoEncryptionKey(Exception):
    """The client has no key that fits the `alg` it registered."""


@dataclass(frozen=True, slots=True)
class Decrypted:
    """What was in a JWE, and its header. Nothing says who made it: anyone can encrypt to a public key."""

    header: dict[str, Any]
    payload: bytes


def select_encryption_key(keys: Iterable[Jwk], alg: str) -> Jwk:
    """Return the client's first key that `alg` can encrypt to, one meant for encryption before one that may be
    (RFC 7517 §4.2). Raises `NoEncryptionKey`."""
    fitting = [jwk for jwk in keys if _fits(jwk, alg)]
    if not fitting:
        raise NoEncryptionKey(alg)
    return min(fitting, key=lambda jwk: (jwk.get("use") != "enc", jwk.get("alg") != alg))


def encrypt(payload: bytes, *, key: Jwk, alg: str, enc: str, cty: str | None) -> str:
    """Return `payload` as compact JWE for the owner of a public JWK, whose `kid` goes into the header.

    `cty` is "JWT" where the payload is one (RFC 7519 §5.2). Raises `NoEncryptionKey` if the key does not fit `alg`,
    and ValueError for an `alg` or `enc` that is not in our lists.
    """
    if alg not in ENCRYPTION_ALGS or enc not in ENCRYPTION_ENCS:
        raise ValueError("alg or enc is not supported")
    if not _fits(key, alg):
        raise NoEncryptionKey(alg)
    header = {"alg": alg, "enc": enc, "kid": key.get("kid"), "cty": cty}
    present = {name: value for name, value in header.items() if value is not None}
    return jwe.encrypt_compact(present, payload, import_public_key(key), registry=_registry(alg, enc))


def decrypt(
    token: str,
    *,
    keys: Sequence[PrivateKey],
    algs: Container[str] = ENCRYPTION_ALGS,
    encs: Container[str] = ENCRYPTION_ENCS,
) -> Decrypted:
    """Return what a compact JWE of unknown origin holds, decrypted with one of our private `keys`.

    `kid` in the header selects by the keys' own; without one each key that fits is tried. `algs` and `encs` narrow
    what this client may use. Raises `UnknownKey`, and `InvalidToken`, whose reason never tells at which step
    decryption failed (padding and tag oracles).
    """
    header, encrypted_key = _parse(token)
    alg, enc = _check_header(header, algs, encs)
    if bool(encrypted_key) != (alg != "ECDH-ES"):
        raise InvalidToken("the encrypted key is empty with ECDH-ES, and only then")
    fitting = [key for key in _select_keys(keys, header) if _is_for(key, alg, header)]
    if not fitting:
        raise InvalidToken("none of our keys fits alg and epk")
    for key in fitting[:_MOST_TRIES]:
        payload = _try_key(token, key, _registry(alg, enc))
        if payload is not None:
            return Decrypted(header, payload)
    raise InvalidToken("the token cannot be decrypted")


def _registry(alg: str, enc: str) -> jwe.JWERegistry:
    """Return what lets joserfc know these two algorithms and no other, compression included."""
    # Members that it does not know are ignored, as RFC 7516 §4 asks.
    registry = jwe.JWERegistry(algorithms=[alg, enc], strict_check_header=False)
    registry.max_protected_header_length = MAX_JWE_CHARACTERS
    return registry


def _fits(jwk: Jwk, alg: str) -> bool:
    operations = jwk.get("key_ops")
    if jwk.get("use") not in (None, "enc") or jwk.get("alg") not in (None, alg):
        return False
    if operations is not None and not (isinstance(operations, list) and any(one in operations for one in _OPERATIONS)):
        return False
    try:
        return _suits(import_public_key(jwk), alg)
    except InvalidToken:
        return False


def _suits(key: PublicKey, alg: str) -> bool:
    """Tell whether an algorithm takes keys of this type and curve."""
    if isinstance(key, RSAKey):
        return alg.startswith("RSA-OAEP")
    return alg.startswith("ECDH-ES") and key.curve_name in _AGREEMENT_CURVES


def _parse(token: str) -> tuple[dict[str, Any], bytes]:
    """Return header and encrypted key; the other parts are checked to be base64url in its one spelling."""
    if len(token) > MAX_JWE_CHARACTERS:
        raise InvalidToken("the token is too long")
    match = _COMPACT.fullmatch(token)
    if match is None:
        raise InvalidToken("the token is not five base64url parts, RFC 7516 §7.1")
    header, encrypted_key, *_ = (decode_base64url(part) for part in match.groups())
    return parse_object(header, "header"), encrypted_key


def _check_header(header: Mapping[str, Any], algs: Container[str], encs: Container[str]) -> tuple[str, str]:
    # RFC 7516 §4.1.13: we understand no extension.
    if "crit" in header:
        raise InvalidToken("the header has crit, which is not supported")
    # A decompression bomb, and an oracle on what is encrypted, RFC 8725 §3.6.
    if "zip" in header:
        raise InvalidToken("compressed tokens are not supported")
    alg, enc = header.get("alg"), header.get("enc")
    if not isinstance(alg, str) or alg not in ENCRYPTION_ALGS or alg not in algs:
        raise InvalidToken("alg is not one that this client may use")
    if not isinstance(enc, str) or enc not in ENCRYPTION_ENCS or enc not in encs:
        raise InvalidToken("enc is not one that this client may use")
    return alg, enc


def _select_keys(keys: Sequence[PrivateKey], header: Mapping[str, Any]) -> Sequence[PrivateKey]:
    kid = header.get("kid")
    if kid is None:
        return keys
    named = [key for key in keys if key.kid == kid]
    if not named:
        raise UnknownKey("kid is not one of our keys")
    return named


def _is_for(key: PrivateKey, alg: str, header: Mapping[str, Any]) -> bool:
    """Tell whether one of our keys can be what `alg` and, for a key agreement, the ephemeral key were meant for."""
    if key.get("alg") not in (None, alg) or key.get("use") not in (None, "enc") or not _suits(key, alg):
        return False
    if isinstance(key, RSAKey):
        return True
    epk = header.get("epk")
    if not isinstance(epk, dict) or "d" in epk:
        raise InvalidToken("epk is not a public key")
    # The point must lie on its curve, or the answer would tell our key bit by bit (RFC 8725 §3.4).
    ephemeral = import_public_key(epk)
    return not isinstance(ephemeral, RSAKey) and ephemeral.curve_name == key.curve_name


def _try_key(token: str, key: PrivateKey, registry: jwe.JWERegistry) -> bytes | None:
    try:
        return jwe.decrypt_compact(token, key, registry=registry).plaintext
    except (JoseError, InvalidTag, ValueError, TypeError, KeyError, AssertionError):
        return None
