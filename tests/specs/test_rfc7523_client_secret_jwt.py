"""RFC 7523: `client_secret_jwt`, beside `private_key_jwt`, and keys at a `jwks_uri` that come, go and change."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7523 import ClientSecretJWT
from joserfc import jws
from joserfc.jwk import OctKey

from idp.accounts.clients import rotate_secret
from idp.jose.algorithms import ALGORITHMS, OwnKey
from idp.protocol.errors import InvalidClientMetadata
from idp.stores.sql.storage import SqlStorage
from tests.attacks.oracle import assert_refused, unchanged
from tests.attacks.test_ss_backchannel import deliver
from tests.jose.conftest import encode, forge
from tests.outbound.servers import Server, serving
from tests.provider import API, VERIFIER, House, make_house, response_params
from tests.specs.recipient import KEYS as ENCRYPTION_KEYS
from tests.specs.recipient import LONG_SECRET, decrypt, read_jws, signed_in

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_ENDPOINT = "https://idp.example/oauth2/token"
SECRET = "0123456789abcdef" * 4
KEYS = [OwnKey.generate(ALGORITHMS[alg]) for alg in ("RS256", "RS256", "ES256")]
RSA_PUBLIC = dict(KEYS[0].public_jwk)


def register(house: House, client_id: str = "hmac", **more: Any) -> None:
    """Add a machine that authenticates by an HMAC."""
    defaults = {"token_endpoint_auth_method": "client_secret_jwt", "grant_types": ["client_credentials"]}
    house.add_client(client_id, secret=SECRET, **defaults | {"scope": "api.read"} | more)


def claims_for(house: House, client_id: str = "hmac", **changes: Any) -> dict[str, Any]:
    """Return the claims of a good assertion with changes; None leaves a member out."""
    now = house.clock.now()
    good = {"iss": client_id, "sub": client_id, "aud": TOKEN_ENDPOINT, "jti": "1", "iat": now, "exp": now + 60}
    return {name: value for name, value in (good | changes).items() if value is not None}


def by_secret(house: House, secret: str = SECRET, alg: str = "HS256", /, **changes: Any) -> str:
    """Return an assertion made by joserfc with a secret."""
    header, payload = {"alg": alg}, json.dumps(claims_for(house, **changes)).encode()
    return jws.serialize_compact(header, payload, OctKey.import_key(secret), algorithms=[alg])


def send(house: House, assertion: str, **form: str) -> httpx2.Response:
    """Ask for a token by client credentials."""
    house.add_resource()
    fields = {"grant_type": "client_credentials", "resource": API, "scope": "api.read"}
    proof = {"client_assertion_type": TYPE, "client_assertion": assertion}
    return house.browser().post("/oauth2/token", data=fields | proof | form)


def assert_unproven(response: httpx2.Response) -> None:
    """Every failure reads alike (R11)."""
    assert_refused(response, "invalid_client", status=401)
    assert response.json()["error_description"] == "Client authentication failed (RFC 6749 section 5.2)."


@pytest.mark.requirement("RFC 7523", "2.2")
@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("audience", ["https://idp.example", TOKEN_ENDPOINT, [TOKEN_ENDPOINT]])
def test_client_proves_itself_by_its_secret(house: House, alg: str, audience: object) -> None:
    """Without sending it; with and without `client_id` in the body."""
    register(house)
    assert send(house, by_secret(house, SECRET, alg, aud=audience)).status_code == 200
    assert send(house, by_secret(house, SECRET, alg, aud=audience, jti="2"), client_id="hmac").status_code == 200


def test_authlib_signs_in_by_its_secret(house: House) -> None:
    """A client that no one here wrote."""
    register(house)
    house.add_resource()
    client = OAuth2Client(
        "hmac", SECRET, token_endpoint_auth_method="client_secret_jwt", transport=house.browser()._transport
    )
    # Authlib reads the machine's clock.
    import time

    house.clock.at = int(time.time())
    client.register_client_auth_method(ClientSecretJWT(TOKEN_ENDPOINT))
    token = client.fetch_token(TOKEN_ENDPOINT, grant_type="client_credentials", resource=API, scope="api.read")
    assert token["token_type"] == "Bearer"
    client.close()


@pytest.mark.case("TK-39")
def test_assertion_counts_once(house: House) -> None:
    """The same `jti` again is refused, even under another algorithm; another client may use it."""
    register(house)
    register(house, "other")
    assert send(house, by_secret(house)).status_code == 200
    assert_unproven(send(house, by_secret(house)))
    assert_unproven(send(house, by_secret(house, SECRET, "HS512")))
    assert send(house, by_secret(house, iss="other", sub="other")).status_code == 200


@pytest.mark.case("TK-41", "TK-43")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("exp", value) for value in (0, -1, 3_631, None, "soon", True)],
        *[("nbf", 120), ("iat", 120), ("iat", -3_600)],
        *[("jti", None), ("jti", ""), ("iss", None), ("iss", "other"), ("sub", None), ("sub", "web")],
        *[("aud", None), ("aud", "https://other.example"), ("aud", ["https://idp.example", "x"]), ("aud", "hmac")],
    ],
)
def test_claims_that_do_not_fit(house: House, name: str, value: object) -> None:
    """Expired, early, old, missing, or about others."""
    register(house)
    moved = house.clock.now() + value if type(value) is int else value
    with unchanged(house):
        assert_unproven(send(house, by_secret(house, **{name: moved})))


@pytest.mark.case("TK-30", "TK-45")
def test_methods_never_stand_for_each_other(house: House) -> None:
    """Neither the secret for a key, nor a key for the secret, nor the secret itself; nor the public key as a secret."""
    keys = {"keys": [RSA_PUBLIC]}
    register(house, jwks=keys)
    register(house, "rsa", token_endpoint_auth_method="private_key_jwt", jwks=keys)
    register(house, "basic", token_endpoint_auth_method="client_secret_basic")
    mine = {"alg": "RS256", "kid": KEYS[0].kid}
    with unchanged(house):
        assert_unproven(send(house, forge(KEYS[0], mine, claims_for(house))))
        assert_unproven(send(house, by_secret(house, iss="rsa", sub="rsa")))
        assert_unproven(send(house, by_secret(house, iss="basic", sub="basic")))
        for secret in (json.dumps(RSA_PUBLIC), RSA_PUBLIC["n"], f"{KEYS[0].kid}"):
            assert_unproven(send(house, by_secret(house, secret, iss="rsa", sub="rsa")))
            assert_unproven(send(house, by_secret(house, secret)))
        plain = {"grant_type": "client_credentials", "client_id": "hmac", "client_secret": SECRET}
        assert_unproven(house.browser().post("/oauth2/token", data=plain))
        both = send(house, by_secret(house), client_id="hmac", client_secret=SECRET)
        assert_refused(both, "invalid_request")
    assert send(house, forge(KEYS[0], mine, claims_for(house, "rsa"))).status_code == 200


@pytest.mark.case("TK-45")
def test_algorithms_of_an_attacker(house: House) -> None:
    """Unsigned, half signed, under another algorithm than the registered one, or one that is no text."""
    register(house, token_endpoint_auth_signing_alg="HS256")
    good = by_secret(house)
    _, payload, signature = good.split(".")
    with unchanged(house):
        for alg in ("none", ["HS256"], {"a": 1}, None, 7, "hs256"):
            assert_unproven(send(house, f"{encode({'alg': alg})}.{payload}.{signature}"))
        assert_unproven(send(house, f"{encode({'alg': 'none'})}.{payload}."))
        assert_unproven(send(house, f"{encode({'alg': 'HS256'})}.{payload}."))
        assert_unproven(send(house, by_secret(house, SECRET, "HS512")))
        assert_unproven(send(house, good[:-4] + "AAAA"))
        assert_unproven(send(house, good, client_assertion_type="urn:other"))
    assert send(house, good).status_code == 200


@pytest.mark.case("TK-46")
def test_own_tokens_are_no_assertions(house: House) -> None:
    """Not even an ID Token or a UserInfo response that the same secret protects; nor is an assertion a hint."""
    signed = {"id_token_signed_response_alg": "HS256", "userinfo_signed_response_alg": "HS256"}
    grants = ["authorization_code", "client_credentials"]
    register(house, profile="oidc_legacy", grant_types=grants, scope="openid api.read", **signed)
    browser = house.browser()
    form = {"grant_type": "authorization_code", "code": browser.code_flow("hmac")["code"], "code_verifier": VERIFIER}
    tokens = send(house, by_secret(house), redirect_uri="https://rp.example/cb", resource="", scope="", **form).json()
    info = browser.userinfo(tokens["access_token"])
    assert info.headers["content-type"] == "application/jwt"
    with unchanged(house):
        for token in (tokens["id_token"], tokens["access_token"], info.text):
            assert_unproven(send(house, token))
    hint = response_params(browser.authorize("hmac", prompt="none", id_token_hint=by_secret(house, jti="2")))
    assert hint["error"] == "invalid_request"
    assert "code" in response_params(browser.authorize("hmac", prompt="none", id_token_hint=tokens["id_token"]))


@pytest.mark.case("TK-29", "TK-36")
def test_secrets_that_are_wrong_or_rotated_out(house: House) -> None:
    """The old one counts to the end of its grace, as a key too."""
    register(house)
    for wrong in (SECRET[:-1], SECRET + "x", SECRET.upper(), "x" * 64):
        assert_unproven(send(house, by_secret(house, wrong)))
    with house.storage.begin() as uow:
        client = uow.clients.find("hmac")
        assert client is not None
        new = rotate_secret(uow, client, house.clock.now(), 100, house.server.vault)
    assert send(house, by_secret(house, new, "HS512", jti="n")).status_code == 200
    assert send(house, by_secret(house, jti="o")).status_code == 200
    house.clock.move(100)
    assert_unproven(send(house, by_secret(house, jti="p")))
    assert send(house, by_secret(house, new, jti="q")).status_code == 200


@pytest.mark.requirement("OIDC Registration 1.0", "2")
@pytest.mark.parametrize(
    ("method", "alg"),
    [
        ("client_secret_jwt", "RS256"),
        ("client_secret_jwt", "none"),
        ("private_key_jwt", "HS256"),
        ("private_key_jwt", "none"),
        ("private_key_jwt", "RS1"),
        ("client_secret_basic", "HS256"),
        ("client_secret_basic", "RS256"),
        ("none", "RS256"),
        (None, "RS256"),
        (["private_key_jwt"], "RS256"),
        ("private_key_jwt", ["RS256"]),
    ],
)
def test_signing_alg_must_fit_the_method(house: House, method: object, alg: object) -> None:
    """Each method has its own, and the others have none."""
    metadata = {"token_endpoint_auth_method": method, "token_endpoint_auth_signing_alg": alg}
    with pytest.raises(InvalidClientMetadata):
        house.server.registry.check_client_metadata(metadata | {"jwks": {"keys": [RSA_PUBLIC]}}, house.server.settings)


def test_only_a_secret_that_is_a_key_is_kept(house: House) -> None:
    """Sealed, and for no other client."""
    register(house)
    with house.storage.snapshot() as uow:
        found = {name: uow.clients.find(name) for name in ("hmac", "web")}
    kept, other = found["hmac"], found["web"]
    assert kept is not None
    assert other is not None
    assert kept.sealed_secret is not None
    assert SECRET.encode() not in kept.sealed_secret
    assert other.sealed_secret is None


# Keys at a jwks_uri: a real server on loopback, a clock that is set.


class KeyServer:
    """A client's server with its JWK Set, which may change, fail or end."""

    def __init__(self) -> None:
        self.keys: list[OwnKey] = []
        self.status, self.body = "200 OK", b""

    def behave(self, connection: Any, _ending: Any) -> None:
        """Answer with what is there now."""
        body = self.body or json.dumps({"keys": [dict(key.public_jwk) for key in self.keys]}).encode()
        head = f"HTTP/1.1 {self.status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)


