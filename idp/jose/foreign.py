"""What clients sign, and the public keys that they register: client assertions, request objects (RFC 7515, RFC 7517).

Here the other side chooses key and algorithm, so each limits the other: a key must fit the header's `alg` by its type,
curve, size and all that it says of itself (RFC 8725 §3.1, §3.2, §3.5). Keys in a header, and addresses of keys (`jwk`,
`jku`, `x5c`, `x5u`), are never used nor fetched; a header that carries them beside a good signature does no harm.

Claims are not judged here: who issued the token, to whom, and whether it was seen before, is for the caller to ask.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from idp.jose.algorithms import ALGORITHMS, find_model
from idp.jose.compact import CompactJws, InvalidToken, decode_base64url, parse_compact, parse_object

Jwk = Mapping[str, Any]
PublicKey = RSAKey | ECKey | OKPKey

# RFC 7518 §3.2: the secret must be as long as the hash output, here in octets.
SECRET_OCTETS: Mapping[str, int] = {"HS256": 32, "HS384": 48, "HS512": 64}

# All that a client may sign with, for discovery; "none" is for the caller to add where it is wanted.
VERIFICATION_ALGORITHMS: tuple[str, ...] = (*ALGORITHMS, *SECRET_OCTETS)

# RFC 7518 §3.3, §4.3 ask for the least. Beyond the most, verifying would cost us more than signing costs a client.
_LEAST_RSA_BITS, _MOST_RSA_BITS = 2048, 8192
_MOST_EXPONENT_BITS = 64

_MOST_KEYS = 20
_MOST_TRIES = 10

_KINDS: Mapping[str, tuple[type[RSAKey] | type[ECKey] | type[OKPKey], tuple[str, ...]]] = {
    "RSA": (RSAKey, ("n", "e")),
    "EC": (ECKey, ("crv", "x", "y")),
    "OKP": (OKPKey, ("crv", "x")),
}
_CURVES: Mapping[str, tuple[str, ...]] = {"EC": ("P-256", "P-384", "P-521"), "OKP": ("Ed25519", "X25519")}

# RFC 7518 §6.2.2, §6.3.2, §6.4; `priv` is that of key types to come.
_SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})


class UnknownKey(InvalidToken):
    """`kid` names none of the keys: worth fetching the client's JWK Set again (OIDC Core §10.1.1)."""


def verify_foreign(
    token: str, *, keys: Sequence[Jwk], algorithms: Container[str], typ: Container[str | None] | None = None
) -> dict[str, Any]:
    """Return the claims of a compact JWS that is signed under one of a client's `keys`; `token` is untrusted.

    `keys` are public JWKs, or `{"kty": "oct", "k": ...}` for HS256 and its kin. `algorithms` are what this client may
    use; with "none" among them an unsecured JWS counts (RFC 7515 §A.5). `typ` lists what the header may say, in lower
    case and without "application/" (RFC 7515 §4.1.9), None standing for no `typ`; without it, any. Raises `UnknownKey`
    and `InvalidToken`.
    """
    jws = _parse(token)
    alg = _check_header(jws.header, algorithms, typ)
    if alg != "none":
        _check_signature(jws, alg, _select_keys(keys, jws.header, alg))
    elif jws.signature:
        raise InvalidToken("alg is none, but there is a signature")
    return parse_object(jws.payload, "payload")


def parse_jwks(value: object) -> tuple[Jwk, ...]:
    """Return the usable keys of a JWK Set as clients register or publish it, in its order (RFC 7517 §5).

    Keys of types and curves that we do not know are left out, so the result may be empty. Raises `InvalidToken` for
    any other fault, above all for a private or symmetric key, which its owner must hear of.
    """
    listed = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(listed, list):
        raise InvalidToken("the JWK Set is not an object with a list of keys")
    if len(listed) > _MOST_KEYS:
        raise InvalidToken(f"the JWK Set has more than {_MOST_KEYS} keys")
    return tuple(jwk for number, jwk in enumerate(listed, 1) if _is_usable(jwk, number))


def import_public_key(jwk: Jwk) -> PublicKey:
    """Return the public key of a JWK of unknown origin; no other member of it is read. Raises `InvalidToken`."""
    kty = jwk.get("kty")
    if not isinstance(kty, str) or kty not in _KINDS:
        raise InvalidToken("kty is not RSA, EC or OKP")
    kind, names = _KINDS[kty]
    members: dict[str, str | list[str]] = {name: jwk[name] for name in names if isinstance(jwk.get(name), str)}
    if len(members) != len(names):
        raise InvalidToken(f"a key of kty {kty} needs {', '.join(names)} as strings")
    if kty in _CURVES and members["crv"] not in _CURVES[kty]:
        raise InvalidToken("crv is not supported")
    if kty == "RSA":
        _check_rsa(str(members["n"]), str(members["e"]))
    try:
        # An EC point that is not on its curve is refused here (invalid curve attack, RFC 8725 §3.4).
        return kind.import_key(members | {"kty": kty})
    except (JoseError, ValueError):
        raise InvalidToken(f"the {kty} key is malformed") from None


def _check_rsa(modulus: str, exponent: str) -> None:
    number = int.from_bytes(decode_base64url(modulus))
    if not _LEAST_RSA_BITS <= number.bit_length() <= _MOST_RSA_BITS:
        raise InvalidToken(f"the RSA key has not {_LEAST_RSA_BITS} to {_MOST_RSA_BITS} bits")
    if number % 2 == 0:
        raise InvalidToken("the RSA modulus is even, so no product of two large primes")
    if int.from_bytes(decode_base64url(exponent)).bit_length() > _MOST_EXPONENT_BITS:
        raise InvalidToken(f"the RSA exponent has more than {_MOST_EXPONENT_BITS} bits")


