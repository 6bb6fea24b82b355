"""UI: introspection and revocation tell and do nothing for those whom a token does not concern (R5, R11, R16)."""

from typing import Any

import httpx2
import pytest

from tests.attacks.oracle import assert_challenged, assert_refused, unchanged
from tests.attacks.tokens import forge, header_of
from tests.provider import API, SECRET, Browser, House, claims_of

INTROSPECT, REVOKE = "/oauth2/introspect", "/oauth2/revoke"


def post(browser: Browser, path: str, client_id: str = "web", **form: str) -> httpx2.Response:
    """Post a form as a client."""
    return browser.post(path, data=form, auth=(client_id, SECRET))


@pytest.mark.case("UI-08")
@pytest.mark.parametrize(
    ("form", "auth"),
    [
        ({}, None),
        ({"client_id": "web"}, None),
        ({"client_id": "spa"}, None),
        ({"client_id": "pub"}, None),
        ({}, ("spa", "")),
        ({}, ("web", "wrong")),
        ({}, ("nobody", SECRET)),
        ({"client_id": "web", "client_secret": SECRET}, None),
    ],
)
def test_only_a_confidential_client_may_introspect(house: House, form: dict[str, str], auth: Any) -> None:
    """Without client authentication, or by a public client, a token is not looked at."""
    browser = house.browser()
    token = browser.tokens()["access_token"]
    with unchanged(house):
        refused = browser.post(INTROSPECT, data={"token": token} | form, auth=auth)
        assert_refused(refused, "invalid_client", status=401)


@pytest.mark.case("UI-09")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_uninvolved_client_learns_nothing(house: House, kind: str) -> None:
    """To a client that is neither owner nor audience every token is inactive, and that is all it is told."""
    browser = house.browser()
    token = browser.tokens()[kind]
    for client_id in ("evil", "svc", "golden"):
        assert browser.introspect(token, client_id) == {"active": False}
    assert browser.introspect(token)["active"] is True


@pytest.mark.case("UI-09")
def test_resource_server_sees_tokens_meant_for_it_alone(house: House) -> None:
    """The client that serves a resource sees the tokens for it and no others."""
    house.add_resource(API, client_id="svc", **{"api.read": "Read"})
    browser = house.browser()
    meant = browser.tokens(scope="openid api.read", resource=API)["access_token"]
    seen = browser.introspect(meant, "svc")
    assert (seen["active"], seen["aud"], seen["client_id"]) == (True, API, "web")
    assert browser.introspect(browser.tokens()["access_token"], "svc") == {"active": False}


@pytest.mark.case("UI-11")
def test_resource_server_learns_nothing_of_refresh_tokens(house: House) -> None:
    """A refresh token is the client's own; a resource server that got hold of one is told nothing."""
    house.add_resource(API, client_id="svc", **{"api.read": "Read"})
    browser = house.browser()
    token = browser.tokens(scope="openid api.read", resource=API)["refresh_token"]
    assert browser.introspect(token, "svc") == {"active": False}
    assert browser.introspect(token)["active"] is True


@pytest.mark.case("UI-10")
@pytest.mark.parametrize("path", [INTROSPECT, REVOKE])
@pytest.mark.parametrize(
    ("token", "status"),
    [
        ("", 400),
        ("\0", 400),
        ("x" * 20_000, 400),
        ("x" * 1_000_000, 413),
        ("' OR 1=1--", 200),
        ("😀", 200),
        ("." * 1_000, 200),
        ("eyJhbGciOiJub25lIn0.e30.", 200),
        ("[" * 1_000, 200),
    ],
)
def test_token_that_is_none(house: House, path: str, token: str, status: int) -> None:
    """A text that cannot be a token is refused or inactive, never a fault."""
    with unchanged(house):
        answer = post(house.browser(), path, token=token)
    assert answer.status_code == status
    if status == 200:
        assert answer.text == ('{"active":false}' if path == INTROSPECT else "")
    else:
        assert_refused(answer, "invalid_request", status=status)


@pytest.mark.case("UI-10")
def test_token_of_another_issuer_is_inactive(house: House) -> None:
    """A well-formed token that someone else signed is inactive."""
    browser = house.browser()
    token = browser.tokens()["access_token"]
    foreign = forge(header_of(token), claims_of(token) | {"iss": "https://other.example"})
    assert browser.introspect(foreign) == {"active": False}


@pytest.mark.case("UI-13")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_foreign_token_cannot_be_revoked(house: House, kind: str) -> None:
    """Another client's try leaves the token alive, and reads as if there had been none."""
    browser = house.browser()
    tokens = browser.tokens()
    with unchanged(house):
        for client_id in ("evil", "svc"):
            tried, unknown = (post(browser, REVOKE, client_id, token=text) for text in (tokens[kind], "nothing"))
            assert (tried.status_code, tried.content) == (unknown.status_code, unknown.content) == (200, b"")
            assert {*tried.headers} == {*unknown.headers}
    assert browser.userinfo(tokens["access_token"]).status_code == 200
    assert browser.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.case("UI-14")
def test_revoked_refresh_token_takes_its_access_tokens_along(house: House) -> None:
    """Giving back a refresh token ends every access token of its grant; other grants live on."""
    browser = house.browser()
    first, other = browser.tokens(), browser.tokens()
    second = browser.refresh(first["refresh_token"]).json()
    assert post(browser, REVOKE, token=second["refresh_token"]).status_code == 200
    for tokens in (first, second):
        assert_challenged(browser.userinfo(tokens["access_token"]), "invalid_token")
        assert_refused(browser.refresh(tokens["refresh_token"]), "invalid_grant")
    assert browser.userinfo(other["access_token"]).status_code == 200


@pytest.mark.case("UI-14")
def test_spent_refresh_token_revokes_too(house: House) -> None:
    """A client that only has the token it used before can still end the family."""
    browser = house.browser()
    first = browser.tokens()
    second = browser.refresh(first["refresh_token"]).json()
    assert post(browser, REVOKE, token=first["refresh_token"]).status_code == 200
    assert_refused(browser.refresh(second["refresh_token"]), "invalid_grant")


@pytest.mark.case("UI-16")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "id_token", "pineapple", "x" * 1_000])
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_wrong_hint_hides_nothing(house: House, kind: str, hint: str) -> None:
    """Whatever the hint says, the token is found and revoked."""
    browser = house.browser()
    token = browser.tokens()[kind]
    assert post(browser, INTROSPECT, token=token, token_type_hint=hint).json()["active"] is True
    assert post(browser, REVOKE, token=token, token_type_hint=hint).status_code == 200
    assert post(browser, INTROSPECT, token=token, token_type_hint=hint).json() == {"active": False}


@pytest.mark.case("UI-13", "UI-16")
@pytest.mark.parametrize("path", [INTROSPECT, REVOKE])
@pytest.mark.parametrize("name", ["token", "token_type_hint"])
def test_repeated_parameter_is_refused(house: House, path: str, name: str) -> None:
    """A parameter twice, or in the query, is refused and revokes nothing."""
    browser = house.browser()
    token = browser.tokens()["access_token"]
    body = f"token={token}&token_type_hint=access_token&{name}=x"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    with unchanged(house):
        assert_refused(browser.post(path, content=body, headers=headers, auth=("web", SECRET)), "invalid_request")
        answer = browser.post(f"{path}?{name}=x", data={"token": token}, auth=("web", SECRET))
        assert_refused(answer, "invalid_request")
    assert browser.userinfo(token).status_code == 200
