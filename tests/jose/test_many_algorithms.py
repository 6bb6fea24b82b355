"""A provider that signs under every algorithm: each client's tokens verify, and under no other algorithm or key."""

from dataclasses import replace
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from idp.jose.algorithms import ALGORITHMS
from idp.jose.compact import InvalidToken, decode_base64url, parse_compact
from idp.jose.keys import NoSigningKey
from tests.jose.conftest import POLICY, Keys, encode, forge, make_keys
from tests.jose.fakes import START

DIGESTS: dict[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
CURVES: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}


@pytest.fixture(scope="module")
def many() -> Keys:
    """Keys for all signing algorithms; no test changes them."""
    return make_keys(policy=replace(POLICY, algorithms=tuple(ALGORITHMS)))


def _number(text: str) -> int:
    return int.from_bytes(decode_base64url(text))


def _check_signature(jwk: dict[str, Any], alg: str, message: bytes, signature: bytes) -> None:
    """Verify by the published numbers and RFC 7518 §3, without joserfc."""
    if alg == "EdDSA":
        ed25519.Ed25519PublicKey.from_public_bytes(decode_base64url(jwk["x"])).verify(signature, message)
        return
    digest = DIGESTS[alg[-3:]]
    if alg.startswith("ES"):
        point = ec.EllipticCurvePublicNumbers(_number(jwk["x"]), _number(jwk["y"]), CURVES[jwk["crv"]]).public_key()
        half = len(signature) // 2
        r, s = int.from_bytes(signature[:half]), int.from_bytes(signature[half:])
        point.verify(encode_dss_signature(r, s), message, ec.ECDSA(digest))
        return
    pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
    public = rsa.RSAPublicNumbers(_number(jwk["e"]), _number(jwk["n"])).public_key()
    public.verify(signature, message, pss if alg.startswith("PS") else padding.PKCS1v15(), digest)


@pytest.mark.requirement("RFC 7518", "3.1")
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_there_and_back(many: Keys, alg: str) -> None:
    """A token under each algorithm verifies here and by the published key, and once changed it does not."""
    token = many.tokens.sign(many.claims(), typ="at+jwt", alg=alg)
    jws, key = parse_compact(token), many.ring.signer(alg)
    assert jws.header == {"alg": alg, "kid": key.kid, "typ": "at+jwt"}
    assert many.verify(token) == many.claims()
    _check_signature(dict(key.public_jwk), alg, jws.signing_input, jws.signature)
    with pytest.raises(InvalidSignature):
        _check_signature(dict(key.public_jwk), alg, jws.signing_input + b"A", jws.signature)
    head, payload, _ = token.split(".")
    flipped = jws.signature[:-1] + bytes([jws.signature[-1] ^ 1])
    for forgery in (flipped, jws.signature[:-1], jws.signature + b"\x00", b"\x00", bytes(len(jws.signature))):
        with pytest.raises(InvalidToken, match="signature does not match"):
            many.verify(f"{head}.{payload}.{encode(forgery)}")
    with pytest.raises(InvalidToken, match="signature does not match"):
        many.verify(f"{head}.{encode(many.claims(sub='evil'))}.{encode(jws.signature)}")


@pytest.mark.case("JO-29")
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_swapped_algorithm(many: Keys, alg: str) -> None:
    """No other algorithm counts under a key, be it over the same signature or truly signed by the key."""
    key = many.ring.signer(alg)
    _, payload, signature = many.tokens.sign(many.claims(), typ="at+jwt", alg=alg).split(".")
    for other in {*ALGORITHMS, "HS256", "none", "Ed25519", alg.lower()} - {alg}:
        header = {"alg": other, "kid": key.kid, "typ": "at+jwt"}
        for token in (f"{encode(header)}.{payload}.{signature}", forge(key, header, many.claims())):
            with pytest.raises(InvalidToken, match="alg is not the one of this key"):
                many.verify(token)


