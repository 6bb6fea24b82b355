"""OIDC Discovery and RFC 8414: the document tells the truth, the JWKS is enough to verify."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc.jwk import OctKey

from idp.stores.sql.storage import SqlStorage
from tests.provider import ISSUER, House, make_house, response_params
from tests.request_objects import ask, encrypt, jwks, key_for, members, providers_key, register, sign, unsigned

DISCOVERY = "/.well-known/openid-configuration"
LONG = "s" * 86


@pytest.mark.requirement("OIDC Discovery 1.0", "4.2")
def test_every_endpoint_is_there(house: House) -> None:
    """Every URL of the document answers, under the issuer."""
    browser = house.browser()
    document = browser.get(DISCOVERY).json()
    urls = {name: url for name, url in document.items() if name.endswith(("_endpoint", "_uri"))}
    assert len(urls) == 7
    for url in urls.values():
        assert url.startswith(ISSUER + "/")
        assert browser.get(url).status_code != 404


@pytest.mark.requirement("RFC 8414", "3.1")
def test_both_addresses_say_the_same(house: House) -> None:
    """One document at two addresses, public and cacheable."""
    browser = house.browser()
    one, other = browser.get(DISCOVERY), browser.get("/.well-known/oauth-authorization-server")
    assert one.content == other.content
    assert one.headers["access-control-allow-origin"] == "*"
    assert "max-age=" in one.headers["cache-control"]
    assert browser.get(DISCOVERY, headers={"if-none-match": one.headers["etag"]}).status_code == 304


def test_advertised_values_work_and_others_do_not(house: House) -> None:
    """What is listed is accepted; its neighbours are refused."""
    browser = house.browser()
    document = browser.get(DISCOVERY).json()
    assert document["response_types_supported"] == ["code"]
    assert document["response_modes_supported"] == ["form_post", "fragment", "query"]
    assert "code" in response_params(browser.sign_in(browser.follow(browser.authorize(response_mode="query"))))
    assert response_params(browser.authorize(response_mode="query.jwt"))["error"] == "invalid_request"
    assert "#code=" in browser.follow(browser.authorize(response_mode="fragment")).headers["location"]
    assert 'name="code"' in browser.authorize(response_mode="form_post").text
    for kind in ("token", "id_token", "code id_token", "none"):
        assert response_params(browser.authorize(response_type=kind))["error"] == "unsupported_response_type"
    assert document["prompt_values_supported"] == ["none", "select_account", "login", "consent"]
    assert set(document["scopes_supported"]) <= set(claims_scopes())
    assert document["claims_parameter_supported"] is True
    for grant_type in document["grant_types_supported"]:
        assert browser.token(grant_type=grant_type).json()["error"] != "unsupported_grant_type"
    assert browser.token(grant_type="implicit").json()["error"] == "unsupported_grant_type"
    assert browser.token(grant_type="password").json()["error"] == "unsupported_grant_type"


@pytest.mark.requirement("OIDC Discovery 1.0", "3")
def test_advertised_request_objects_work_and_others_do_not(house: House) -> None:
    """Each listed algorithm signs or encrypts a request object; its neighbours are refused."""
    document = house.browser().get(DISCOVERY).json()
    for flag in ("request_parameter_supported", "request_uri_parameter_supported", "require_request_uri_registration"):
        assert document[flag] is True
    signing = document["request_object_signing_alg_values_supported"]
    assert "none" not in signing
    for alg in signing:
        keys = jwks("RS256" if alg.startswith("HS") else alg)
        register(house, alg, jwks=keys, request_object_signing_alg=alg, secret=LONG)
        key = OctKey.import_key(LONG) if alg.startswith("HS") else key_for(alg)
        assert _error(house, sign(members(alg, prompt="none"), alg, key), alg) == "login_required"
        assert _error(house, unsigned(members(alg, prompt="none")), alg) == "invalid_request_object"
    register(house)
    ours = {kty: providers_key(house, kty) for kty in ("RSA", "EC")}
    signed = sign(members(prompt="none"))
    for alg in document["request_object_encryption_alg_values_supported"]:
        recipient = ours["RSA" if alg.startswith("RSA") else "EC"]
        for enc in document["request_object_encryption_enc_values_supported"]:
            assert _error(house, encrypt(signed, recipient, alg, enc)) == "login_required"
        assert _error(house, encrypt(signed, recipient, alg, "A192GCM")) == "invalid_request_object"
    for alg, kty in (("RSA-OAEP", "RSA"), ("ECDH-ES+A192KW", "EC")):
        assert _error(house, encrypt(signed, ours[kty], alg)) == "invalid_request_object"
    assert _error(house, None, request_uri="https://x.example") == "invalid_request_uri"


def _error(house: House, token: str | None, client_id: str = "jar", **outside: str) -> str:
    """Return the error that a request object leads to; nobody is signed in, so there is one."""
    return response_params(ask(house.browser(), token, client_id=client_id, **outside))["error"]


def test_unsigned_request_objects_are_told_where_all_may_send_them(tmp_path: Path) -> None:
    """`none` is listed under the server's older profile, and a key that nobody has is not."""
    storage = SqlStorage(f"sqlite:///{tmp_path}/x.sqlite3")
    storage.migrate()
    made = make_house(storage, tmp_path / "kek", profile="oidc_legacy", keys={"decryption_algorithms": []})
    document = made.browser().get(DISCOVERY).json()
    assert "none" in document["request_object_signing_alg_values_supported"]
    assert not [name for name in document if name.startswith("request_object_encryption")]
    register(made)
    outside = {"response_type": "code", "scope": "openid"}
    assert _error(made, unsigned(members(prompt="none")), **outside) == "login_required"
    storage.close()


