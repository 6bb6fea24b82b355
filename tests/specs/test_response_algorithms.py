"""OIDC Core §10: ID Tokens and UserInfo are signed and encrypted as the client registered, and only as it may."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from idp.jose.encryption import ENCRYPTION_ALGS
from idp.outbound.outbox import DeliveryFailed
from idp.protocol.errors import InvalidClientMetadata
from idp.stores.sql.storage import SqlStorage
from tests.attacks.cases import lasting
from tests.attacks.oracle import assert_challenged, assert_refused, rows
from tests.attacks.test_ss_backchannel import deliver
from tests.jose.conftest import encode
from tests.provider import API, ISSUER, House, claims_of, make_house, response_params
from tests.specs.recipient import HASHES, KEYS, LONG_SECRET, X_KEY, decrypt, read_jws, signed_in

OURS = ("RS256", "PS256", "ES256", "EdDSA")
LEGACY = (*HASHES, "none")
# RFC 7518 §3.1; Ed25519 hashes with SHA-512 (RFC 8032 §5.1).
HASH_OF = {"RS256": "sha256", "HS256": "sha256", "HS384": "sha384", "HS512": "sha512", "EdDSA": "sha512"}


def check(house: House, **metadata: Any) -> dict[str, Any]:
    """Return metadata as it would be stored."""
    return house.server.registry.check_client_metadata(metadata, house.server.settings)


def half(value: str, name: str) -> str:
    """Return the left half of a hash as OIDC Core §3.1.3.6 has it."""
    whole = hashlib.new(name, value.encode()).digest()
    return base64.urlsafe_b64encode(whole[: len(whole) // 2]).rstrip(b"=").decode()


@pytest.mark.requirement("OIDC Core 1.0", "10.1")
@pytest.mark.requirement("OIDC Core 1.0", "3.1.3.6")
@pytest.mark.parametrize("alg", [*OURS, *LEGACY])
def test_id_token_is_signed_as_registered(house: House, alg: str) -> None:
    """From the code and from a refresh; `at_hash` uses the algorithm's hash, and there is none without a signature."""
    profile = "oidc_legacy" if alg in LEGACY else "strict"
    house.add_client("it", id_token_signed_response_alg=alg, profile=profile, secret=LONG_SECRET)
    tokens = signed_in(house, "it")
    later = house.browser().refresh(tokens["refresh_token"], "it", secret=LONG_SECRET).json()
    for answer in (tokens, later):
        header, claims = read_jws(house, answer["id_token"], alg)
        assert ("kid" in header) is (alg in OURS)
        assert (claims["iss"], claims["aud"]) == (ISSUER, "it")
        hashed = half(answer["access_token"], HASH_OF.get(alg, "sha256"))
        assert claims.get("at_hash") == (None if alg == "none" else hashed)
        read_jws(house, answer["access_token"], alg if alg in OURS else "RS256")


@pytest.mark.requirement("RFC 9068", "4")
def test_access_tokens_for_resources_are_rs256(house: House) -> None:
    """Every resource server understands it; only a token that we alone read goes by the client's own algorithm."""
    house.add_client("it", id_token_signed_response_alg="ES256")
    tokens = house.browser().tokens("it", resource=API, scope="openid api.read")
    read_jws(house, tokens["access_token"], "RS256")
    read_jws(house, tokens["id_token"], "ES256")


@pytest.mark.requirement("OIDC Registration 1.0", "2")
@pytest.mark.case("JO-28")
@pytest.mark.parametrize("kind", ["id_token", "userinfo"])
@pytest.mark.parametrize("alg", [*LEGACY, "RS1", "RS512", "ES256K", "None", "rs256", "", 7, ["RS256"], {}, True])
def test_algorithms_that_are_refused(house: House, kind: str, alg: object) -> None:
    """The older dialects under the strict profile, what we have no keys for, and what is no algorithm."""
    with pytest.raises(InvalidClientMetadata):
        check(house, **{f"{kind}_signed_response_alg": alg})
    with pytest.raises(InvalidClientMetadata):
        check(house, **{f"{kind}_signed_response_alg": alg, "profile": "strict"})


@pytest.mark.parametrize("kind", ["id_token", "userinfo"])
def test_a_public_client_has_no_secret_to_sign_with(house: House, kind: str) -> None:
    """Its "secret" would be known to all; unsigned and signed by us are what is left."""
    public = {"profile": "oidc_legacy", "token_endpoint_auth_method": "none"}
    for alg in HASHES:
        with pytest.raises(InvalidClientMetadata):
            check(house, **public, **{f"{kind}_signed_response_alg": alg})
    for alg in ("none", "ES256"):
        assert check(house, **public, **{f"{kind}_signed_response_alg": alg})[f"{kind}_signed_response_alg"] == alg


