"""Tokens that clients sign, and the JWK Sets that they register: good ones, and those of an attacker."""

import contextlib
import hashlib
import hmac
import json
import socket
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.jose.algorithms import ALGORITHMS, OwnKey
from idp.jose.compact import InvalidToken, decode_base64url
from idp.jose.foreign import VERIFICATION_ALGORITHMS, UnknownKey, parse_jwks, verify_foreign
from tests.jose.conftest import encode, forge

CLAIMS = {"iss": "client", "jti": "1"}
ALL = (*VERIFICATION_ALGORITHMS, "none")
HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


@cache
def _nth_key(alg: str, number: int) -> OwnKey:
    return OwnKey.generate(ALGORITHMS[alg])


def _key(alg: str, number: int = 1) -> OwnKey:
    """Return one of a client's keys, the same at each call."""
    return _nth_key(alg, number)


def _jwk(alg: str = "ES256", number: int = 1, /, **changes: Any) -> dict[str, Any]:
    """Return a client's public key with its kid, use and alg; a change to None leaves a member out."""
    members = dict(_key(alg, number).public_jwk) | changes
    return {name: value for name, value in members.items() if value is not None}


def _token(alg: str = "ES256", number: int = 1, /, claims: object = CLAIMS, **changes: Any) -> str:
    """Return a token of a client's, with a changed header; a change to None leaves a member out."""
    header = {"alg": alg, "kid": _key(alg, number).kid} | changes
    return forge(_key(alg, number), {name: value for name, value in header.items() if value is not None}, claims)


def _hmac(alg: str, secret: bytes, name: str | None = None, **header: Any) -> str:
    message = f"{encode({'alg': name or alg} | header)}.{encode(CLAIMS)}"
    return f"{message}.{encode(hmac.new(secret, message.encode(), HASHES[alg]).digest())}"


def _secret(octets: bytes, **members: Any) -> dict[str, Any]:
    return {"kty": "oct", "k": encode(octets)} | members


def _unsecured(header: object = None, claims: object = CLAIMS) -> str:
    return f"{encode(header or {'alg': 'none'})}.{encode(claims)}."


def _verify(token: str, *keys: dict[str, Any], algorithms: tuple[str, ...] = ALL, **arguments: Any) -> dict[str, Any]:
    return verify_foreign(token, keys=keys, algorithms=algorithms, **arguments)


def _refuse(reason: str, token: str, *keys: dict[str, Any], **arguments: Any) -> None:
    """Check that a token is refused for this reason, and that its key is not thought to be merely unknown."""
    with pytest.raises(InvalidToken, match=reason) as refusal:
        _verify(token, *keys, **arguments)
    assert type(refusal.value) is InvalidToken
    assert len(refusal.value.reason) < 80


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_there_and_back(alg: str) -> None:
    """A token under each asymmetric algorithm gives its claims; under another key of the kind it does not."""
    assert _verify(_token(alg), _jwk(alg), algorithms=(alg,)) == CLAIMS
    assert _verify(_token(alg), _jwk(alg, alg=None, use=None)) == CLAIMS
    _refuse("signature does not match", _token(alg, 2, kid=None), _jwk(alg))
    head, payload, signature = _token(alg).split(".")
    _refuse("signature does not match", f"{head}.{encode({'iss': 'evil'})}.{signature}", _jwk(alg))
    _refuse("signature does not match", f"{head}.{payload}.AAAA", _jwk(alg))


