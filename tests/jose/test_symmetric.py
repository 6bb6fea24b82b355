"""Tokens under a client's secret, or under nothing: the RFC's examples, plain HMAC and joserfc as judges."""

import hashlib
import hmac
import json
import warnings
from typing import Any

import pytest
from joserfc import jws
from joserfc.errors import SecurityWarning
from joserfc.jwk import OctKey

from idp.jose.compact import InvalidToken, decode_base64url
from idp.jose.foreign import verify_foreign
from idp.jose.symmetric import ShortSecret, secret_jwk, sign_with_secret, unsecured
from tests.jose.conftest import ISSUER, Keys
from tests.jose.fakes import START

CLAIMS = {"iss": ISSUER, "sub": "1", "aud": "web", "iat": START, "exp": START + 300, "name": "ü 😀"}
SECRET = "s" * 63 + "é"
HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}

# RFC 7515 §A.1.1; §A.5 has the same payload.
RFC_PAYLOAD = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
RFC_CLAIMS = {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
RFC_SIGNATURE = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
RFC_SIGNED = f"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{RFC_PAYLOAD}.{RFC_SIGNATURE}"
RFC_KEY = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"


def _sign(alg: str = "HS256", secret: str = SECRET, typ: str | None = "JWT") -> str:
    return sign_with_secret(CLAIMS, secret=secret, alg=alg, typ=typ)


def _header(token: str) -> dict[str, Any]:
    header: dict[str, Any] = json.loads(decode_base64url(token.split(".")[0]))
    return header


def _verify(token: str, secret: str = SECRET, algorithms: tuple[str, ...] = tuple(HASHES)) -> dict[str, Any]:
    return verify_foreign(token, keys=[secret_jwk(secret)], algorithms=algorithms)


@pytest.mark.requirement("OIDC Core", "10.1")
@pytest.mark.parametrize("alg", HASHES)
def test_secret_is_the_key(alg: str) -> None:
    """The MAC is the one over the UTF-8 octets of the secret, by plain HMAC, by joserfc and by our own verifier."""
    token = _sign(alg)
    message, _, signature = token.rpartition(".")
    assert decode_base64url(signature) == hmac.digest(SECRET.encode(), message.encode(), HASHES[alg])
    assert json.loads(jws.deserialize_compact(token, OctKey.import_key(SECRET), algorithms=[alg]).payload) == CLAIMS
    assert _verify(token, algorithms=(alg,)) == CLAIMS
    others = tuple(other for other in HASHES if other != alg)
    for arguments in ({"algorithms": others}, {"secret": SECRET[:-1] + "e"}, {"secret": SECRET + " "}):
        with pytest.raises(InvalidToken):
            _verify(token, **arguments)


@pytest.mark.requirement("RFC 7515", "A.1")
def test_token_of_the_rfc() -> None:
    """The RFC's token verifies under the RFC's key, and not with one bit of it changed."""
    key = {"kty": "oct", "k": RFC_KEY}
    assert verify_foreign(RFC_SIGNED, keys=[key], algorithms=("HS256",)) == RFC_CLAIMS
    for token, k in ((RFC_SIGNED, RFC_KEY.replace("A", "B", 1)), (RFC_SIGNED.replace(".d", ".e"), RFC_KEY)):
        with pytest.raises(InvalidToken, match="signature does not match"):
            verify_foreign(token, keys=[key | {"k": k}], algorithms=("HS256",))


def test_header() -> None:
    """The header names algorithm and type and no key, for there is one secret."""
    assert _header(_sign("HS384")) == {"alg": "HS384", "typ": "JWT"}
    assert _header(_sign(typ=None)) == {"alg": "HS256"}
    assert _header(unsecured(CLAIMS, "JWT")) == {"alg": "none", "typ": "JWT"}


@pytest.mark.requirement("RFC 7518", "3.2")
@pytest.mark.parametrize(("alg", "octets"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
def test_short_secret(alg: str, octets: int) -> None:
    """A secret must have as many octets as the hash; octets count, not characters."""
    for secret in ("s" * octets, "é" * (octets // 2), "-----BEGIN PUBLIC KEY-----".ljust(octets)):
        assert _verify(_sign(alg, secret), secret) == CLAIMS
    for secret in ("s" * (octets - 1), "é" * (octets // 2 - 1) + "s", "s", ""):
        with pytest.raises(ShortSecret, match=alg):
            _sign(alg, secret)


@pytest.mark.parametrize("alg", ["none", "RS256", "ES256", "hs256", "HS1", "HS256 ", ""])
def test_other_algorithm(alg: str) -> None:
    """No algorithm but the three is done under a secret."""
    with pytest.raises(ValueError, match="not HS256"):
        _sign(alg)


def test_payload_that_is_not_json() -> None:
    """NaN and values without a JSON form are never written."""
    for value in (float("nan"), float("inf"), object(), b"bytes"):
        with pytest.raises((TypeError, ValueError)):
            sign_with_secret({"x": value}, secret=SECRET, alg="HS256", typ=None)
        with pytest.raises((TypeError, ValueError)):
            unsecured({"x": value}, None)


@pytest.mark.requirement("RFC 7515", "A.5")
def test_unsecured() -> None:
    """An unsecured token has the RFC's header and an empty signature, and counts where "none" is asked for only."""
    token = unsecured(RFC_CLAIMS, None)
    head, payload, signature = token.split(".")
    assert (head, signature) == ("eyJhbGciOiJub25lIn0", "")
    assert json.loads(decode_base64url(payload)) == json.loads(decode_base64url(RFC_PAYLOAD))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # joserfc deprecates none
        read = jws.deserialize_compact(token, OctKey.import_key(SECRET), algorithms=["none"])
    assert json.loads(read.payload) == RFC_CLAIMS
    for one in (token, f"eyJhbGciOiJub25lIn0.{RFC_PAYLOAD}."):
        assert verify_foreign(one, keys=[], algorithms=("none",)) == RFC_CLAIMS
        with pytest.raises(InvalidToken, match="alg"):
            verify_foreign(one, keys=[secret_jwk(SECRET)], algorithms=tuple(HASHES))
    for signature in ("AA", RFC_SIGNATURE):
        with pytest.raises(InvalidToken, match="there is a signature"):
            verify_foreign(token + signature, keys=[], algorithms=("none",))


@pytest.mark.case("JO-01", "JO-03")
def test_neither_comes_back_as_ours(keys: Keys) -> None:
    """What a client could have made itself is not taken for a token of ours, not even as an expired hint."""
    for token in (_sign(), _sign(typ="at+jwt"), unsecured(CLAIMS, "JWT"), unsecured(CLAIMS, "at+jwt")):
        for typ in ("JWT", "at+jwt", None):
            with pytest.raises(InvalidToken):
                keys.verify(token, expected_typ=typ, allow_expired=True)
