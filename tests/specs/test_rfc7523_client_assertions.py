"""RFC 7523: `private_key_jwt`, with good assertions and those of an attacker."""

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from idp.jose.algorithms import ALGORITHMS, OwnKey
from idp.protocol.errors import InvalidClientMetadata
from tests.attacks.oracle import assert_refused, unchanged
from tests.jose.conftest import encode, forge
from tests.provider import SECRET, House

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KEYS = {alg: OwnKey.generate(ALGORITHMS[alg]) for alg in ("RS256", "PS256", "ES256", "EdDSA")}
OTHER = OwnKey.generate(ALGORITHMS["RS256"])
TOKEN_ENDPOINT = "https://idp.example/oauth2/token"


def jwks(*algs: str) -> dict[str, Any]:
    """Return the JWK Set of these keys, as a client publishes it."""
    return {"keys": [dict(KEYS[alg].public_jwk) for alg in algs]}


def register(house: House, client_id: str = "jwtc", **more: Any) -> None:
    """Add a machine that authenticates by its keys."""
    house.add_client(
        client_id,
        **{"token_endpoint_auth_method": "private_key_jwt", "grant_types": ["client_credentials"]}
        | {"jwks": jwks("RS256"), "scope": "api.read"}
        | more,
    )


def assertion(house: House, alg: str = "RS256", key: OwnKey | None = None, /, **changes: Any) -> str:
    """Return a client assertion with changed claims; a change to None leaves a member out."""
    now = house.clock.now()
    claims = {"iss": "jwtc", "sub": "jwtc", "aud": TOKEN_ENDPOINT, "jti": "1", "iat": now, "exp": now + 60} | changes
    key = key or KEYS[alg]
    return forge(key, {"alg": alg, "kid": key.kid}, {name: v for name, v in claims.items() if v is not None})


def send(house: House, token: str, **form: str) -> httpx2.Response:
    """Ask for a token by client credentials."""
    house.add_resource()
    fields = {"grant_type": "client_credentials", "resource": "https://api.example/v1", "scope": "api.read"}
    return house.browser().post(
        "/oauth2/token", data=fields | {"client_assertion_type": TYPE, "client_assertion": token} | form
    )


def _each(name: str, *values: object) -> list[tuple[str, object]]:
    return [(name, value) for value in values]


def assert_unproven(response: httpx2.Response) -> None:
    """Every failure reads alike (R11)."""
    assert_refused(response, "invalid_client", status=401)
    assert response.json()["error_description"] == "Client authentication failed (RFC 6749 section 5.2)."


@pytest.mark.parametrize("alg", list(KEYS))
@pytest.mark.parametrize("audience", ["https://idp.example", TOKEN_ENDPOINT, [TOKEN_ENDPOINT]])
def test_client_proves_itself_by_its_key(house: House, alg: str, audience: object) -> None:
    """Issuer or token endpoint, as text or list of one; with and without `client_id` in the body."""
    register(house, jwks=jwks(*KEYS))
    assert send(house, assertion(house, alg, aud=audience)).status_code == 200
    assert send(house, assertion(house, alg, aud=audience, jti="2"), client_id="jwtc").status_code == 200


@pytest.mark.case("TK-39")
def test_assertion_counts_once(house: House) -> None:
    """The same `jti` again is refused, in a new assertion too; another client may use it."""
    register(house)
    register(house, "jwtd")
    token = assertion(house)
    assert send(house, token).status_code == 200
    assert_unproven(send(house, token))
    house.clock.move(20)
    assert_unproven(send(house, assertion(house)))
    assert send(house, assertion(house, iss="jwtd", sub="jwtd")).status_code == 200


@pytest.mark.case("TK-39")
def test_assertion_of_the_longest_life_stays_spent(house: House) -> None:
    """What was remembered is not swept while the assertion could count."""
    register(house)
    token = assertion(house, iat=None, exp=house.clock.now() + 3_630)
    assert send(house, token).status_code == 200
    house.clock.move(3_629)
    house.storage.sweep(house.clock.now(), 1_000)
    assert_unproven(send(house, token))


@pytest.mark.case("TK-41")
@pytest.mark.parametrize(
    ("name", "offset"),
    [("exp", 0), ("exp", -1), ("exp", 3_631), ("nbf", 120), ("iat", 120), ("iat", -631), ("iat", -3_600)],
)
def test_times_out_of_bounds(house: House, name: str, offset: int) -> None:
    """Expired, too long-lived, not yet valid, issued in the future or long ago."""
    register(house)
    with unchanged(house):
        assert_unproven(send(house, assertion(house, **{name: house.clock.now() + offset})))


@pytest.mark.case("TK-41", "TK-43")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *_each("exp", None, "soon", "1900000000", True, [], float("nan"), float("inf")),
        *_each("iat", "now", True, {}, float("nan")),
        *_each("nbf", "now", False, float("inf")),
        *_each("jti", None, "", 7, [], "x" * 201, "\x00", "\ud800"),
        *_each("iss", None, "other", "", ["jwtc"]),
        *_each("sub", None, "other", "web", "nobody", 7, "\ud800"),
        *_each("aud", None, "", "https://other.example", [], [7], ["https://idp.example", "x"]),
        ("aud", "https://idp.example/"),
        ("aud", {"https://idp.example": 1}),
    ],
)
def test_claims_that_do_not_fit(house: House, name: str, value: object) -> None:
    """Missing, of another type, or about others."""
    register(house)
    with unchanged(house):
        assert_unproven(send(house, assertion(house, **{name: value})))


