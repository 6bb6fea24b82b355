"""CR: clients that register themselves: who may, as what, how many, and what is left when they go (R4, R5, R7, R9)."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.accounts.clients import disable_client, enable_client
from idp.jose.algorithms import ALGORITHMS, OwnKey
from idp.randomness import digest, new_handle
from idp.stores.records import Artifact
from tests.attacks.cases import case
from tests.attacks.oracle import assert_challenged, assert_page, assert_refused, rows, unchanged
from tests.provider import House
from tests.registering import (
    CALLBACK,
    PATH,
    audit_names,
    bearer,
    invite,
    manage,
    metadata_of,
    register,
    registering,
    send,
    stored,
)

RP = "https://rp.example/cb"
KEY = dict(OwnKey.generate(ALGORITHMS["RS256"]).public_jwk)
EC = dict(OwnKey.generate(ALGORITHMS["ES256"]).public_jwk)


@pytest.fixture
def open_house(house: House) -> House:
    """A provider where anyone may register clients."""
    return registering(house, throttle={"registrations": 1000})


@pytest.mark.case("CR-01")
@pytest.mark.parametrize("token", [None, "", "x", "x" * 20_000])
@pytest.mark.parametrize("mode", ["off", "token"])
def test_nobody_registers_uninvited(house: House, mode: str, token: str | None) -> None:
    """Off by default; by token, the token is wanted before anything is read."""
    closed = registering(house, registration=mode) if mode != "off" else house
    with unchanged(house):
        response = send(closed.browser(), token, redirect_uris=["javascript:alert(1)"])
        assert_challenged(response, None if token is None and mode == "token" else "invalid_token")


@pytest.mark.case("CR-02")
def test_initial_access_token_counts_once_and_for_this_alone(house: House) -> None:
    """Spent, expired, made for another purpose; under parallel use too, and on two instances."""
    closed, second = registering(house, registration="token"), registering(house, registration="token")
    spent, late, good = invite(closed), invite(closed, seconds=1), invite(closed)
    assert send(closed.browser(), spent).status_code == 201
    for instance in (closed, second):
        instance.clock.move(1)
    browser = closed.browser()
    tokens = browser.tokens(scope="openid offline_access")
    registered = register(registering(house).browser())
    foreign = [tokens["access_token"], tokens["refresh_token"], tokens["id_token"], registered["client_secret"]]
    for kind in ("interaction", "authorization_code", "logout"):
        foreign.append(new_handle())
        with closed.storage.begin() as uow:
            expires_at, handle_hash = closed.clock.now() + 60, digest(foreign[-1])
            uow.artifacts.add(
                Artifact(kind=kind, handle_hash=handle_hash, payload={}, created_at=0, expires_at=expires_at)
            )
    with unchanged(house):
        for token in (spent, late, registered["registration_access_token"], *foreign):
            assert_challenged(send(browser, token), "invalid_token")
    houses = [closed, second] * 4
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(lambda instance: send(instance.browser(), good).status_code, houses))
    assert statuses == [201, *[401] * 7]


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        case("CR-04", "http://new.example/cb", "web"),
        case("CR-04", "https://localhost/cb", "web"),
        case("CR-04", "https://LOCALHOST:8443/cb", "web"),
        case("CR-04", "https://localhost./cb", "web"),
        case("CR-04", "https://app.localhost/cb", "web"),
        case("CR-04", "https://127.0.0.1/cb", "web"),
        case("CR-04", "https://127.9.9.9/cb", "web"),
        case("CR-04", "https://[::1]/cb", "web"),
        case("CR-04", "https://[::ffff:127.0.0.1]/cb", "web"),
        case("CR-04", "http://127.0.0.1/cb", "web"),
        case("CR-04", "com.example.app:/cb", "web"),
        case("CR-04", "https://new.example/cb#", "web"),
        case("CR-04", "https://new.example/cb#f", "native"),
        case("CR-04", "/cb", "web"),
        case("CR-04", "cb", "native"),
        case("CR-04", "//new.example/cb", "web"),
        case("CR-04", "http://localhost/cb", "native"),
        case("CR-04", "http://127.0.0.2/cb", "native"),
        case("CR-04", "http://new.example/cb", "native"),
        case("CR-04", "app:/cb", "native"),
        case("CR-04", "javascript://com.example.app/%0aalert(1)", "native"),
        case("CR-04", " https://new.example/cb", "web"),
        case("CR-04", "https://new.example:99999/cb", "web"),
        case("CR-04", "https://new.example@evil.example/cb", "web"),
        case("CR-04", "https://evil.example\\@new.example/cb", "web"),
        case("CR-04", "https://new.example/cb?code=x", "web"),
        case("CR-04", "https://*.example/cb", "web"),
    ],
)
def test_redirect_uris_that_are_refused(open_house: House, uri: str, kind: str) -> None:
    """Neither alone nor behind a good one."""
    for uris in ([uri], [CALLBACK, uri]):
        with unchanged(open_house):
            response = send(open_house.browser(), application_type=kind, redirect_uris=uris)
            assert_refused(response, "invalid_redirect_uri")


@pytest.mark.parametrize(
    "members",
    [
        case("CR-12", {"grant_types": ["client_credentials"]}),
        case("CR-12", {"grant_types": ["client_credentials"], "scope": "admin", "redirect_uris": None}),
        case("CR-12", {"response_types": ["token"], "token_endpoint_auth_method": "none"}),
        case("CR-12", {"grant_types": ["implicit"], "response_types": ["id_token token"]}),
        case("CR-12", {"grant_types": ["password"]}),
        case("CR-12", {"scope": "admin"}),
        case("CR-12", {"scope": "api.read"}),
    ],
)
def test_privileges_that_are_refused(open_house: House, members: dict[str, Any]) -> None:
    """What is left of them would be nothing."""
    with unchanged(open_house):
        assert send(open_house.browser(), **members).status_code == 400


@pytest.mark.case("CR-12")
def test_privileges_are_cut(open_house: House) -> None:
    """Asked for beside what may be had, they are not registered, and do not work."""
    browser = open_house.browser()
    client = register(
        browser,
        redirect_uris=[RP],
        grant_types=["authorization_code", "client_credentials"],
        scope="openid admin api.read",
        profile="oidc_legacy",
        first_party=True,
        enabled=True,
    )
    assert (client["grant_types"], client["scope"]) == (["authorization_code"], "openid")
    assert "profile" not in client
    form = {"grant_type": "client_credentials", "resource": "https://api.example/v1", "scope": "api.read"}
    refused = browser.token(client["client_id"], client["client_secret"], **form)
    assert_refused(refused, "unauthorized_client")
    page = browser.sign_in(browser.follow(browser.authorize(client["client_id"], scope="openid admin api.read")))
    assert 'id="consent-allow"' in page.text
    assert "admin" not in page.text
    without_pkce: dict[str, Any] = {"code_challenge": None, "code_challenge_method": None}
    assert "error=invalid_request" in browser.authorize(client["client_id"], **without_pkce).headers["location"]
    public = register(browser, token_endpoint_auth_method="none")
    assert "client_secret" not in public


@pytest.mark.case("CR-14")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_registration_token_of_another_client(open_house: House, method: str) -> None:
    """Is worth nothing, and the answer does not tell whether the client exists."""
    browser = open_house.browser()
    mine, yours = register(browser), register(browser)
    with unchanged(open_house):
        answers = [
            manage(
                browser, method, yours | {"registration_client_uri": uri}, mine["registration_access_token"], json={}
            )
            for uri in (yours["registration_client_uri"], f"{PATH}/web", f"{PATH}/nobody", f"{PATH}/%00", f"{PATH}/é")
        ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(401, answers[0].text)}
    for answer in answers:
        assert_challenged(answer, "invalid_token")


@pytest.mark.case("CR-15")
def test_disabled_client_stays_disabled(open_house: House) -> None:
    """Its token does nothing until an operator lets the client back in."""
    browser = open_house.browser()
    client = register(browser)
    with open_house.storage.begin() as uow:
        found = uow.clients.find(client["client_id"])
        assert found is not None
        disable_client(uow, found, open_house.clock.now())
    with unchanged(open_house):
        for method in ("GET", "PUT", "DELETE"):
            response = manage(browser, method, client, json=metadata_of(client) | {"enabled": True})
            assert_challenged(response, "invalid_token")
    kept = stored(open_house, client)
    assert kept is not None
    assert not kept.enabled
    with open_house.storage.begin() as uow:
        enable_client(uow, kept, open_house.clock.now())
    assert manage(browser, "PUT", client, json=metadata_of(client)).status_code == 200


@pytest.mark.case("CR-16")
@pytest.mark.parametrize("changes", [{"client_id": "web"}, {"client_secret": "c" * 43}, {"client_id": "x"}])
def test_identity_cannot_be_chosen(open_house: House, changes: dict[str, str]) -> None:
    """Neither another client's name nor a secret."""
    browser = open_house.browser()
    client = register(browser)
    with unchanged(open_house):
        assert_refused(manage(browser, "PUT", client, json=metadata_of(client) | changes), "invalid_client_metadata")