@pytest.fixture
def fetching(tmp_path: Path, ready_keys: None) -> Iterator[House]:
    """A provider that may fetch from loopback."""
    storage = SqlStorage(f"sqlite:///{tmp_path}/signet.sqlite3")
    storage.migrate()
    allowed = {"allow_loopback_outbound": True, "allow_loopback_clients": True}
    yield make_house(storage, tmp_path / "key-encryption.key", **allowed)
    storage.close()


@pytest.fixture
def published() -> KeyServer:
    """A server with one key."""
    made = KeyServer()
    made.keys = [KEYS[0]]
    return made


def register_at(house: House, server: Server, client_id: str = "rp") -> None:
    """Add a client whose keys are at a server."""
    method: dict[str, Any] = {"token_endpoint_auth_method": "private_key_jwt", "grant_types": ["client_credentials"]}
    house.add_client(client_id, scope="api.read", jwks_uri=server.url(path=f"/{client_id}"), **method)


_JTI = iter(range(1_000_000))


def by_key(house: House, key: OwnKey, client_id: str = "rp", **header: Any) -> httpx2.Response:
    """Send an assertion that a key signed."""
    claims = claims_for(house, client_id, jti=str(next(_JTI)))
    return send(house, forge(key, {"alg": key.alg, "kid": key.kid} | header, claims))