def claims_scopes() -> list[str]:
    """Return the scopes that the issuer gives meaning to."""
    return ["openid", "profile", "email", "address", "phone", "offline_access", "roles"]


@pytest.mark.requirement("OIDC Core 1.0", "10.1.1")
def test_rotation_is_published_ahead(house: House) -> None:
    """The key that signs after a rotation was in the JWKS before it, and the old one stays."""
    browser = house.browser()
    before = browser.get("/.well-known/jwks.json")
    kids = [key["kid"] for key in before.json()["keys"] if key.get("alg") == "RS256"]
    assert len(kids) == 2
    assert all(set(key) >= {"kid", "kty", "use"} for key in before.json()["keys"])
    assert not any({"d", "p", "q", "k"} & set(key) for key in before.json()["keys"])
    old = browser.tokens()["access_token"]
    house.provider.upkeep._keys.rotate(house.clock.now())
    house.server.keys.refresh()
    after = browser.get("/.well-known/jwks.json")
    assert set(kids) < {key["kid"] for key in after.json()["keys"]}
    assert after.headers["etag"] != before.headers["etag"]
    new = browser.tokens()["access_token"]
    assert {kid_of(old), kid_of(new)} == set(kids)
    assert browser.userinfo(old).status_code == browser.userinfo(new).status_code == 200


def kid_of(token: str) -> str:
    """Return the kid in a token's header."""
    import base64
    import json

    head = token.split(".")[0]
    kid: str = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
    return kid


@pytest.fixture
def house_with_path(tmp_path: Path) -> Iterator[House]:
    """A provider whose issuer has a path."""
    storage = SqlStorage(f"sqlite:///{tmp_path}/x.sqlite3")
    storage.migrate()
    made = make_house(storage, tmp_path / "kek", issuer="https://example.org/oidc")
    made.add_client("web")
    made.add_account("alice")
    yield made
    storage.close()


@pytest.mark.requirement("RFC 8414", "3.1")
def test_issuer_with_a_path(house_with_path: House) -> None:
    """OIDC appends, RFC 8414 inserts, and the whole flow stays under the path."""
    browser = house_with_path.browser()
    inserted = browser.get("https://example.org/.well-known/oauth-authorization-server/oidc")
    appended = browser.get("https://example.org/oidc/.well-known/openid-configuration")
    assert inserted.json() == appended.json()
    assert appended.json()["issuer"] == "https://example.org/oidc"
    page = browser.follow(browser.authorize())
    assert page.url.path == "/oidc/login"
    assert 'href="/oidc/static/' in page.text
    assert response_params(browser.sign_in(page))["iss"] == "https://example.org/oidc"