@pytest.mark.case("JO-29")
@pytest.mark.parametrize("alg", ALGORITHMS)
def test_swapped_key(many: Keys, alg: str) -> None:
    """A signature of one of our keys does not count under the kid of another, whatever the header says."""
    for other in set(ALGORITHMS) - {alg}:
        header = {"alg": alg, "kid": many.ring.signer(alg).kid, "typ": "at+jwt"}
        with pytest.raises(InvalidToken, match="signature does not match"):
            many.verify(forge(many.ring.signer(other), header, many.claims()))


@pytest.mark.case("JO-09")
def test_kid_of_an_elliptic_curve_key_with_rs256(many: Keys) -> None:
    """The EC key's kid under RS256 is refused, signed by that key or by the RSA key; both count under their own."""
    for alg in ("ES256", "RS256"):
        key = many.ring.signer(alg)
        assert many.verify(forge(key, {"alg": alg, "kid": key.kid, "typ": "at+jwt"}, many.claims()))
        header = {"alg": "RS256", "kid": many.ring.signer("ES256").kid, "typ": "at+jwt"}
        with pytest.raises(InvalidToken, match="alg is not the one of this key"):
            many.verify(forge(key, header, many.claims()))


@pytest.mark.case("JO-19")
@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512"])
def test_ecdsa_forgeries(many: Keys, alg: str) -> None:
    """r and s of zero, of the order of the curve, at their full size or beyond, and DER are refused."""
    order = {
        "ES256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        "ES384": 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
        "ES512": 2**521 - 0x5AE79787C40D069948033FEB708F65A2FC44A36477663B851449048E16EC79BF7,
    }[alg]
    token = many.tokens.sign(many.claims(), typ="at+jwt", alg=alg)
    message, signature = token.rpartition(".")[0], parse_compact(token).signature
    size = len(signature) // 2
    r, s = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
    pairs = [(0, 0), (order, order), (r, order), (order, s), (r, 0), (0, s), (1, 1), (s, r), (256**size - 1,) * 2]
    forgeries = [a.to_bytes(size) + b.to_bytes(size) for a, b in pairs]
    for forgery in (*forgeries, encode_dss_signature(r, s), signature[:size], b"\x00" + signature + b"\x00"):
        with pytest.raises(InvalidToken, match="signature does not match"):
            many.verify(f"{message}.{encode(forgery)}")
    assert many.verify(f"{message}.{encode(signature)}")


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_header_has_no_other_members(many: Keys, alg: str) -> None:
    """A header with one member more or less than ours is refused under each algorithm, though truly signed."""
    key = many.ring.signer(alg)
    header = {"alg": alg, "kid": key.kid, "typ": "at+jwt"}
    assert many.verify(forge(key, header, many.claims()))
    jwk = dict(key.public_jwk)
    members: list[dict[str, Any]] = [
        {"crit": []},
        {"jwk": jwk},
        {"jku": "https://evil.example"},
        {"b64": True},
        {"x": 1},
    ]
    for extra in members:
        with pytest.raises(InvalidToken, match="members"):
            many.verify(forge(key, header | extra, many.claims()))
    for name in header:
        with pytest.raises(InvalidToken, match="members"):
            many.verify(forge(key, {n: v for n, v in header.items() if n != name}, many.claims()))


def test_types_and_rotations_are_apart() -> None:
    """The header is the right one for each algorithm, type and rotation, though it is kept once made."""
    keys = make_keys(policy=replace(POLICY, algorithms=("ES256", "EdDSA")))
    for turn in range(3):
        for alg in ("ES256", "EdDSA"):
            keys.life.rotate(START + turn, alg)
            keys.ring.refresh()
            for typ in ("at+jwt", "JWT", None, "at+jwt"):
                token = keys.tokens.sign(keys.claims(), typ=typ, alg=alg)
                expected = {"alg": alg, "kid": keys.ring.signer(alg).kid} | ({"typ": typ} if typ else {})
                assert parse_compact(token).header == expected
                assert keys.verify(token, expected_typ=typ)
    with pytest.raises(NoSigningKey):
        keys.tokens.sign(keys.claims(), typ=None)