@pytest.mark.requirement("OIDC Core 1.0", "10.1.1")
def test_keys_are_fetched_once_and_kept(fetching: House, published: KeyServer) -> None:
    """One request for as long as they are fresh; after an hour another."""
    with serving(published.behave) as server:
        register_at(fetching, server)
        for _ in range(3):
            assert by_key(fetching, KEYS[0]).status_code == 200
        assert server.connections == 1
        fetching.clock.move(3_600)
        assert by_key(fetching, KEYS[0]).status_code == 200
        assert server.connections == 2


@pytest.mark.requirement("OIDC Core 1.0", "10.1.1")
@pytest.mark.parametrize("named", [True, False])
def test_a_client_changes_its_keys_within_seconds(fetching: House, published: KeyServer, named: bool) -> None:
    """An unknown `kid`, or a signature that does not match, has the set looked at again; the old key is out then."""
    header = {} if named else {"kid": KEYS[0].kid}
    with serving(published.behave) as server:
        register_at(fetching, server)
        assert by_key(fetching, KEYS[0]).status_code == 200
        published.keys = [KEYS[1]]
        if not named:
            published.body = json.dumps({"keys": [dict(KEYS[1].public_jwk) | header]}).encode()
        fetching.clock.move(3)
        assert by_key(fetching, KEYS[1], **header).status_code == 200
        assert_unproven(by_key(fetching, KEYS[0]))