@pytest.mark.requirement("RFC 7518", "3.2")
@pytest.mark.parametrize(("alg", "octets"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_client_secret(alg: str, octets: int) -> None:
    """A secret as long as the hash will do, whatever its octets; a shorter one will not, though the MAC is right."""
    pem = b"-----BEGIN PUBLIC KEY-----".ljust(octets, b"\xff")
    for secret in (bytes(range(octets)), pem, b"s" * 200):
        assert _verify(_hmac(alg, secret), _secret(secret), algorithms=(alg,)) == CLAIMS
    assert _verify(_hmac(alg, pem, kid="any"), _secret(pem)) == CLAIMS
    _refuse("does not match", _hmac(alg, pem), _secret(pem[::-1]))
    for short in (pem[1:], b"s", b""):
        _refuse("shorter than", _hmac(alg, short), _secret(short))
    for broken in (None, 7, "", "!", [encode(pem)]):
        _refuse("shorter than|base64url", _hmac(alg, pem), {"kty": "oct", "k": broken})


@pytest.mark.requirement("RFC 8725", "2.1")
def test_public_key_as_hmac_secret() -> None:
    """No form of a client's public key serves as an HMAC secret, and a secret is no public key."""
    jwk = _jwk("RS256", alg=None)
    public = rsa.RSAPublicNumbers(65537, int.from_bytes(decode_base64url(jwk["n"]))).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, pem.strip(), der, json.dumps(jwk).encode(), jwk["n"].encode()):
        _refuse("takes a key of kty oct", _hmac("HS256", secret), jwk)
        _refuse("takes a key of kty oct", _hmac("HS256", secret, kid=jwk["kid"]), jwk)
        _refuse("takes a key of kty oct", _hmac("HS256", secret), jwk | {"k": encode(secret)})
        _refuse("takes a key of kty RSA", _hmac("HS256", secret, "RS256"), _secret(secret))
        _refuse("signature does not match", _hmac("HS256", secret, "RS256"), jwk)


@pytest.mark.requirement("RFC 7518", "3.6")
def test_unsecured() -> None:
    """An unsecured token counts only where "none" is asked for by that spelling, and then has no signature."""
    assert _verify(_unsecured()) == CLAIMS
    assert _verify(_unsecured(), _jwk()) == CLAIMS
    for algorithms in (("ES256",), VERIFICATION_ALGORITHMS, ()):
        _refuse("may use", _unsecured(), _jwk(), algorithms=algorithms)
    for name in ("None", "NONE", "nOnE", "", " none", ["none"], None, 0):
        _refuse("may use", _unsecured({"alg": name}), _jwk())
    _refuse("may use", _unsecured({"typ": "JWT"}), _jwk())
    for signature in ("AA", "AAAA", _token().rpartition(".")[2]):
        _refuse("there is a signature", _unsecured() + signature, _jwk())
    for text in (_unsecured() + ".", _unsecured()[:-1], encode({"alg": "none"}) + "..", ".", "..", ""):
        _refuse("three base64url parts", text, _jwk())


def test_signature_taken_off() -> None:
    """A token without its signature does not count as unsecured, and not with a signature of no octets."""
    for alg in ("RS256", "ES256", "EdDSA"):
        _refuse("signature is missing", _token(alg).rpartition(".")[0] + ".", _jwk(alg))
    _refuse("signature is missing", _hmac("HS256", b"s" * 32).rpartition(".")[0] + ".", _secret(b"s" * 32))


@pytest.mark.requirement("RFC 7515", "4.1.11")
@pytest.mark.parametrize("extra", [{"crit": ["x"], "x": 1}, {"crit": []}, {"crit": "exp"}, {"crit": ["b64"]}])
def test_crit(extra: dict[str, Any]) -> None:
    """A critical header is refused, for we understand none; `b64` is, critical or not."""
    for more in ({}, {"b64": False}, {"b64": True}):
        _refuse("crit or b64", _token(**extra, **more), _jwk())
        _refuse("crit or b64", _unsecured({"alg": "none"} | extra | more))
    for value in (True, False):
        _refuse("crit or b64", _token(b64=value), _jwk())


def test_keys_in_the_header() -> None:
    """A key in the header, or the address of one, is never used and never fetched, nor does it do harm."""
    with socket.create_server(("127.0.0.1", 0)) as canary:
        canary.settimeout(0.05)
        url = f"http://127.0.0.1:{canary.getsockname()[1]}/jwks"
        stranger = _jwk("ES256", 2, kid=None)
        for extra in ({"jwk": stranger}, {"jku": url}, {"x5u": url}, {"x5c": ["MIIB"]}):
            _refuse("signature does not match", _token("ES256", 2, kid=_key("ES256").kid, **extra), _jwk())
            _refuse("signature does not match", _token("ES256", 2, kid=None, **extra), _jwk())
            assert _verify(_token(**extra), _jwk()) == CLAIMS
        with pytest.raises(TimeoutError):
            canary.accept()


def test_algorithm_must_be_allowed_and_known() -> None:
    """What the client did not register is refused, and what nobody knows even if it is registered."""
    _refuse("may use", _token(), _jwk(), algorithms=("RS256", "HS256"))
    _refuse("may use", _token(), _jwk(), algorithms=())
    for name in ("ES256K", "es256", "Ed448", "RSA-OAEP"):
        _refuse("not supported", forge(_key("ES256"), {"alg": name}, CLAIMS), _jwk(), algorithms=(name,))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"use": "enc"}, "use of the key"),
        ({"use": ["sig"]}, "use of the key"),
        ({"key_ops": ["sign", "encrypt"]}, "key_ops"),
        ({"key_ops": []}, "key_ops"),
        ({"key_ops": "verify"}, "key_ops"),
        ({"alg": "ES384"}, "another alg"),
        ({"alg": "ECDH-ES"}, "another alg"),
        ({"alg": ["ES256"]}, "another alg"),
        ({"kty": "RSA"}, "kty EC"),
        ({"kty": "OKP"}, "kty EC"),
        ({"kty": None}, "kty EC"),
        ({"crv": "P-384"}, "crv P-256"),
        ({"crv": "secp256k1"}, "crv P-256"),
        ({"crv": None}, "crv P-256"),
        ({"y": None}, "as strings"),
        ({"x": 7}, "as strings"),
        ({"x": "AA"}, "malformed"),
        ({"x": "!"}, "malformed"),
        ({"x": ""}, "malformed"),
    ],
)
def test_key_must_fit(changes: dict[str, Any], reason: str) -> None:
    """A key of another type, curve or purpose is not used, with the reason told, whether kid names it or not."""
    _refuse(reason, _token(), _jwk(**changes))
    _refuse(reason, _token(kid=None), _jwk(**changes))
    _refuse("none of the client's keys fits", _token(kid=None), _jwk(**changes), _jwk("RS256"))
    assert _verify(_token(kid=None), _jwk(**changes), _jwk(key_ops=["verify"])) == CLAIMS