@pytest.mark.case("CR-17")
def test_nothing_of_a_removed_client_works(open_house: House) -> None:
    """Codes, access and refresh tokens, pages under way and consents are dead at once, and stay so."""
    browser = open_house.browser()
    grants = ["authorization_code", "refresh_token"]
    client = register(browser, redirect_uris=[RP], grant_types=grants)
    client_id, secret = client["client_id"], client["client_secret"]
    code = browser.code_flow(client_id, scope="openid offline_access")["code"]
    tokens = browser.exchange(code, client_id, secret=secret).json()
    unused = browser.code_flow(client_id)["code"]
    under_way = browser.follow(browser.authorize(client_id, prompt="consent"))
    assert 'id="consent-allow"' in under_way.text
    assert browser.userinfo(tokens["access_token"]).status_code == 200
    assert manage(browser, "DELETE", client).status_code == 204
    assert_challenged(browser.userinfo(tokens["access_token"]), "invalid_token")
    assert_refused(browser.exchange(unused, client_id, secret=secret), "invalid_client", status=401)
    refreshed = browser.refresh(tokens["refresh_token"], client_id, secret=secret)
    assert_refused(refreshed, "invalid_client", status=401)
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert browser.introspect(token) == {"active": False}
    assert_page(browser.submit(under_way, action="allow"))
    assert_page(browser.authorize(client_id))
    assert rows(open_house, "consents")["consents"] == []
    for other in ("web", "evil"):
        assert_refused(browser.exchange(unused, other), "invalid_grant")
    assert "client.removed" in audit_names(open_house)


