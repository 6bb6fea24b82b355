"""TK: the form of a token request, the grant types, and what other origins may read."""

from typing import Any
from urllib.parse import urlencode

import pytest

from tests.attacks.cases import case
from tests.attacks.oracle import assert_refused, unchanged
from tests.provider import API, SECRET, VERIFIER, House, claims_of

FORM = "application/x-www-form-urlencoded"
BASIC = ("svc", SECRET)
CODE_FORM = {
    "grant_type": "authorization_code",
    "client_id": "web",
    "code": "",
    "redirect_uri": "https://rp.example/cb",
    "code_verifier": VERIFIER,
    "refresh_token": "r",
}


@pytest.mark.case("TK-47")
@pytest.mark.parametrize(
    ("grant_type", "error", "status"),
    [
        (None, "invalid_request", 400),
        ("", "invalid_request", 400),
        ("password", "unsupported_grant_type", 400),
        ("implicit", "unsupported_grant_type", 400),
        ('foo"bar', "unsupported_grant_type", 400),
        ("<script>", "unsupported_grant_type", 400),
        ("Refresh_Token", "unsupported_grant_type", 400),
        ("refresh_token ", "unsupported_grant_type", 400),
        ("x" * 20_000, "invalid_request", 400),
        ("x" * 1_000_000, "invalid_request", 413),
    ],
)
def test_other_grant_types_are_refused(house: House, grant_type: str | None, error: str, status: int) -> None:
    """An unknown grant type is refused, and nothing of it is echoed."""
    with unchanged(house):
        refused = house.browser().token(grant_type=grant_type)
        assert_refused(refused, error, status=status)
    assert not grant_type or grant_type not in refused.text


@pytest.mark.case("TK-47", "TK-50")
@pytest.mark.parametrize("name", list(CODE_FORM))
@pytest.mark.parametrize("same", [True, False])
def test_repeated_parameter_is_refused(house: House, name: str, same: bool) -> None:
    """A parameter that comes twice is refused, and the code is not spent by it."""
    browser = house.browser()
    form = CODE_FORM | {"code": browser.code_flow()["code"]}
    body = urlencode([*form.items(), (name, form[name] if same else "other")])
    with unchanged(house):
        answer = browser.post("/oauth2/token", content=body, headers={"content-type": FORM}, auth=("web", SECRET))
        assert_refused(answer, "invalid_request")
    assert browser.exchange(form["code"]).status_code == 200


@pytest.mark.case("TK-50")
@pytest.mark.parametrize("name", list(CODE_FORM))
@pytest.mark.parametrize("beside", [True, False])
def test_parameters_in_the_query_are_refused(house: House, name: str, beside: bool) -> None:
    """A parameter in the query is refused, beside the same one in the body or in its place."""
    browser = house.browser()
    form = CODE_FORM | {"code": browser.code_flow()["code"]}
    body = form if beside else {key: value for key, value in form.items() if key != name}
    with unchanged(house):
        answer = browser.post(f"/oauth2/token?{urlencode({name: form[name]})}", data=body, auth=("web", SECRET))
        assert_refused(answer, "invalid_request")


@pytest.mark.case("TK-48")
@pytest.mark.parametrize(("client_id", "grant_type"), [("web", "client_credentials"), ("svc", "refresh_token")])
def test_grant_type_that_was_not_registered(house: House, client_id: str, grant_type: str) -> None:
    """A client may use only the grant types that it registered."""
    with unchanged(house):
        refused = house.browser().token(client_id, grant_type=grant_type, refresh_token="x")
        assert_refused(refused, "unauthorized_client")


@pytest.mark.case("TK-48")
def test_code_of_a_client_that_lost_the_grant_type(house: House) -> None:
    """A client without the authorization code cannot redeem another one's either."""
    browser = house.browser()
    code = browser.code_flow()["code"]
    with unchanged(house):
        assert_refused(browser.exchange(code, "svc"), "unauthorized_client")


@pytest.mark.case("TK-49")
@pytest.mark.parametrize("scope", ["openid", "profile", "offline_access", "roles", "api.read openid", "api.write", "*"])
def test_client_for_itself_gets_no_users_scopes(house: House, scope: str) -> None:
    """Client credentials give no scope about a person, and none that the client was not given."""
    with unchanged(house):
        refused = house.browser().token("svc", grant_type="client_credentials", scope=scope)
        assert_refused(refused, "invalid_scope")