@pytest.mark.requirement("OIDC Core 1.0", "2")
@pytest.mark.parametrize("kind", ["id_token", "id_token token", "code id_token", "code id_token token"])
def test_no_unsigned_id_token_in_front(house: House, kind: str) -> None:
    """What the browser carries needs its signature; `code token` brings no ID Token there."""
    unsigned: dict[str, Any] = {"id_token_signed_response_alg": "none", "profile": "oidc_legacy"}
    grants = ["authorization_code", "implicit"]
    with pytest.raises(InvalidClientMetadata, match="authorization endpoint"):
        check(house, **unsigned, grant_types=grants, response_types=["code", kind])
    assert check(house, **unsigned, grant_types=grants, response_types=["code", "code token"])
    assert check(house, profile="oidc_legacy", userinfo_signed_response_alg="none", response_types=["code", kind])


@pytest.mark.parametrize("alg", ["HS256", "ES256"])
def test_hybrid_flow_hashes_by_the_algorithm(house: House, alg: str) -> None:
    """The ID Token in front is signed the same way, and bound to its code and access token."""
    house.add_client(
        "it",
        secret=LONG_SECRET,
        profile="oidc_legacy",
        response_types=["code id_token token"],
        grant_types=["authorization_code", "implicit"],
        id_token_signed_response_alg=alg,
    )
    browser = house.browser()
    page = browser.sign_in(browser.follow(browser.authorize("it", response_type="code id_token token")))
    members = dict(pair.split("=", 1) for pair in page.headers["location"].partition("#")[2].split("&"))
    _, claims = read_jws(house, members["id_token"], alg)
    assert claims["c_hash"] == half(members["code"], "sha256")
    assert claims["at_hash"] == half(members["access_token"], "sha256")


@pytest.mark.requirement("OIDC Core 1.0", "10.2")
@pytest.mark.parametrize("signed", ["RS256", "EdDSA", "HS256", "none"])
def test_id_token_is_signed_and_then_encrypted(house: House, signed: str) -> None:
    """A JWS in a JWE, said so by `cty` (OIDC Core §16.14); without `enc` it is A128CBC-HS256."""
    encrypted: dict[str, Any] = {"id_token_encrypted_response_alg": "RSA-OAEP-256", "jwks": KEYS}
    house.add_client("it", secret=LONG_SECRET, profile="oidc_legacy", id_token_signed_response_alg=signed, **encrypted)
    tokens = signed_in(house, "it")
    header, inner = decrypt(tokens["id_token"], "RSA-OAEP-256", "A128CBC-HS256")
    assert header["cty"] == "JWT"
    _, claims = read_jws(house, inner, signed)
    assert claims["aud"] == "it"
    hint = house.browser().get("/oauth2/logout", params={"id_token_hint": inner})
    assert hint.status_code == (400 if signed == "none" else 200)


@pytest.mark.requirement("OIDC Registration 1.0", "2")
@pytest.mark.parametrize("kind", ["id_token", "userinfo"])
@pytest.mark.parametrize(
    "members",
    [
        {"enc": "A128GCM"},
        {"alg": "RSA1_5", "jwks": KEYS},
        {"alg": "dir", "jwks": KEYS},
        {"alg": "A128KW", "jwks": KEYS},
        {"alg": "PBES2-HS256+A128KW", "jwks": KEYS},
        {"alg": 7, "jwks": KEYS},
        {"alg": "RSA-OAEP", "enc": "A192GCM", "jwks": KEYS},
        {"alg": "RSA-OAEP", "enc": ["A128GCM"], "jwks": KEYS},
        {"alg": "RSA-OAEP"},
        {"alg": "RSA-OAEP", "jwks": {"keys": KEYS["keys"][1:]}},
        {"alg": "ECDH-ES", "jwks": {"keys": KEYS["keys"][:1]}},
        {"alg": "RSA-OAEP", "jwks": {"keys": [KEYS["keys"][0] | {"use": "sig"}]}},
        {"alg": "RSA-OAEP", "jwks": {"keys": 7}},
        {"alg": "RSA-OAEP", "jwks": 7},
    ],
    ids=lasting,
)
def test_encryption_that_is_refused(house: House, kind: str, members: dict[str, Any]) -> None:
    """`enc` alone, what is not supported, and no key that fits."""
    named = {f"{kind}_encrypted_response_{name}" if name != "jwks" else name: v for name, v in members.items()}
    with pytest.raises(InvalidClientMetadata):
        check(house, **named)


def test_enc_has_its_default_where_there_is_encryption(house: House) -> None:
    """What is stored, and so told to the client, is complete; without encryption there is nothing."""
    stored = check(house, id_token_encrypted_response_alg="ECDH-ES", jwks=KEYS)
    assert stored["id_token_encrypted_response_enc"] == "A128CBC-HS256"
    assert not {name for name in check(house) if "encrypted" in name or "signed_response" in name}


