"""Signing and verifying our own tokens, with independent libraries as judges."""

import base64
import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import ECKey, KeySet

from idp.jose.algorithms import Algorithm, OwnKey
from idp.jose.compact import InvalidToken, parse_compact, parse_object
from tests.jose.conftest import ISSUER, Keys
from tests.jose.fakes import START


def test_claims_come_back(keys: Keys) -> None:
    """What is signed verifies and gives the claims back, whatever text they hold."""
    claims = keys.claims(name='ü 😀 "quoted" \\ \n', roles=["a", "b"], nested={"x": [1, 2, {"y": None}]})
    assert keys.verify(keys.tokens.sign(claims, typ="at+jwt")) == claims


@pytest.mark.requirement("RFC 7515", "4.1")
def test_header_has_alg_kid_and_typ(keys: Keys) -> None:
    """The header names the algorithm, the key and the type, and has no typ where none is asked for."""
    kid = keys.ring.signer().kid
    assert parse_compact(keys.token()).header == {"alg": "RS256", "kid": kid, "typ": "at+jwt"}
    assert parse_compact(keys.tokens.sign(keys.claims(), typ=None)).header == {"alg": "RS256", "kid": kid}


def test_joserfc_accepts_what_we_sign(keys: Keys) -> None:
    """joserfc verifies our token with the published JWK Set."""
    key_set = KeySet.import_key_set(json.loads(keys.ring.jwks().body))
    token = joserfc_jwt.decode(keys.token(), key_set, algorithms=["RS256"])
    assert token.claims == keys.claims()


@pytest.mark.requirement("RFC 7518", "3.3")
def test_plain_arithmetic_accepts_what_we_sign(keys: Keys) -> None:
    """The published numbers and RFC 8017 §8.2.2, without any library, verify our token."""
    kid = keys.ring.signer().kid
    jwk = next(key for key in json.loads(keys.ring.jwks().body)["keys"] if key["kid"] == kid)
    message, _, signature = keys.token().rpartition(".")
    modulus, exponent, number = (_to_int(text) for text in (jwk["n"], jwk["e"], signature))
    digest_info = bytes.fromhex("3031300d060960864801650304020105000420") + hashlib.sha256(message.encode()).digest()
    padding = b"\xff" * (256 - 3 - len(digest_info))
    assert pow(number, exponent, modulus).to_bytes(256) == b"\x00\x01" + padding + b"\x00" + digest_info


def _to_int(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=="))


def test_payload_that_is_not_json_is_refused(keys: Keys) -> None:
    """NaN and values without a JSON form are never signed."""
    for value in (float("nan"), float("inf"), object(), b"bytes"):
        with pytest.raises((TypeError, ValueError)):
            keys.tokens.sign({"x": value}, typ="JWT")


@pytest.mark.parametrize("typ", ["JWT", "logout+jwt", "AT+JWT", "application/at+jwt", "", None])
def test_typ_is_exact(keys: Keys, typ: str | None) -> None:
    """A token made for another purpose does not count as an access token."""
    with pytest.raises(InvalidToken):
        keys.verify(keys.tokens.sign(keys.claims(), typ=typ))


def test_token_without_typ_counts_where_none_is_expected(keys: Keys) -> None:
    """None expects that there is no typ, not any."""
    assert keys.verify(keys.tokens.sign(keys.claims(), typ=None), expected_typ=None)
    with pytest.raises(InvalidToken, match="other members"):
        keys.verify(keys.token(), expected_typ=None)


@pytest.mark.parametrize(
    ("aud", "audience", "counts"),
    [
        ("a", "a", True),
        (["b", "a"], "a", True),
        ("a", None, True),
        (["a"], None, True),
        ("a", "b", False),
        ("a ", "a", False),
        ("ab", "a", False),
        (["ab"], "a", False),
        ([], None, False),
        ("", None, False),
        ([""], None, False),
        (["a", 1], "a", False),
        ({"a": 1}, "a", False),
        (7, None, False),
        (True, None, False),
    ],
)
@pytest.mark.requirement("RFC 7519", "4.1.3")
def test_audience(keys: Keys, aud: Any, audience: str | None, *, counts: bool) -> None:
    """The audience is a string or a list of strings, and must name the one that asks."""
    token = keys.token(aud=aud)
    if counts:
        assert keys.verify(token, audience=audience)["aud"] == aud
    else:
        with pytest.raises(InvalidToken, match="aud"):
            keys.verify(token, audience=audience)


def test_missing_audience_is_refused(keys: Keys) -> None:
    """A token for nobody in particular is for nobody."""
    with pytest.raises(InvalidToken, match="aud"):
        keys.verify(keys.token(aud=None))


@pytest.mark.requirement("RFC 7519", "4.1.4")
def test_expiry(keys: Keys) -> None:
    """A token counts until the second before exp, longer by the leeway, and as a hint for ever."""
    token = keys.token()
    assert keys.verify(token, now=START + 299)
    for now in (START + 300, START + 10**9):
        with pytest.raises(InvalidToken, match="expired"):
            keys.verify(token, now=now)
        assert keys.verify(token, now=now, allow_expired=True)
    assert keys.verify(token, now=START + 304, leeway_seconds=5)
    with pytest.raises(InvalidToken, match="expired"):
        keys.verify(token, now=START + 305, leeway_seconds=5)


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_token_from_the_future(keys: Keys, claim: str) -> None:
    """A token that is not valid yet does not count, but for the leeway, and not even as an expired hint."""
    token = keys.token(**{claim: START + 5})
    for arguments in ({}, {"leeway_seconds": 4}, {"allow_expired": True}):
        with pytest.raises(InvalidToken, match=r"future|not valid yet"):
            keys.verify(token, **arguments)
    assert keys.verify(token, leeway_seconds=5)


def test_es256_takes_one_row(keys: Keys) -> None:
    """The table is all that knows an algorithm: a row makes ES256 sign, verify and come back from its DER."""
    row = Algorithm("ES256", ECKey, lambda: ec.generate_private_key(ec.SECP256R1()))
    key = OwnKey.generate(row)
    again = OwnKey.parse(row, key.private_der())
    assert again.kid == key.kid
    assert again.public_jwk.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert key.verify(b"message", again.sign(b"message"))
    # JO-19: the null signature, and one in DER.
    for forgery in (bytes(64), b"\x30\x06\x02\x01\x00\x02\x01\x00", b""):
        assert not key.verify(b"message", forgery)


def test_issuer_is_taken_from_the_caller(keys: Keys) -> None:
    """The same token counts for its issuer only."""
    assert keys.verify(keys.token(), issuer=ISSUER)
    with pytest.raises(InvalidToken, match="iss"):
        keys.verify(keys.token(), issuer="https://other.example")


def test_parse_object_takes_whole_objects_only() -> None:
    """A JSON text that is not one object is refused."""
    assert parse_object(b'{"a":1}', "payload") == {"a": 1}
    for text in (b"", b"[]", b"1", b'"x"', b"null", b"{}x", b"{} {}", b"{'a':1}", b'{"a":1,}'):
        with pytest.raises(InvalidToken):
            parse_object(text, "payload")
