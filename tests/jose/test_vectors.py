"""The published vectors of RFC 7515 and RFC 7638."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import RSAKey

from idp.jose.algorithms import ALGORITHMS, OwnKey
from idp.jose.compact import parse_compact, parse_object

VECTORS = Path(__file__).parent.parent / "vectors"


def _vector(name: str) -> dict[str, Any]:
    vector: dict[str, Any] = json.loads((VECTORS / name).read_text())
    return vector


def _private_key(jwk: dict[str, str]) -> rsa.RSAPrivateKey:
    key = RSAKey.import_key(dict(jwk)).private_key
    assert key is not None
    return key


@pytest.mark.requirement("RFC 7638", "3.1")
def test_thumbprint_of_the_rfc() -> None:
    """A JWK has the thumbprint that the RFC computes for it, whatever other members it has."""
    vector = _vector("RFC7638-section-3.1.json")
    assert RSAKey.import_key(vector["jwk"]).thumbprint() == vector["thumbprint"]


@pytest.mark.requirement("RFC 7638", "3.2")
def test_kid_is_the_thumbprint_of_the_public_members() -> None:
    """Our kid is the thumbprint that a third party computes from the published key."""
    key = OwnKey.generate(ALGORITHMS["RS256"])
    public = {name: key.public_jwk[name] for name in ("kty", "n", "e")}
    assert RSAKey.import_key(public).thumbprint() == key.kid == key.public_jwk["kid"]


@pytest.mark.requirement("RFC 7515", "A.2")
def test_signature_of_the_rfc() -> None:
    """The RFC's key, payload and header give the RFC's signature, and it verifies."""
    vector = _vector("RFC7515-appendix-A.2.json")
    key = OwnKey(ALGORITHMS["RS256"], _private_key(vector["jwk"]))
    jws = parse_compact(vector["compact"])
    assert jws.header == vector["header"]
    assert parse_object(jws.payload, "payload") == vector["payload"]
    assert key.sign(jws.signing_input) == jws.signature
    assert key.verify(jws.signing_input, jws.signature)
    assert not key.verify(jws.signing_input + b"A", jws.signature)
