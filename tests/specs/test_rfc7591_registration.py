"""RFC 7591 and OIDC Registration 1.0: clients register themselves, and are no more than they may be."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.jose.algorithms import ALGORITHMS, OwnKey
from idp.randomness import digest, new_handle
from idp.stores.records import Artifact
from tests.attacks.oracle import assert_challenged, assert_refused, unchanged
from tests.outbound.servers import answer, serving
from tests.provider import House, claims_of
from tests.registering import (
    ADDED,
    CALLBACK,
    PATH,
    audit_names,
    bearer,
    invite,
    register,
    registering,
    send,
    stored,
)

DISCOVERY = "/.well-known/openid-configuration"
KEY = OwnKey.generate(ALGORITHMS["ES256"])
JWKS = {"keys": [dict(KEY.public_jwk)]}
OWN_SCOPES = {"openid", "profile", "email", "address", "phone", "offline_access", "roles"}


@pytest.fixture
def open_house(house: House) -> House:
    """A provider where anyone may register clients."""
    return registering(house, throttle={"registrations": 1000})


@pytest.mark.requirement("RFC 7591", "3.2.1")
@pytest.mark.requirement("OIDC Registration 1.0", "3.2")
def test_client_registers_and_signs_people_in(open_house: House) -> None:
    """Two members are enough; the answer has all that is registered, and the client works from then on."""
    browser = open_house.browser()
    response = send(browser, client_name="New")
    assert response.status_code == 201
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    client = response.json()
    expected = {
        "client_name": "New",
        "redirect_uris": [CALLBACK],
        "application_type": "web",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
        "client_id_issued_at": open_house.clock.now(),
        "client_secret_expires_at": 0,
        "registration_client_uri": f"https://idp.example{PATH}/{client['client_id']}",
    }
    assert expected.items() <= client.items()
    assert set(client["scope"].split()) == OWN_SCOPES
    assert min(len(client[name]) for name in ("client_secret", "registration_access_token")) >= 43
    page = browser.follow(browser.authorize(client["client_id"], redirect_uri=CALLBACK))
    consent = browser.sign_in(page)
    assert 'id="consent-allow"' in consent.text
    location = browser.submit(consent, action="allow").headers["location"]
    assert location.startswith(f"{CALLBACK}?code=")
    code = location.partition("code=")[2].partition("&")[0]
    form = {"redirect_uri": CALLBACK, "secret": client["client_secret"]}
    tokens = browser.exchange(code, client["client_id"], **form).json()
    assert claims_of(tokens["id_token"])["aud"] == client["client_id"]
    with open_house.storage.snapshot() as uow:
        (event,) = [event for event in uow.audit.list(limit=1000) if event.name == "client.registered"]
    assert (event.client_id, event.address) == (client["client_id"], "testclient")


@pytest.mark.requirement("RFC 7591", "3.2.1")
@pytest.mark.requirement("OIDC Registration 1.0", "3.1")
def test_secrets_are_kept_as_digests(open_house: House) -> None:
    """Neither the secret nor the token of a client is in its record."""
    client = register(open_house.browser())
    kept = stored(open_house, client)
    assert kept is not None
    assert kept.first_party is False
    assert kept.secret_hash == digest(client["client_secret"])
    assert kept.registration_token_hash == digest(client["registration_access_token"])
    assert client["client_secret"] not in repr(kept)
    assert client["registration_access_token"] not in repr(kept)


@pytest.mark.requirement("RFC 7591", "2")
@pytest.mark.parametrize(
    ("method", "members", "has_secret"),
    [
        ("client_secret_basic", {}, True),
        ("client_secret_post", {}, True),
        ("client_secret_jwt", {}, True),
        ("none", {}, False),
        ("private_key_jwt", {"jwks": JWKS}, False),
        ("private_key_jwt", {"jwks_uri": "https://new.example/jwks.json"}, False),
    ],
)
def test_secret_goes_with_the_method(open_house: House, method: str, members: dict[str, Any], has_secret: bool) -> None:
    """`client_secret` and `client_secret_expires_at` are there together, or neither is."""
    client = register(open_house.browser(), token_endpoint_auth_method=method, **members)
    assert ("client_secret" in client, "client_secret_expires_at" in client) == (has_secret, has_secret)
    assert members.items() <= client.items()


@pytest.mark.requirement("OIDC Discovery 1.0", "3")
@pytest.mark.parametrize(("mode", "there"), [("off", False), ("token", True), ("open", True)])
def test_discovery_tells_whether_there_is_registration(house: House, mode: str, there: bool) -> None:
    """The endpoint is advertised where someone may use it."""
    document = registering(house, registration=mode).browser().get(DISCOVERY).json()
    assert document.get("registration_endpoint") == (f"https://idp.example{PATH}" if there else None)


@pytest.mark.case("CR-01")
def test_registration_is_off_by_default(house: House) -> None:
    """Nobody registers, whatever they bring, and the answer says why."""
    browser = house.browser()
    with unchanged(house):
        for token in (None, "x"):
            response = send(browser, token)
            assert_challenged(response, "invalid_token")
            assert "off" in response.json()["error_description"]


@pytest.mark.requirement("RFC 7591", "1.2")
@pytest.mark.requirement("RFC 6750", "3.1")
def test_initial_access_token_lets_one_client_in(house: House) -> None:
    """Once; a request that is refused for its metadata leaves it good."""
    closed = registering(house, registration="token")
    token = invite(closed)
    browser = closed.browser()
    assert_challenged(send(browser), None)
    assert_refused(send(browser, token, redirect_uris=["http://new.example/cb"]), "invalid_redirect_uri")
    assert send(browser, token).status_code == 201
    assert_challenged(send(browser, token), "invalid_token")
    assert {"client.registered", "client.registration_refused"} <= set(audit_names(closed))


@pytest.mark.requirement("RFC 7591", "3")
def test_initial_access_token_is_judged_strictly(house: House) -> None:
    """Unknown, empty, expired, of another scheme, in the query, sent twice, or made for another purpose."""
    closed = registering(house, registration="token")
    expired, other = invite(closed, seconds=60), new_handle()
    with closed.storage.begin() as uow:
        uow.artifacts.add(
            Artifact(kind="interaction", handle_hash=digest(other), payload={}, created_at=0, expires_at=2_000_000_000)
        )
    access_token = closed.browser().tokens()["access_token"]
    closed.clock.move(60)
    browser = closed.browser()
    good = invite(closed)
    with unchanged(closed):
        for token in ("unknown", "", expired, other, access_token, good + "x", good[:-1], good.upper()):
            assert_challenged(send(browser, token), "invalid_token")
        basic = browser.post(PATH, json={"redirect_uris": [CALLBACK]}, headers={"authorization": f"Basic {good}"})
        assert_challenged(basic, None)
        query = browser.post(f"{PATH}?access_token={good}", json={"redirect_uris": [CALLBACK]})
        assert query.status_code == 400
    assert send(browser, good).status_code == 201


def test_racing_registrations_with_one_token(any_house: House) -> None:
    """Eight at once: one client, over every database."""
    closed = registering(any_house, registration="token")
    token = invite(closed)
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: send(closed.browser(), token).status_code, range(8)))
    assert sorted(statuses) == [201, *[401] * 7]
    with closed.storage.snapshot() as uow:
        assert uow.clients.count_registered() == 1


def test_open_registration_ignores_tokens(open_house: House) -> None:
    """A token that is not needed does no harm, and an initial access token is not spent."""
    token = invite(open_house)
    for sent in ("anything", token):
        assert send(open_house.browser(), sent).status_code == 201
    assert send(registering(open_house, registration="token").browser(), token).status_code == 201


ACCEPTED: list[dict[str, Any]] = [
    {"application_type": "web"},
    {"application_type": "native", "redirect_uris": ["http://127.0.0.1/cb", "http://[::1]:1/", "com.example.app:/cb"]},
    {"redirect_uris": [CALLBACK, "https://new.example/two?x=1"]},
    {"client_name": "Käse & Söhne <b>"},
    {"client_name": "متجر"},
    {"client_uri": "https://new.example/"},
    {"logo_uri": "https://cdn.example/logo;a,b.svg?x=1"},
    {"policy_uri": "https://new.example/policy", "tos_uri": "https://other.example/terms"},
    {"contacts": ["ops@new.example", "legal@new.example"]},
    {"jwks": JWKS},
    {"jwks_uri": "https://new.example/jwks.json"},
    {"software_id": "4NRB1-0XZABZI9E6-5SM3R", "software_version": "2.1"},
    {"default_max_age": 0, "require_auth_time": True, "default_acr_values": ["urn:a", "urn:b"]},
    {"initiate_login_uri": "https://new.example/login"},
    {"post_logout_redirect_uris": ["https://new.example/bye"]},
    {"backchannel_logout_uri": "https://new.example/out", "backchannel_logout_session_required": True},
    {"frontchannel_logout_uri": "https://new.example/out", "frontchannel_logout_session_required": True},
    {"grant_types": ["authorization_code", "refresh_token"]},
    {"subject_type": "pairwise"},
    {"scope": "openid email"},
]


@pytest.mark.requirement("RFC 7591", "2")
@pytest.mark.requirement("OIDC Registration 1.0", "2")
@pytest.mark.parametrize("members", ACCEPTED, ids=range(len(ACCEPTED)))
def test_members_are_registered_as_sent(open_house: House, members: dict[str, Any]) -> None:
    """Each is in the answer unchanged, and in the database."""
    client = register(open_house.browser(), **members)
    assert members.items() <= client.items()
    kept = stored(open_house, client)
    assert kept is not None
    assert json.loads(json.dumps(dict(kept.metadata))) == {
        name: value
        for name, value in client.items()
        if name not in ADDED | {"client_secret", "client_secret_expires_at"}
    }


@pytest.mark.requirement("RFC 7591", "2")
@pytest.mark.parametrize(
    ("sent", "registered"),
    [
        ({"scope": "openid admin api.read email"}, {"scope": "openid email"}),
        (
            {"grant_types": ["authorization_code", "client_credentials", "urn:x"]},
            {"grant_types": ["authorization_code"]},
        ),
        ({"grant_types": ["implicit", "authorization_code"]}, {"grant_types": ["authorization_code"]}),
        ({"grant_types": None, "response_types": None}, {"response_types": ["code"]}),
        ({"redirect_uris": [CALLBACK, CALLBACK]}, {"redirect_uris": [CALLBACK]}),
    ],
)
def test_what_is_too_much_is_left_out(open_house: House, sent: dict[str, Any], registered: dict[str, Any]) -> None:
    """And the answer says what there is (§3.2.1)."""
    assert registered.items() <= register(open_house.browser(), **sent).items()


@pytest.mark.requirement("RFC 7591", "2")
@pytest.mark.parametrize(
    "members",
    [
        {"profile": "oidc_legacy"},
        {"first_party": True},
        {"client_id": "chosen"},
        {"client_secret": "chosen"},
        {"registration_access_token": "chosen"},
        {"enabled": False},
        {"client_name#de": "Neu"},
        {"policy_uri#de-CH": "javascript:alert(1)"},
        {"unknown": {"a": [1, None, {"b": 2}]}},
        {"logo_uri": None, "contacts": None, "jwks": None, "default_max_age": None, "scope": None},
    ],
)
def test_members_that_are_not_a_clients_to_set_are_ignored(open_house: House, members: dict[str, Any]) -> None:
    """Unknown ones, those of the operator and of the server, and null."""
    browser = open_house.browser()
    plain, client = register(browser), browser.post(PATH, json={"redirect_uris": [CALLBACK]} | members).json()
    assert client.keys() == plain.keys()
    assert "chosen" not in client.values()
    kept = stored(open_house, client)
    assert kept is not None
    assert (kept.first_party, kept.enabled, kept.value("profile")) == (False, True, None)


def wrong(name: str, *values: object) -> list[tuple[dict[str, Any], str]]:
    """Return cases in which a member has each of these values."""
    return [({name: value}, "invalid_client_metadata") for value in values]


REFUSED: list[tuple[dict[str, Any], str]] = [
    *[
        ({"redirect_uris": uris}, "invalid_redirect_uri")
        for uris in (
            None,
            [],
            [""],
            ["https://new.example/cb#f"],
            ["http://new.example/cb"],
            [CALLBACK, "http://new.example/cb"],
            ["com.example.app:/cb"],
            ["https://new.example/c b"],
            ["https://new.example/" + "x" * 2_000],
            ["https://new.example;script-src/cb"],
        )
    ],
    *[({"redirect_uris": uris}, "invalid_client_metadata") for uris in (CALLBACK, 5, [1], {"a": 1}, [[CALLBACK]])],
    ({"redirect_uris": [f"https://new.example/{n}" for n in range(101)]}, "invalid_client_metadata"),
    ({"application_type": "native", "redirect_uris": ["http://localhost/cb"]}, "invalid_redirect_uri"),
    ({"application_type": "native", "redirect_uris": ["http://new.example/cb"]}, "invalid_redirect_uri"),
    ({"application_type": "Web"}, "invalid_client_metadata"),
    ({"application_type": ["web"]}, "invalid_client_metadata"),
    *[
        ({"client_name": name}, "invalid_client_metadata")
        for name in ("", "  ", 5, ["x"], "x" * 201, "a\u202eb", "a\nb", "a\0b", "\u200b")
    ],
    *[
        ({name: uri}, "invalid_client_metadata")
        for name in ("client_uri", "logo_uri", "policy_uri", "tos_uri", "jwks_uri", "initiate_login_uri")
        for uri in (
            "http://new.example/",
            "javascript:alert(1)",
            "data:image/svg+xml,<svg/>",
            "file:///etc/passwd",
            "gopher://new.example/",
            "//new.example/",
            "https://user@new.example/",
            "https://new.example/#f",
            "https://new.example\\@evil.example/",
            "https://new.example;img-src/*",
            "https://new.example, https://evil.example/",
            "https://nеw.example/",
            "https://new.example/\u202e",
            "https:///x",
            "",
            5,
            ["https://new.example/"],
        )
    ],
    *wrong("contacts", "ops@x", [""], ["a\0"], ["x" * 201], [1], {}),
    *wrong("software_id", "", 1, "a\tb", "x" * 2_001),
    *wrong("default_max_age", -1, 1.5, "60", True, 10**10, [60]),
    *wrong("require_auth_time", "true", 1, []),
    *wrong("default_acr_values", "urn:a", [""], [1]),
    *wrong("token_endpoint_auth_method", "tls", "", 5, ["none"], {}),
    ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
    ({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}}, "invalid_client_metadata"),
    ({"jwks": JWKS, "jwks_uri": "https://new.example/jwks.json"}, "invalid_client_metadata"),
    *wrong("jwks", "x", [], {}, {"keys": {}}, {"keys": [5]}),
    *wrong("grant_types", [], "authorization_code", 5, ["password"]),
    ({"grant_types": ["refresh_token"]}, "invalid_client_metadata"),
    *wrong("response_types", [], "code", ["token"], ["none"], [5]),
    *wrong("response_types", ["code id_token"], ["code", "id_token"]),
    *wrong("scope", "", "admin", 5, ["openid"]),
    ({"frontchannel_logout_uri": "https://other.example/out"}, "invalid_client_metadata"),
    ({"subject_type": "pairwise", "redirect_uris": [CALLBACK, "https://o.example/"]}, "invalid_client_metadata"),
]


@pytest.mark.requirement("RFC 7591", "3.2.2")
@pytest.mark.requirement("OIDC Registration 1.0", "3.3")
@pytest.mark.parametrize(("members", "error"), REFUSED, ids=range(len(REFUSED)))
def test_metadata_that_is_refused(open_house: House, members: dict[str, Any], error: str) -> None:
    """With the code of the standard, and without a trace."""
    with unchanged(open_house):
        response = send(open_house.browser(), **members)
        assert_refused(response, error)
        assert "www-authenticate" not in response.headers


LEGACY = {"grant_types": ["authorization_code", "implicit"]}


@pytest.mark.requirement("OIDC Registration 1.0", "2")
@pytest.mark.parametrize(
    ("members", "accepted"),
    [
        ({"grant_types": ["implicit"], "response_types": ["id_token"]}, True),
        ({"grant_types": ["implicit"], "response_types": ["id_token token"]}, True),
        ({"grant_types": ["implicit"], "response_types": ["token id_token"]}, True),
        (LEGACY | {"response_types": ["code"]}, True),
        (LEGACY | {"response_types": ["code", "id_token", "code id_token token"]}, True),
        ({"grant_types": ["implicit"], "response_types": ["code"]}, False),
        ({"grant_types": ["implicit"], "response_types": ["code id_token"]}, False),
        ({"grant_types": ["implicit"]}, False),
        ({"grant_types": ["authorization_code"], "response_types": ["id_token"]}, False),
        ({"grant_types": ["authorization_code"], "response_types": ["code token"]}, False),
        ({"response_types": ["id_token"]}, False),
        (LEGACY | {"response_types": ["token"]}, False),
        ({"grant_types": ["implicit"], "response_types": ["id_token"], "redirect_uris": ["https://localhost/"]}, False),
    ],
)
def test_response_types_and_grant_types_fit(house: House, members: dict[str, Any], accepted: bool) -> None:
    """The table of §2, where the server admits the older flows; where it does not, none but `code` is accepted."""
    legacy = registering(house, profile="oidc_legacy")
    assert (send(legacy.browser(), **members).status_code == 201) is accepted
    strict = send(registering(house).browser(), **members)
    assert (strict.status_code == 201) is (members == LEGACY | {"response_types": ["code"]})


def test_words_of_a_response_type_have_no_order(house: House) -> None:
    """What is registered as `token id_token` is asked for as `id_token token`."""
    legacy = registering(house, profile="oidc_legacy")
    client = register(legacy.browser(), grant_types=["implicit"], response_types=["token id_token"])
    for asked in ("token id_token", "id_token token"):
        page = legacy.browser().authorize(client["client_id"], redirect_uri=CALLBACK, response_type=asked)
        assert "/login?" in page.headers["location"]


@pytest.mark.requirement("RFC 7591", "3.1")
@pytest.mark.case("CR-22")
@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "", "application/x-www-form-urlencoded", "application/jwt", "application/jsonp", "text/json"],
)
def test_only_json_is_read(open_house: House, content_type: str) -> None:
    """Another media type is refused, whatever the body is; parameters of the right one do not matter."""
    body = json.dumps({"redirect_uris": [CALLBACK]})
    with unchanged(open_house):
        response = open_house.browser().post(PATH, content=body, headers={"content-type": content_type})
        assert_refused(response, "invalid_client_metadata")
    for good in ("application/json", "Application/JSON; charset=utf-8"):
        response = open_house.browser().post(PATH, content=body, headers={"content-type": good})
        assert response.status_code == 201


@pytest.mark.requirement("RFC 7591", "3.1")
@pytest.mark.case("CR-20")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b'{"redirect_uris": ["https://new.example/cb"],}',
        b'{"redirect_uris": ["https://new.example/cb"], "redirect_uris": ["https://evil.example/cb"]}',
        b'{"redirect_uris": ["https://new.example/cb"], "jwks": {"keys": [], "keys": []}}',
        b'{"redirect_uris": ["https://new.example/cb"], "default_max_age": NaN}',
        b'{"redirect_uris": ["https://new.example/cb"]} {}',
        b'\xef\xbb\xbf{"redirect_uris": ["https://new.example/cb"]}',
        b'{"redirect_uris": ["https://new.example/\xff"]}',
        '{"redirect_uris": ["https://new.example/cb"]}'.encode("utf-16"),
        b'{"a": ' + b"[" * 10_000,
        b'{"default_max_age": ' + b"9" * 5_000 + b"}",
        *(
            b'{"redirect_uris": ["https://new.example/cb"], "jwks": {"keys": [{"kty": "new", "x": ' + odd + b"}]}}"
            for odd in (b'"\\ud800"', b'"\\u0000"', b"1e999", b"-Infinity")
        ),
        b'{"redirect_uris": ["https://new.example/cb"], "client_name": "\\ud800"}',
    ],
    ids=range(20),
)
def test_json_has_one_reading(open_house: House, body: bytes) -> None:
    """What parsers could disagree about is refused."""
    with unchanged(open_house):
        response = open_house.browser().post(PATH, content=body, headers={"content-type": "application/json"})
        assert_refused(response, "invalid_client_metadata")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods(open_house: House, method: str) -> None:
    """Clients are made by POST only."""
    response = open_house.browser().request(method, PATH)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.requirement("OIDC Registration 1.0", "2")
def test_default_max_age_acts_as_max_age(open_house: House) -> None:
    """A session that is older leads to the sign-in page again, unless the request says otherwise."""
    browser = open_house.browser()
    client = register(browser, default_max_age=60, redirect_uris=["https://rp.example/cb"])
    client_id = client["client_id"]
    assert "code" in browser.code_flow(client_id)
    open_house.clock.move(59)
    assert "code" in browser.code_flow(client_id, prompt="none")
    open_house.clock.move(1)
    assert browser.code_flow(client_id, prompt="none")["error"] == "login_required"
    assert "code" in browser.code_flow(client_id, prompt="none", max_age="61")
    assert "It has been a while" in browser.follow(browser.authorize(client_id)).text
    plain = register(browser, redirect_uris=["https://rp.example/cb"])["client_id"]
    assert browser.code_flow(plain, prompt="none")["error"] == "consent_required"


@pytest.mark.requirement("OIDC Registration 1.0", "5")
@pytest.mark.case("CR-09")
@pytest.mark.parametrize(
    ("listed", "accepted"),
    [
        (json.dumps([CALLBACK, "https://other.example/cb"]), True),
        (json.dumps(["https://other.example/cb"]), False),
        (json.dumps([]), False),
        (json.dumps({"redirect_uris": [CALLBACK]}), False),
        ("not JSON", False),
        ('["' + "x" * 10_000_000 + '"]', False),
    ],
    ids=range(6),
)
def test_sector_identifier_uri_is_fetched(house: House, listed: str, accepted: bool) -> None:
    """A client whose redirect URIs are not listed there is refused, and an initial access token stays good."""
    fetching = registering(house, registration="token", allow_loopback_outbound=True, allow_loopback_clients=True)
    token, head = invite(fetching), f"HTTP/1.1 200 OK\r\nContent-Length: {len(listed)}\r\n\r\n"
    with serving(answer((head + listed).encode())) as server:
        response = send(fetching.browser(), token, subject_type="pairwise", sector_identifier_uri=server.url())
        assert server.connections == 1
    if accepted:
        assert response.status_code == 201
        assert response.json()["sector_identifier_uri"] == server.url()
    else:
        assert_refused(response, "invalid_client_metadata")
        assert send(fetching.browser(), token).status_code == 201


@pytest.mark.requirement("OIDC Core 1.0", "9")
@pytest.mark.parametrize("where", ["jwks", "jwks_uri"])
def test_client_proves_itself_by_registered_keys(house: House, where: str) -> None:
    """By its keys, or those at its address, a registered client redeems a code."""
    fetching = registering(house, allow_loopback_outbound=True, allow_loopback_clients=True)
    body = json.dumps(JWKS).encode()
    with serving(answer(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)) as server:
        keys: dict[str, Any] = {"jwks": JWKS} if where == "jwks" else {"jwks_uri": server.url()}
        browser = fetching.browser()
        client = register(browser, token_endpoint_auth_method="private_key_jwt", **keys)
        code = browser.code_flow(client["client_id"], redirect_uri=CALLBACK)["code"]
        form = {"code": code, "redirect_uri": CALLBACK, "code_verifier": "v" * 43, "grant_type": "authorization_code"}
        response = browser.post("/oauth2/token", data=form | _assertion(fetching, client["client_id"]))
        assert response.status_code == 200, response.text


def _assertion(house: House, client_id: str) -> dict[str, str]:
    from tests.jose.conftest import forge

    now = house.clock.now()
    claims = {"iss": client_id, "sub": client_id, "aud": "https://idp.example", "jti": "1", "iat": now, "exp": now + 60}
    return {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": forge(KEY, {"alg": "ES256", "kid": KEY.kid}, claims),
    }


@pytest.mark.requirement("RFC 6585", "4")
def test_registrations_are_counted_per_address(house: House) -> None:
    """Refused ones too; another address is not held up, and the window ends by itself."""
    limited = registering(house, throttle={"registrations": 3, "window_seconds": 60})
    browser = limited.browser()
    assert [send(browser, client_name=name).status_code for name in ("a", "", "b", "c")] == [201, 400, 201, 429]
    refused = send(browser)
    assert_refused(refused, "temporarily_unavailable", status=429)
    assert int(refused.headers["retry-after"]) == 60
    assert send(limited.browser(client=("203.0.113.9", 1))).status_code == 201
    limited.clock.move(61)
    assert send(browser).status_code == 201


def test_a_full_server_takes_no_more(house: House) -> None:
    """The operator's own clients do not count; whoever leaves makes room."""
    full = registering(house, most_registered_clients=2)
    browser = full.browser()
    first = register(browser)
    register(browser)
    refused = send(browser)
    assert_refused(refused, "temporarily_unavailable", status=429)
    assert "retry-after" in refused.headers
    left = browser.delete(first["registration_client_uri"], headers=bearer(first["registration_access_token"]))
    assert left.status_code == 204
    assert send(browser).status_code == 201