def test_a_key_for_signatures_is_no_key_to_encrypt_to(house: House) -> None:
    """Of two keys the one meant for encryption is used; one of another curve may serve too."""
    keys = {"keys": [X_KEY.as_dict(private=False)]}
    house.add_client("it", secret=LONG_SECRET, id_token_encrypted_response_alg="ECDH-ES+A256KW", jwks=keys)
    token = signed_in(house, "it")["id_token"]
    _, inner = decrypt(token, "ECDH-ES+A256KW", "A128CBC-HS256", X_KEY)
    read_jws(house, inner, "RS256")


@pytest.mark.requirement("OIDC Core 1.0", "5.3.2")
@pytest.mark.parametrize("alg", [*OURS, *LEGACY])
def test_userinfo_is_signed_as_registered(house: House, alg: str) -> None:
    """A JWT with issuer and audience, the same claims, and no type that makes it an ID Token."""
    profile = "oidc_legacy" if alg in LEGACY else "strict"
    house.add_client("it", userinfo_signed_response_alg=alg, profile=profile, secret=LONG_SECRET)
    browser = house.browser()
    tokens = signed_in(house, "it", browser, scope="openid email")
    answer = browser.userinfo(tokens["access_token"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jwt")
    assert answer.headers["cache-control"] == "no-store"
    header, claims = read_jws(house, answer.text, alg)
    assert "typ" not in header
    sub = claims_of(tokens["id_token"])["sub"]
    plain = {"sub": sub, "email": "alice@example.org", "email_verified": True}
    assert claims == plain | {"iss": ISSUER, "aud": "it"}
    # As a hint it says nothing, for it is no ID Token.
    hinted = browser.authorize("it", prompt="none", id_token_hint=answer.text)
    assert response_params(hinted)["error"] == "invalid_request"


@pytest.mark.requirement("OIDC Core 1.0", "5.3.2")
def test_userinfo_is_encrypted_signed_or_not(house: House) -> None:
    """A JWE holds the signed JWT, or the plain JSON where only encryption was registered."""
    encrypted: dict[str, Any] = {
        "userinfo_encrypted_response_alg": "ECDH-ES+A128KW",
        "userinfo_encrypted_response_enc": "A256GCM",
    }
    house.add_client("plain", secret=LONG_SECRET, jwks=KEYS, **encrypted)
    house.add_client("both", secret=LONG_SECRET, jwks=KEYS, userinfo_signed_response_alg="PS256", **encrypted)
    browser = house.browser()
    answers = {}
    for client_id in ("plain", "both"):
        answer = browser.userinfo(signed_in(house, client_id, browser, scope="openid email")["access_token"])
        assert answer.headers["content-type"] == "application/jwt"
        answers[client_id] = decrypt(answer.text, "ECDH-ES+A128KW", "A256GCM")
    header, text = answers["plain"]
    assert "cty" not in header
    assert set(json.loads(text)) == {"sub", "email", "email_verified"}
    header, text = answers["both"]
    assert header["cty"] == "JWT"
    assert read_jws(house, text, "PS256")[1]["aud"] == "both"


@pytest.mark.requirement("OIDC Back-Channel Logout 1.0", "2.4")
@pytest.mark.parametrize("alg", [*OURS, *LEGACY])
@pytest.mark.parametrize("encrypted", [False, True])
def test_logout_tokens_are_protected_as_id_tokens_are(house: House, alg: str, encrypted: bool) -> None:
    """A client that checks them by the same rules accepts them; they are signed in any case."""
    members: dict[str, Any] = {"id_token_signed_response_alg": alg, "backchannel_logout_uri": "https://rp.example/out"}
    if encrypted:
        members |= {"id_token_encrypted_response_alg": "ECDH-ES", "jwks": KEYS}
    house.add_client("it", profile="oidc_legacy", secret=LONG_SECRET, **members)
    browser = house.browser()
    signed_in(house, "it", browser)
    browser.submit(browser.get("/oauth2/logout"))
    ((_, form),) = deliver(house)
    token = form["logout_token"]
    if encrypted:
        _, token = decrypt(token, "ECDH-ES", "A128CBC-HS256")
    header, claims = read_jws(house, token, "RS256" if alg == "none" else alg)
    assert header["typ"] == "logout+jwt"
    assert (claims["aud"], claims["iss"]) == ("it", ISSUER)


def test_a_logout_token_waits_for_a_key(house: House) -> None:
    """It is never sent in the clear to who registered for encryption; the next attempt may find a key."""
    members: dict[str, Any] = {"id_token_encrypted_response_alg": "ECDH-ES", "jwks": KEYS}
    house.add_client("it", secret=LONG_SECRET, backchannel_logout_uri="https://rp.example/out", **members)
    browser = house.browser()
    signed_in(house, "it", browser)
    keep = set_metadata(house, "it", jwks={"keys": []})
    browser.submit(browser.get("/oauth2/logout"))
    with pytest.raises(DeliveryFailed) as failure:
        deliver(house)
    assert failure.value.retry
    set_metadata(house, "it", **keep)
    house.clock.move(600)
    assert len(deliver(house)) == 1


def test_refusals_of_userinfo_stay_json(house: House) -> None:
    """A client that registered for JWTs reads an error as any other does."""
    house.add_client("it", userinfo_signed_response_alg="ES256", secret=LONG_SECRET)
    refused = house.browser().userinfo("no-token")
    assert_challenged(refused, "invalid_token")
    assert refused.headers["content-type"] == "application/json"


@pytest.fixture
def narrowed(house: House) -> House:
    """The same provider, started again without ES256, with a client that still asks for it."""
    house.add_client("it", id_token_signed_response_alg="ES256", userinfo_signed_response_alg="ES256")
    keys = house.server.settings.key_encryption_key_file
    made = make_house(house.storage, keys, keys={"algorithms": ("RS256",)})
    made.clock.at = house.clock.at
    return made


def test_an_algorithm_that_is_out_of_use(narrowed: House) -> None:
    """A refusal that says so, not a fault of the server; a code is spent by it, and nothing is issued."""
    browser = narrowed.browser()
    code = browser.code_flow("it")["code"]
    before = rows(narrowed, "grants", "refresh_tokens")
    assert_refused(browser.exchange(code, "it"), "invalid_request")
    assert rows(narrowed, "grants", "refresh_tokens") == before


def test_a_refused_refresh_costs_nothing(house: House) -> None:
    """Once the client can be answered again, its refresh token still works."""
    house.add_client("it", id_token_encrypted_response_alg="RSA-OAEP", jwks=KEYS, secret=LONG_SECRET)
    refresh_token = signed_in(house, "it")["refresh_token"]
    keep = set_metadata(house, "it", jwks={"keys": []})
    for _ in range(2):
        refused = house.browser().refresh(refresh_token, "it", secret=LONG_SECRET)
        assert_refused(refused, "invalid_request")
    set_metadata(house, "it", **keep)
    assert house.browser().refresh(refresh_token, "it", secret=LONG_SECRET).status_code == 200


def set_metadata(house: House, client_id: str, **changes: Any) -> dict[str, Any]:
    """Change what is stored of a client and return what was there."""
    from dataclasses import replace

    with house.storage.begin() as uow:
        client = uow.clients.find(client_id)
        assert client is not None
        uow.clients.replace(replace(client, metadata={**client.metadata, **changes}))
        return {name: client.metadata[name] for name in changes}


@pytest.mark.case("JO-01")
@pytest.mark.parametrize("alg", [["HS256"], {"HS256": 1}, None, 7, "hs256", "none"])
def test_hints_with_an_algorithm_that_is_none(house: House, alg: object) -> None:
    """Whatever `alg` holds, a hint that we did not sign is refused."""
    claims = {"iss": ISSUER, "sub": "x", "aud": "web", "iat": house.clock.now(), "exp": house.clock.now() + 60}
    hint = f"{encode({'alg': alg, 'typ': 'JWT'})}.{encode(claims)}.{encode(b'x' * 32)}"
    refused = house.browser().authorize(prompt="none", id_token_hint=hint)
    assert response_params(refused)["error"] == "invalid_request"


@pytest.mark.requirement("OIDC Discovery 1.0", "3")
def test_discovery_tells_the_older_dialects_where_all_may_use_them(house: House, tmp_path: Path) -> None:
    """Under the strict profile only what everybody gets; RS256 comes first in any case."""
    storage = SqlStorage(f"sqlite:///{tmp_path}/legacy.sqlite3")
    storage.migrate()
    older = make_house(storage, tmp_path / "other.key", profile="oidc_legacy")
    for kind in ("id_token", "userinfo"):
        name = f"{kind}_signing_alg_values_supported"
        assert document_of(house)[name] == list(OURS)
        assert document_of(older)[name] == [*OURS, *LEGACY]
        assert document_of(house)[f"{kind}_encryption_alg_values_supported"] == list(ENCRYPTION_ALGS)
        assert check(older, **{f"{kind}_signed_response_alg": "HS256"})
        with pytest.raises(InvalidClientMetadata):
            check(older, **{f"{kind}_signed_response_alg": "HS256", "profile": "strict"})
    storage.close()


def document_of(house: House) -> dict[str, Any]:
    """Return the discovery document."""
    found: dict[str, Any] = house.browser().get("/.well-known/openid-configuration").json()
    return found