@pytest.mark.case("TK-43")
def test_parameters_and_key_of_others(house: House) -> None:
    """A wrong or missing type, an assertion about another client, a key of nobody, another `client_id` in the body."""
    register(house)
    register(house, "victim", jwks=jwks("ES256"))
    with unchanged(house):
        assert_unproven(send(house, assertion(house), client_assertion_type="urn:other"))
        assert_unproven(send(house, assertion(house), client_assertion_type=""))
        assert_unproven(send(house, ""))
        assert_unproven(send(house, "a.b.c"))
        assert_unproven(send(house, assertion(house, iss="victim", sub="victim")))
        assert_unproven(send(house, assertion(house, "RS256", OTHER)))
        assert_unproven(send(house, assertion(house), client_id="victim"))
        assert_unproven(send(house, assertion(house, iss="web", sub="web")))


def test_two_methods_at_once(house: House) -> None:
    """An assertion beside a secret is refused before either is judged (RFC 6749 section 2.3)."""
    register(house)
    with unchanged(house):
        assert_refused(send(house, assertion(house), client_id="jwtc", client_secret=SECRET), "invalid_request")
        # The client has no secret, so no secret can stand for its key.
        both = base64.b64encode(f"jwtc:{SECRET}".encode()).decode()
        refused = house.browser().post(
            "/oauth2/token", data={"grant_type": "client_credentials"}, headers={"authorization": f"Basic {both}"}
        )
    assert_unproven(refused)


def test_more_audiences_by_the_profile_only(house: House) -> None:
    """`oidc_legacy` admits an assertion that names others too."""
    register(house, profile="oidc_legacy")
    assert send(house, assertion(house, aud=["https://other.example", TOKEN_ENDPOINT])).status_code == 200


@pytest.mark.case("TK-45")
def test_algorithms_of_an_attacker(house: House) -> None:
    """None, the public key as a secret, and another algorithm than the one registered."""
    register(house, token_endpoint_auth_signing_alg="RS256", jwks=jwks("RS256", "PS256", "ES256"))
    parts = assertion(house).split(".")
    numbers = rsa.RSAPublicNumbers(*(_number(KEYS["RS256"].public_jwk[name]) for name in "en"))
    secret = numbers.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    confused = f"{encode({'alg': 'HS256'})}.{parts[1]}"
    mac = hmac.new(secret, confused.encode(), hashlib.sha256).digest()
    with unchanged(house):
        assert_unproven(send(house, f"{encode({'alg': 'none'})}.{parts[1]}."))
        assert_unproven(send(house, f"{encode({'alg': 'none'})}.{parts[1]}.{parts[2]}"))
        assert_unproven(send(house, f"{confused}.{encode(mac)}"))
        for alg in ("PS256", "ES256"):
            assert_unproven(send(house, assertion(house, alg)))


@pytest.mark.case("TK-46")
def test_own_tokens_are_no_assertions(house: House) -> None:
    """An access token of ours for this client, and claims of an assertion under our own key."""
    register(house)
    granted = send(house, assertion(house)).json()["access_token"]
    with unchanged(house):
        assert_unproven(send(house, granted))
        header, _, _ = granted.split(".")
        assert_unproven(send(house, f"{header}.{assertion(house, jti='2').split('.')[1]}.{granted.split('.')[2]}"))


@pytest.mark.parametrize("typ", ["at+jwt", "logout+jwt"])
@pytest.mark.case("TK-46")
def test_types_of_other_purposes(house: House, typ: str) -> None:
    """Even under the client's own key a token of another type is none (RFC 8725 section 3.11)."""
    register(house)
    claims = json.loads(_decode(assertion(house).split(".")[1]))
    with unchanged(house):
        assert_unproven(send(house, forge(KEYS["RS256"], {"alg": "RS256", "typ": typ}, claims)))
    assert send(house, forge(KEYS["RS256"], {"alg": "RS256", "typ": "JWT"}, claims)).status_code == 200


def _small(bits: int) -> dict[str, str]:
    """Return an RSA key whose modulus has so few bits."""
    return {"kty": "RSA", "e": "AQAB", "n": encode((1 << (bits - 1) | 1).to_bytes(bits // 8))}


RSA = dict(KEYS["RS256"].public_jwk)
BAD_SETS: list[object] = [
    None,
    [],
    {},
    {"keys": {}},
    {"keys": []},
    {"keys": [7]},
    {"keys": [_small(512)]},
    {"keys": [_small(1024)]},
    {"keys": [RSA | {"e": "AQ"}]},
    {"keys": [RSA | {"n": encode((1 << 2047).to_bytes(256))}]},
    {"keys": [dict(KEYS["ES256"].public_jwk) | {"x": encode(b"\x01" * 32)}]},
    {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]},
    *[{"keys": [RSA | {name: "AQAB"}]} for name in ("d", "p", "q")],
    {"keys": [RSA] * 1_000},
]


@pytest.mark.case("JO-24")
@pytest.mark.parametrize("value", BAD_SETS, ids=range(len(BAD_SETS)))
def test_key_sets_that_are_refused(house: House, value: object) -> None:
    """Weak, malformed, private and symmetric keys, too many, and none at all, are told when they are registered."""
    with unchanged(house), pytest.raises(InvalidClientMetadata):
        register(house, jwks=value)


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _number(text: str) -> int:
    return int.from_bytes(_decode(text))