@pytest.mark.case("TK-49")
def test_client_for_itself_gets_an_access_token_alone(house: House) -> None:
    """The answer has no ID Token and no refresh token, and the token speaks for the client."""
    browser = house.browser()
    with unchanged(house):
        tokens = browser.token("svc", grant_type="client_credentials", resource=API).json()
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert claims_of(tokens["access_token"])["sub"] == "svc"
    assert tokens["scope"] == "api.read"
    assert browser.userinfo(tokens["access_token"]).status_code == 401


@pytest.mark.case("TK-49")
def test_public_client_has_no_credentials(house: House) -> None:
    """A public client gets nothing for itself, even if it was registered so."""
    house.add_client("open", token_endpoint_auth_method="none", grant_types=["client_credentials"], redirect_uris=[])
    with unchanged(house):
        refused = house.browser().token("open", secret=None, grant_type="client_credentials")
        assert_refused(refused, "unauthorized_client")


@pytest.mark.case("TK-51")
@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"])
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"grant_type":"client_credentials","token":"x"}'),
        ("text/plain", b"grant_type=client_credentials&token=x"),
        (None, b"grant_type=client_credentials&token=x"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="token"\r\n\r\nx\r\n--x--'),
        (f"{FORM}; charset=utf-16", "grant_type=client_credentials&token=x".encode("utf-16")),
        (FORM, b"grant_type=\xff&token=x"),
        (FORM, b"grant_type=%ff&token=x"),
        (FORM, b"grant_type=%00&token=%00"),
        (FORM, b"&".join(b"x%d=1" % number for number in range(1_000))),
    ],
)
def test_body_that_is_no_form_is_refused(house: House, path: str, content_type: str | None, body: bytes) -> None:
    """Clients send forms in UTF-8; anything else is refused, and nothing of it is kept."""
    headers = {"content-type": content_type} if content_type else {}
    with unchanged(house):
        answer = house.browser().post(path, content=body, headers=headers, auth=BASIC)
        assert_refused(answer, "invalid_request")


@pytest.mark.case("TK-52", "TK-53", "UI-19")
@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE"])
def test_only_post_is_allowed(house: House, path: str, method: str) -> None:
    """Secrets and tokens travel in bodies, so nothing but POST is taken."""
    with unchanged(house):
        answer = house.browser().request(method, f"{path}?grant_type=client_credentials&token=x", auth=BASIC)
    assert answer.status_code == 405
    assert answer.headers["allow"].startswith("POST")
    assert "GET" not in answer.headers["allow"]
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.case("TK-53", "TK-58")
@pytest.mark.parametrize(
    "form",
    [
        {},
        {"grant_type": "client_credentials"},
        {"grant_type": "client_credentials", "scope": "pineapple"},
        {"grant_type": "authorization_code", "code": "pineapple"},
        {"grant_type": "refresh_token", "refresh_token": "pineapple"},
        {"grant_type": "pineapple"},
        {"grant_type": "client_credentials", "resource": "https://pineapple.example"},
    ],
)
@pytest.mark.parametrize("client_id", ["svc", "web", "pineapple"])
def test_no_answer_is_cached_or_echoes(house: House, form: dict[str, str], client_id: str) -> None:
    """Success or refusal: JSON, never cached, and nothing of what was sent comes back."""
    answer = house.browser().token(client_id, **form)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert answer.headers["content-type"] == "application/json"
    assert "pineapple" not in answer.text


@pytest.mark.parametrize(
    ("path", "origin", "allowed"),
    [
        case("TK-54", "/oauth2/token", "https://spa.example", True),
        case("TK-54", "/oauth2/token", "https://evil.example", False),
        case("TK-54", "/oauth2/token", "https://spa.example.evil.example", False),
        case("TK-54", "/oauth2/token", "http://spa.example", False),
        case("TK-54", "/oauth2/token", "https://spa.example:444", False),
        case("TK-54", "/oauth2/token", "null", False),
        case("TK-54", "/oauth2/token", "https://rp.example", False),
        case("UI-07", "/oauth2/userinfo", "https://spa.example", True),
        case("UI-07", "/oauth2/userinfo", "https://evil.example", False),
        case("UI-07", "/oauth2/userinfo", "null", False),
        case("UI-07", "/oauth2/introspect", "https://spa.example", False),
    ],
)
def test_only_registered_origins_may_read(house: House, path: str, origin: str, allowed: bool) -> None:
    """A browser client's own origin may read the answer, no other may, and never with credentials."""
    preflight: dict[str, Any] = {"origin": origin, "access-control-request-method": "POST"}
    browser = house.browser()
    for answer in (browser.post(path, headers={"origin": origin}), browser.options(path, headers=preflight)):
        assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)
        assert "access-control-allow-credentials" not in answer.headers