def test_curves_and_paddings_are_apart() -> None:
    """A curve goes with its own algorithm only; a key that says its algorithm is for no other."""
    _refuse("crv P-256", forge(_key("ES384"), {"alg": "ES256"}, CLAIMS), _jwk("ES384", alg=None))
    _refuse("crv P-521", forge(_key("ES256"), {"alg": "ES512"}, CLAIMS), _jwk("ES256", alg=None))
    _refuse("crv Ed25519", forge(_key("EdDSA"), {"alg": "EdDSA"}, CLAIMS), _jwk("EdDSA", crv="X25519"))
    _refuse("crv Ed25519", forge(_key("EdDSA"), {"alg": "EdDSA"}, CLAIMS), _jwk("EdDSA", crv="Ed448"))
    _refuse("another alg", forge(_key("RS256"), {"alg": "PS256"}, CLAIMS), _jwk("RS256"))
    _refuse("does not match", forge(_key("RS256"), {"alg": "PS256"}, CLAIMS), _jwk("RS256", alg=None))


@pytest.mark.requirement("RFC 8725", "3.4")
def test_invalid_curve_point() -> None:
    """A point that is not on the curve is no key."""
    good = _jwk()
    for point in ({"y": good["x"]}, {"x": encode(bytes(32)), "y": encode(bytes(32))}, {"x": encode(b"\xff" * 32)}):
        _refuse("malformed", _token(), _jwk(**point))