@pytest.mark.case("CR-18")
def test_registrations_are_bounded(house: House) -> None:
    """Per address, over all instances and a /64 of IPv6; and in all, so that the database stays small."""
    one, two = (registering(house, throttle={"registrations": 5}, most_registered_clients=8) for _ in range(2))
    addresses = [("2001:db8::1", 1), ("2001:db8::2", 1)]
    browsers = [instance.browser(client=address) for instance in (one, two) for address in addresses]
    statuses = [send(browser).status_code for _ in range(5) for browser in browsers]
    assert (statuses.count(201), statuses.count(429)) == (5, 15)
    other = [send(one.browser(client=("203.0.113.9", 1))).status_code for _ in range(10)]
    assert (other.count(201), other.count(429)) == (3, 7)
    with one.storage.snapshot() as uow:
        assert uow.clients.count_registered() == 8


@pytest.mark.case("CR-18")
def test_metadata_are_bounded(open_house: House) -> None:
    """What is too large is turned away before it is read."""
    with unchanged(open_house):
        large = {"redirect_uris": [CALLBACK], "x": "x" * 70_000}
        assert open_house.browser().post(PATH, json=large).status_code == 413


@pytest.mark.case("CR-19")
def test_keys_by_value_and_by_address(open_house: House) -> None:
    """Both at once are refused, when registering and when changing; either alone is good."""
    browser = open_house.browser()
    both: dict[str, Any] = {"jwks": {"keys": [KEY]}, "jwks_uri": "https://new.example/jwks.json"}
    with unchanged(open_house):
        assert_refused(send(browser, **both), "invalid_client_metadata")
        assert_refused(send(browser, **both | {"jwks": {"keys": []}}), "invalid_client_metadata")
    client = register(browser, jwks_uri=both["jwks_uri"])
    body = metadata_of(client) | both
    assert_refused(manage(browser, "PUT", client, json=body), "invalid_client_metadata")
    changed = manage(browser, "PUT", client, json=metadata_of(client, jwks_uri=None, jwks={"keys": [KEY]})).json()
    assert changed["jwks"]["keys"][0]["n"] == KEY["n"]
    assert "jwks_uri" not in changed