def _parse(token: str) -> CompactJws:
    if not token.endswith("."):
        return parse_compact(token)
    # A token without signature may be an unsecured one; the parser wants some signature, so it gets one on loan.
    return replace(parse_compact(token + "AA"), signature=b"")


def _check_header(header: Mapping[str, Any], algorithms: Container[str], typ: Container[str | None] | None) -> str:
    """Return `alg`, having checked what of the header needs no key."""
    # RFC 7515 §4.1.11: we understand no extension. `b64` would change what was signed (RFC 7797).
    if "crit" in header or "b64" in header:
        raise InvalidToken("the header has crit or b64, which are not supported")
    if typ is not None and _short_type(header) not in typ:
        raise InvalidToken("typ is for another purpose")
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in algorithms:
        raise InvalidToken("alg is not one that this client may use")
    if alg != "none" and alg not in VERIFICATION_ALGORITHMS:
        raise InvalidToken("alg is not supported")
    return alg


def _short_type(header: Mapping[str, Any]) -> str | None:
    """Return `typ` in its one form, None if there is none: media types know no case, and may leave the prefix out."""
    if "typ" not in header:
        return None
    if not isinstance(header["typ"], str):
        raise InvalidToken("typ is not a string")
    return header["typ"].lower().removeprefix("application/")


def _select_keys(keys: Sequence[Jwk], header: Mapping[str, Any], alg: str) -> Sequence[Jwk]:
    """Return the keys to try: those that `kid` names. Keys without names of their own may go by any."""
    if "kid" not in header:
        return keys
    kid = header["kid"]
    if not isinstance(kid, str):
        raise InvalidToken("kid is not a string")
    if named := [jwk for jwk in keys if jwk.get("kid") == kid]:
        return named
    alike = [jwk for jwk in keys if jwk.get("kty") == _key_type(alg)]
    if not alike or any("kid" in jwk for jwk in alike):
        raise UnknownKey("kid is not one of the client's keys")
    return alike


def _check_signature(jws: CompactJws, alg: str, keys: Sequence[Jwk]) -> None:
    if not jws.signature:
        raise InvalidToken("the signature is missing")
    tries, misfits = 0, list[InvalidToken]()
    for jwk in keys:
        try:
            key = _import_fitting(jwk, alg)
        except InvalidToken as misfit:
            misfits.append(misfit)
            continue
        if _matches(jws, alg, key):
            return
        tries += 1
        if tries == _MOST_TRIES:
            break
    if tries:
        raise InvalidToken("the signature does not match")
    raise misfits[0] if len(misfits) == 1 else InvalidToken("none of the client's keys fits alg")


def _matches(jws: CompactJws, alg: str, key: PublicKey | OctKey) -> bool:
    model = ALGORITHMS[alg].model() if alg in ALGORITHMS else find_model(alg)
    try:
        return model.verify(jws.signing_input, jws.signature, key)
    except ValueError:
        return False


def _import_fitting(jwk: Jwk, alg: str) -> PublicKey | OctKey:
    """Return the key, if `alg` may be used with it. Raises `InvalidToken`, saying why not."""
    # Algorithm confusion, RFC 8725 §2.1: a public key must never serve as the secret of an HMAC.
    if jwk.get("kty") != _key_type(alg):
        raise InvalidToken(f"alg takes a key of kty {_key_type(alg)}")
    if jwk.get("alg") not in (None, alg):
        raise InvalidToken("the key is for another alg")
    if jwk.get("use") not in (None, "sig"):
        raise InvalidToken("use of the key is not sig")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise InvalidToken("key_ops of the key lacks verify")
    if alg in SECRET_OCTETS:
        return _import_secret(jwk, SECRET_OCTETS[alg])
    if ALGORITHMS[alg].curve not in (None, jwk.get("crv")):
        raise InvalidToken(f"alg takes a key with crv {ALGORITHMS[alg].curve}")
    return import_public_key(jwk)


def _import_secret(jwk: Jwk, least_octets: int) -> OctKey:
    text = jwk.get("k")
    secret = decode_base64url(text) if isinstance(text, str) else b""
    if len(secret) < least_octets:
        raise InvalidToken(f"the secret is shorter than {least_octets} octets, RFC 7518 §3.2")
    return OctKey(secret, secret)


def _key_type(alg: str) -> str:
    return ALGORITHMS[alg].jwk.key_type if alg in ALGORITHMS else "oct"


def _is_usable(jwk: object, number: int) -> bool:
    """Tell whether a member of a JWK Set is a public key of a kind that we know; raise if it is worse than unknown."""
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kty"), str):
        raise InvalidToken(f"key {number} is not an object with a kty")
    if jwk["kty"] == "oct" or not _SECRET_MEMBERS.isdisjoint(jwk):
        raise InvalidToken(f"key {number} is not a public key; take its secret out of use")
    for name in ("kid", "use", "alg"):
        if not isinstance(jwk.get(name, ""), str):
            raise InvalidToken(f"key {number}: {name} is not a string")
    kty = jwk["kty"]
    if kty not in _KINDS or (kty in _CURVES and isinstance(jwk.get("crv"), str) and jwk["crv"] not in _CURVES[kty]):
        return False
    try:
        import_public_key(jwk)
    except InvalidToken as fault:
        raise InvalidToken(f"key {number}: {fault.reason}") from None
    return True