@pytest.mark.requirement("RFC 7518", "3.3")
def test_rsa_size() -> None:
    """An RSA key under 2048 bits is refused, though its signature is good, and so is one that is a burden."""
    small = OwnKey(ALGORITHMS["RS256"], rsa.generate_private_key(65537, 1024))
    for alg in ("RS256", "PS256"):
        token = forge(small, {"alg": alg}, CLAIMS)
        _refuse("2048 to 8192 bits", token, dict(small.public_jwk) | {"alg": alg})
    for modulus in (b"\x01" + bytes(255), bytes(10) + b"\xff" * 255, b"\x01" + b"\xff" * 1024, b"\xff" * 20_000):
        _refuse("2048 to 8192 bits", _token("RS256"), _jwk("RS256", n=encode(modulus)))
    _refuse("exponent", _token("RS256"), _jwk("RS256", e=encode(b"\x01" + bytes(7) + b"\x01")))
    for exponent in (b"\x00", b"\x01", b"\x02"):
        _refuse("malformed", _token("RS256"), _jwk("RS256", e=encode(exponent)))


@pytest.mark.requirement("RFC 7515", "4.1.4")
def test_kid_selects() -> None:
    """A kid that is known selects its keys and no others; one that is not is told apart."""
    assert _verify(_token("ES256", 2), _jwk("ES256", 1), _jwk("ES256", 2)) == CLAIMS
    _refuse("does not match", _token("ES256", 2, kid=_key("ES256").kid), _jwk("ES256", 1), _jwk("ES256", 2))
    # RFC 7517 §4.5: keys of different types may share a kid.
    assert _verify(_token(kid="k"), _jwk("RS256", kid="k"), _jwk(kid="k")) == CLAIMS
    for keys in ([_jwk()], [_jwk(kid=None), _jwk("ES256", 2)], [_jwk("RS256", kid=None)], []):
        with pytest.raises(UnknownKey, match="kid is not one"):
            _verify(_token(kid="unknown"), *keys)
    odd: list[Any] = [7, [], {}, True, None]
    for kid in odd:
        token = forge(_key("ES256"), {"alg": "ES256", "kid": kid}, CLAIMS)
        _refuse("kid is not a string", token, _jwk(), _jwk(kid=7))


def test_without_kid_each_key_is_tried() -> None:
    """Without a kid the keys that fit are tried; where the keys have no kid, the token's own does not matter."""
    assert _verify(_token(kid=None), _jwk("RS256"), _jwk("ES384"), _jwk("ES256", 2), _jwk()) == CLAIMS
    assert _verify(_token(kid="any"), _jwk("ES256", 2, kid=None), _jwk(kid=None), _jwk("RS256")) == CLAIMS
    _refuse("none of the client's keys fits", _token(kid=None))
    _refuse("does not match", _token("ES256", 3, kid=None), _jwk("ES256", 1), _jwk("ES256", 2))


def test_tries_are_limited() -> None:
    """The tenth key is tried, the eleventh is not; keys that do not fit do not count."""
    others = [_jwk("ES256", 2)] * 9
    misfits = [_jwk("RS256"), _jwk(use="enc")] * 5
    assert _verify(_token(kid=None), *misfits, *others, _jwk()) == CLAIMS
    _refuse("does not match", _token(kid=None), *others, _jwk("ES256", 2), _jwk())


@pytest.mark.requirement("RFC 7515", "4.1.9")
def test_typ() -> None:
    """A type counts in any case, with its prefix or without; None stands for no type, and no list for any."""
    allowed = {"jwt", "oauth-authz-req+jwt", None}
    for typ in ("JWT", "jwt", "oauth-authz-req+jwt", "application/oauth-authz-req+JWT", None):
        assert _verify(_token(typ=typ), _jwk(), typ=allowed) == CLAIMS
        assert _verify(_token(typ=typ), _jwk()) == CLAIMS
    for typ in ("", "at+jwt", "text/jwt", " jwt", "dpop+jwt"):
        _refuse("another purpose", _token(typ=typ), _jwk(), typ=allowed)
    _refuse("another purpose", _token(), _jwk(), typ={"jwt"})
    _refuse("typ is not a string", _token(typ=["jwt"]), _jwk(), typ=allowed)
    _refuse("another purpose", _unsecured({"alg": "none", "typ": "x"}), typ=allowed)