@pytest.mark.case("CR-20")
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_member_that_comes_twice(open_house: House, method: str) -> None:
    """Is refused, at any depth, however its name is spelt."""
    browser = open_house.browser()
    client = register(browser)
    url = PATH if method == "POST" else client["registration_client_uri"]
    headers = bearer(client["registration_access_token"]) | {"content-type": "application/json"}
    good, evil = f'["{CALLBACK}"]', '["https://evil.example/cb"]'
    for body in (
        f'{{"redirect_uris": {good}, "redirect_uris": {evil}}}',
        f'{{"redirect_uris": {evil}, "redirect_uris": {good}}}',
        f'{{"redirect_uris": {good}, "redirect\\u005furis": {evil}}}',
        f'{{"redirect_uris": {good}, "jwks": {{"keys": [{{"kty": "RSA", "kty": "oct"}}]}}}}',
    ):
        with unchanged(open_house):
            response = browser.request(method, url, content=body, headers=headers)
            assert_refused(response, "invalid_client_metadata")


@pytest.mark.parametrize(
    "statement",
    [
        case("CR-21", "eyJhbGciOiJub25lIn0.eyJyZWRpcmVjdF91cmlzIjpbImh0dHBzOi8vZXZpbC5leGFtcGxlLyJdfQ."),
        case("CR-21", "eyJhbGciOiJSUzI1NiJ9.eyJzY29wZSI6ImFkbWluIn0.AAAA"),
        case("CR-21", "rubbish"),
        case("CR-21", {"redirect_uris": ["https://evil.example/cb"]}),
    ],
)
def test_software_statements_have_no_effect(open_house: House, statement: object) -> None:
    """As is documented: nothing of them is taken, and the answer does not return them as if it were."""
    browser = open_house.browser()
    client, plain = register(browser, software_statement=statement), register(browser)
    assert client.keys() == plain.keys()
    assert client["redirect_uris"] == [CALLBACK]
    assert client["scope"] == plain["scope"]


@pytest.mark.parametrize(
    "content_type",
    [
        case("CR-22", "text/plain"),
        case("CR-22", "application/x-www-form-urlencoded"),
        case("CR-22", "multipart/form-data; boundary=x"),
        case("CR-22", ""),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_other_media_types(open_house: House, method: str, content_type: str) -> None:
    """A page elsewhere could send these without asking (a simple request, Fetch §2.2.7)."""
    browser = open_house.browser()
    client = register(browser)
    url = PATH if method == "POST" else client["registration_client_uri"]
    headers = bearer(client["registration_access_token"]) | {"content-type": content_type}
    with unchanged(open_house):
        for content in (json.dumps({"redirect_uris": [CALLBACK]}), f"redirect_uris={CALLBACK}"):
            response = browser.request(method, url, content=content, headers=headers)
            assert_refused(response, "invalid_client_metadata")


@pytest.mark.parametrize(
    "key",
    [
        case("JO-24", KEY | {"n": "AQAB"}),
        case("JO-24", KEY | {"n": KEY["n"][:86]}),
        case("JO-24", KEY | {"n": KEY["n"][:171]}),
        case("JO-24", KEY | {"e": "AQ"}),
        case("JO-24", EC | {"x": EC["y"], "y": EC["x"]}),
        case("JO-24", {"kty": "oct", "k": "c2VjcmV0"}),
        *[case("JO-24", KEY | {name: "AQAB"}) for name in ("d", "p", "q", "dp", "dq", "qi", "oth", "k")],
        case("JO-24", EC | {"d": "AQAB"}),
    ],
)
def test_keys_that_are_refused(open_house: House, key: dict[str, Any]) -> None:
    """Weak, malformed, private and symmetric ones, alone and among good ones; and too many."""
    for keys in ([key], [KEY, key]):
        with unchanged(open_house):
            assert_refused(send(open_house.browser(), jwks={"keys": keys}), "invalid_client_metadata")
    many = {"keys": [EC | {"kid": str(n)} for n in range(21)]}
    assert_refused(send(open_house.browser(), jwks=many), "invalid_client_metadata")
