"""Tokens for clients that want no signature of ours: protected by the client's secret (OIDC Core §10.1), or by nothing
(RFC 7515 §A.5).

They tell the client only what the connection that they came over tells it, and nobody else anything: it could have made
them itself. So `TokenSigner.verify` knows no such algorithm; as a hint one counts for its own client alone, and an
unsigned one not at all (`idp.protocol.id_token_hints`).
"""

from collections.abc import Mapping
from typing import Any

from joserfc.jwk import OctKey

from idp.jose.algorithms import find_model
from idp.jose.compact import encode_base64url, encode_object
from idp.jose.foreign import SECRET_OCTETS, Jwk


class ShortSecret(Exception):
    """The client's secret has fewer octets than the hash of its algorithm; the text is the algorithm."""


def sign_with_secret(payload: Mapping[str, Any], *, secret: str, alg: str, typ: str | None) -> str:
    """Return a compact JWS of `payload` under HS256, HS384 or HS512, with `typ` in its header unless that is None.

    The key is the UTF-8 octets of the client's `secret` (OIDC Core §10.1). Raises `ShortSecret` (RFC 7518 §3.2),
    ValueError for any other `alg`, and TypeError or ValueError for a payload that is not JSON (NaN included).
    """
    if alg not in SECRET_OCTETS:
        raise ValueError("alg is not HS256, HS384 or HS512")
    octets = secret.encode()
    if len(octets) < SECRET_OCTETS[alg]:
        raise ShortSecret(alg)
    message = _message(payload, alg, typ)
    return (message + b"." + encode_base64url(find_model(alg).sign(message, OctKey(octets, octets)))).decode("ascii")


def unsecured(payload: Mapping[str, Any], typ: str | None) -> str:
    """Return an unsecured JWS of `payload`: alg none, and nothing after the second dot (RFC 7515 §A.5).

    Only for what the client fetches from us directly (OIDC Core §2). Raises TypeError or ValueError for a payload that
    is not JSON.
    """
    return (_message(payload, "none", typ) + b".").decode("ascii")


def secret_jwk(secret: str) -> Jwk:
    """Return a client's secret as the JWK that `verify_foreign` takes for HS256 and its kin (RFC 7518 §6.4). It is as
    secret as before."""
    return {"kty": "oct", "k": encode_base64url(secret.encode()).decode("ascii")}


def _message(payload: Mapping[str, Any], alg: str, typ: str | None) -> bytes:
    header = {"alg": alg} | ({"typ": typ} if typ is not None else {})
    return encode_object(header) + b"." + encode_object(payload)
