"""Our own tokens, signed and verified as compact JWS (RFC 7515, RFC 7519, RFC 8725).

Signing assembles the token here and leaves the signature to joserfc: the header is encoded once per key and type, so
that the RSA operation is all but a few microseconds of the work. Verifying trusts nothing in a header: it must have
exactly the members that we write, and `kid` only selects among our own keys. So `jwk`, `jku`, `x5u`, `x5c` and `crit`
(RFC 7515 §4.1) are refused by being there, and `alg` must be the one that the key was made for.

Whether what a token speaks for still holds (session, grant, account) is for the caller to ask.
"""

from collections.abc import Mapping
from typing import Any

from idp.jose.algorithms import DEFAULT_ALGORITHM, OwnKey
from idp.jose.claims import Claims, check_claims
from idp.jose.compact import CompactJws, InvalidToken, encode_base64url, encode_object, parse_compact, parse_object
from idp.jose.keys import KeyRing

__all__ = ["Claims", "InvalidToken", "TokenSigner"]


class TokenSigner:
    """Signs and verifies with the keys of a ring."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self._heads: dict[tuple[str, str | None], bytes] = {}

    def sign(self, payload: Mapping[str, Any], *, typ: str | None, alg: str = DEFAULT_ALGORITHM) -> str:
        """Return a compact JWS of `payload` under the active key, with `typ` in its header unless that is None.

        Raises `NoSigningKey`, and TypeError or ValueError for a payload that is not JSON (NaN included).
        """
        key = self._keys.signer(alg)
        message = self._head(key, typ) + encode_object(payload)
        return (message + b"." + encode_base64url(key.sign(message))).decode("ascii")

    def verify(
        self,
        token: str,
        *,
        expected_typ: str | None,
        issuer: str,
        now: int,
        audience: str | None = None,
        leeway_seconds: int = 0,
        allow_expired: bool = False,
    ) -> Claims:
        """Return the claims of a token that we signed for this purpose and that counts at `now`.

        `token` is untrusted. `expected_typ` is compared exactly, None meaning that there is none. Without `audience`
        any is accepted; `allow_expired` is for hints (OIDC Core §3.1.2.1). Raises `InvalidToken`.
        """
        jws = parse_compact(token)
        key = self._select_key(jws, expected_typ)
        if not key.verify(jws.signing_input, jws.signature):
            raise InvalidToken("the signature does not match")
        claims = parse_object(jws.payload, "payload")
        check_claims(
            claims,
            issuer=issuer,
            audience=audience,
            now=now,
            leeway_seconds=leeway_seconds,
            allow_expired=allow_expired,
        )
        return claims

    def _head(self, key: OwnKey, typ: str | None) -> bytes:
        """Return the encoded header and its dot; both names are ours, so few are ever kept."""
        head = self._heads.get((key.kid, typ))
        if head is None:
            header = {"alg": key.alg, "kid": key.kid} | ({"typ": typ} if typ is not None else {})
            head = self._heads[key.kid, typ] = encode_object(header) + b"."
        return head

    def _select_key(self, jws: CompactJws, expected_typ: str | None) -> OwnKey:
        header = jws.header
        expected = {"alg", "kid"} if expected_typ is None else {"alg", "kid", "typ"}
        if header.keys() != expected:
            raise InvalidToken("the header has other members than ours")
        if expected_typ is not None and header["typ"] != expected_typ:
            raise InvalidToken("typ is for another purpose")
        kid = header["kid"]
        key = self._keys.public_keys().get(kid) if isinstance(kid, str) else None
        if key is None:
            raise InvalidToken("kid is not one of our keys")
        # Algorithm confusion, RFC 8725 §3.1: the key says the algorithm, the header may only agree.
        if header["alg"] != key.alg:
            raise InvalidToken("alg is not the one of this key")
        return key