def test_rubbish_does_not_make_us_fetch(fetching: House, published: KeyServer) -> None:
    """However often someone signs in the client's name with another key, its server is asked every third second."""
    with serving(published.behave) as server:
        register_at(fetching, server)
        assert by_key(fetching, KEYS[0]).status_code == 200
        for _ in range(5):
            assert_unproven(by_key(fetching, KEYS[2]))
        assert server.connections == 1
        fetching.clock.move(3)
        for _ in range(5):
            assert_unproven(by_key(fetching, KEYS[2]))
        assert server.connections == 2
        assert by_key(fetching, KEYS[0]).status_code == 200


@pytest.mark.case("OP-36")
def test_keys_outlive_their_server_for_a_day(fetching: House, published: KeyServer) -> None:
    """While the server fails or is gone the last keys count, for a day; other clients notice nothing."""
    with serving(published.behave) as away, serving(published.behave) as there:
        register_at(fetching, away)
        register_at(fetching, there, "other")
        assert by_key(fetching, KEYS[0]).status_code == 200
        away.close()
        fetching.clock.move(3_600)
        assert by_key(fetching, KEYS[0]).status_code == 200
        assert by_key(fetching, KEYS[0], "other").status_code == 200
        fetching.clock.move(86_400 - 3_600 - 1)
        assert by_key(fetching, KEYS[0]).status_code == 200
        fetching.clock.move(1)
        assert_unproven(by_key(fetching, KEYS[0]))
        assert by_key(fetching, KEYS[0], "other").status_code == 200