def test_payload_is_a_strict_object() -> None:
    """The claims are one JSON object without duplicate members."""
    for payload in ("[]", "1", "null", '{"a":1,"a":2}', '{"a":NaN}', b"\xff", "{}x", "[" * 300):
        _refuse("payload", _token(claims=payload), _jwk())
        _refuse("payload", _unsecured(claims=payload))
    for header in ("[]", '{"alg":"none","alg":"ES256"}', "x"):
        _refuse("header", _unsecured(header), _jwk())
    _refuse("too long", "A" * 20_000, _jwk())


def test_jwk_set() -> None:
    """Public keys come back in order; those of unknown types and curves are left out (RFC 7517 §5)."""
    good = [_jwk("RS256"), _jwk(), _jwk("ES512"), _jwk("EdDSA"), _jwk("ES256", 2, kid=None, use="enc", alg=None)]
    unknown = [
        *({"kty": "AKP", "pub": "AA"}, {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}),
        {"kty": "OKP", "crv": "Ed448", "x": "AA"},
    ]
    assert parse_jwks({"keys": [*unknown, *good, *unknown], "x": 1}) == tuple(good)
    assert parse_jwks({"keys": unknown}) == parse_jwks({"keys": []}) == ()
    assert len(parse_jwks({"keys": [_jwk()] * 20})) == 20


@pytest.mark.parametrize("value", [None, [], "keys", 7, {}, {"keys": None}, {"keys": {}}, {"keys": "x"}, {"Keys": []}])
def test_no_jwk_set(value: object) -> None:
    """What is not a JWK Set is refused."""
    with pytest.raises(InvalidToken, match="not an object with a list"):
        parse_jwks(value)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        *((None, "not an object"), ([], "not an object"), ({}, "not an object"), ({"kty": 7}, "not an object")),
        *(({"kty": "oct", "k": "AA"}, "not a public key"), ({"kty": "oct"}, "not a public key")),
        ({"kty": "AKP", "priv": "AA"}, "not a public key"),
        *(({"kty": "EC"}, "as strings"), ({"kty": "RSA", "n": 7, "e": "AQAB"}, "as strings")),
        ({"kty": "RSA", "n": "AQAB", "e": "AQAB"}, "2048"),
        *(({"kty": "OKP", "crv": "Ed25519", "x": "AA"}, "malformed"), ({"kty": "OKP", "crv": 7, "x": "AA"}, "strings")),
    ],
)
def test_bad_key_in_a_set(key: object, reason: str) -> None:
    """One bad key spoils the set, and the reason tells which it is."""
    with pytest.raises(InvalidToken, match=f"^key 2.*{reason}"):
        parse_jwks({"keys": [_jwk(), key]})


def test_private_members_in_a_set() -> None:
    """A private key is refused by any of its members, and none of it is repeated."""
    for name in ("d", "p", "q", "dp", "dq", "qi", "oth", "k"):
        with pytest.raises(InvalidToken, match=r"^key 1 is not a public key") as refusal:
            parse_jwks({"keys": [_jwk("RS256", **{name: "c2VjcmV0"})]})
        assert "c2VjcmV0" not in refusal.value.reason
    for name in ("kid", "use", "alg"):
        with pytest.raises(InvalidToken, match=f"{name} is not a string"):
            parse_jwks({"keys": [_jwk(**{name: 7})]})
    with pytest.raises(InvalidToken, match="more than 20"):
        parse_jwks({"keys": [_jwk()] * 21})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["EC", "RSA", "P-256", "sig"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "use", "alg", "key_ops"])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(changes=st.dictionaries(MEMBERS, JSON), header=st.dictionaries(st.sampled_from(["alg", "kid", "typ"]), JSON))
def test_any_key_and_header(changes: dict[str, Any], header: dict[str, Any]) -> None:
    """Whatever JSON keys and headers hold, nothing but `InvalidToken` comes out."""
    token = forge(_key("ES256"), {"alg": "ES256"} | header, CLAIMS)
    try:
        assert _verify(token, _jwk() | changes, typ={"jwt", None}) == CLAIMS
    except InvalidToken:
        assert changes or header
    with contextlib.suppress(InvalidToken):
        parse_jwks({"keys": [_jwk() | changes, changes]})
