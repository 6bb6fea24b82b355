"""Every algorithm of the table: what it signs is verified by joserfc, comes back from its DER, and by no other."""

import warnings
from functools import cache

import pytest
from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import import_key

from idp.jose.algorithms import ALGORITHMS, DEFAULT_ALGORITHM, OwnKey
from tests.jose.conftest import forge

EXPECTED = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


@cache
def _key(name: str) -> OwnKey:
    return OwnKey.generate(ALGORITHMS[name])


def test_table() -> None:
    """The table has the asymmetric algorithms and the default first; nothing unsigned or symmetric is in it."""
    assert tuple(ALGORITHMS) == EXPECTED
    assert next(iter(ALGORITHMS)) == DEFAULT_ALGORITHM


@pytest.mark.requirement("RFC 7518", "3.1")
@pytest.mark.parametrize("name", EXPECTED)
def test_an_independent_verifier_accepts(name: str) -> None:
    """A verifier that has the published JWK only, and asks for the algorithm by its registered name, accepts."""
    key = _key(name)
    token = forge(key, {"alg": name, "kid": key.kid}, {"sub": "s"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # joserfc deprecates the name EdDSA
        verified = jws.deserialize_compact(token, import_key(dict(key.public_jwk)), algorithms=[name])
    assert verified.payload == b'{"sub":"s"}'
    assert key.public_jwk["alg"] == name
    assert key.public_jwk.get("crv") == ALGORITHMS[name].curve


@pytest.mark.parametrize("name", EXPECTED)
def test_key_comes_back(name: str) -> None:
    """A key that was stored signs as before, and its published form holds no private member."""
    key = _key(name)
    again = OwnKey.parse(ALGORITHMS[name], key.private_der())
    assert (again.kid, again.public_jwk) == (key.kid, key.public_jwk)
    signature = again.sign(b"message")
    assert key.verify(b"message", signature)
    assert not key.verify(b"massage", signature)
    assert not key.verify(b"message", signature[:-1] + bytes([signature[-1] ^ 1]))
    assert not key.verify(b"message", b"")
    assert not {"d", "p", "q", "dp", "dq", "qi"} & key.public_jwk.keys()


@pytest.mark.requirement("RFC 7518", "3.5")
def test_pss_and_pkcs1_are_apart() -> None:
    """One RSA key under two algorithms gives signatures that do not pass for each other."""
    der = _key("RS256").private_der()
    keys = [OwnKey.parse(ALGORITHMS[name], der) for name in EXPECTED[:6]]
    for signer in keys:
        accepting = [key.alg for key in keys if key.verify(b"message", signer.sign(b"message"))]
        assert accepting == [signer.alg]


@pytest.mark.requirement("RFC 7518", "3.4")
@pytest.mark.parametrize(("name", "octets"), [("ES256", 64), ("ES384", 96), ("ES512", 132), ("EdDSA", 64)])
def test_signature_has_a_fixed_length(name: str, octets: int) -> None:
    """A signature is two numbers at their full size, and neither zeros nor DER pass for one."""
    key = _key(name)
    assert {len(key.sign(bytes([number]))) for number in range(20)} == {octets}
    for forgery in (bytes(octets), b"\x30\x06\x02\x01\x00\x02\x01\x00"):
        assert not key.verify(b"message", forgery)


def test_eddsa_is_ed25519_only() -> None:
    """The implementation behind EdDSA refuses the other curves of its key type."""
    model = ALGORITHMS["EdDSA"].model()
    with pytest.raises(JoseError):
        model.check_key(import_key({"kty": "OKP", "crv": "X25519", "x": "A" * 42 + "E"}))