@pytest.mark.case("OP-36", "JO-24")
@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("500 Oops", b"{}"),
        ("404 Not Found", b"{}"),
        ("200 OK", b"<html>"),
        ("200 OK", b"[]"),
        ("200 OK", b'{"keys":7}'),
        ("200 OK", b'{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}'),
    ],
)
def test_what_is_no_key_set(fetching: House, published: KeyServer, status: str, body: bytes) -> None:
    """Refused like any unproven client, and mended as soon as the server is."""
    published.status, published.body = status, body
    with serving(published.behave) as server:
        register_at(fetching, server)
        assert_unproven(by_key(fetching, KEYS[0]))
        published.status, published.body = "200 OK", b""
        fetching.clock.move(10)
        assert by_key(fetching, KEYS[0]).status_code == 200
        assert server.connections <= 4


@pytest.mark.requirement("OIDC Core 1.0", "10.2.1")
def test_responses_are_encrypted_to_a_key_at_the_address(fetching: House, published: KeyServer) -> None:
    """The provider fetches it when the token is due; one published late is found by the next attempt."""
    fetching.add_account("alice")
    with serving(published.behave) as server:
        encrypted: dict[str, Any] = {"id_token_encrypted_response_alg": "RSA-OAEP-256", "jwks_uri": server.url()}
        encrypted["backchannel_logout_uri"] = "https://rp.example/out"
        fetching.add_client("enc", secret=LONG_SECRET, **encrypted)
        published.keys = [KEYS[2]]
        browser = fetching.browser()
        refused = browser.exchange(browser.code_flow("enc")["code"], "enc", secret=LONG_SECRET)
        assert_refused(refused, "invalid_request")
        published.body = json.dumps(ENCRYPTION_KEYS).encode()
        fetching.clock.move(3)
        token = signed_in(fetching, "enc", browser)["id_token"]
        _, inner = decrypt(token, "RSA-OAEP-256", "A128CBC-HS256")
        assert read_jws(fetching, inner, "RS256")[1]["aud"] == "enc"
        browser.get("/oauth2/logout", params={"id_token_hint": inner})
        # As after a restart: the worker fetches the keys by itself.
        fetching.server.documents._entries.clear()
        ((_, form),) = deliver(fetching)
        decrypt(form["logout_token"], "RSA-OAEP-256", "A128CBC-HS256")


def test_the_address_in_a_header_is_never_fetched(fetching: House, published: KeyServer) -> None:
    """Nor is the address of the keys of a client that proves itself by its secret."""
    with serving(published.behave) as server, serving(published.behave) as canary:
        register_at(fetching, server)
        assert_unproven(by_key(fetching, KEYS[1], jku=canary.url(), x5u=canary.url()))
        register(fetching)
        register(fetching, "hmac2", jwks_uri=canary.url())
        assert send(fetching, by_secret(fetching, iss="hmac2", sub="hmac2")).status_code == 200
        assert_unproven(send(fetching, by_secret(fetching, "x" * 64, iss="hmac2", sub="hmac2")))
        assert canary.connections == 0
