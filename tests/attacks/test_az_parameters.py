"""AZ: what a request asks for: response type and mode, state, scope, PKCE, request objects, resources, hints."""

import socket
import unicodedata
from collections.abc import Iterator
from typing import Any

import pytest

from tests.attacks.cases import case
from tests.attacks.oracle import assert_redirected, unchanged
from tests.provider import CHALLENGE, ISSUER, House, claims_of


@pytest.fixture
def canary() -> Iterator[socket.socket]:
    """A listener on loopback that nobody may connect to."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)
        yield listening
        with pytest.raises(TimeoutError):
            listening.accept()


@pytest.mark.parametrize(
    ("value", "errors"),
    [
        case("AZ-22", None, ["invalid_request"]),
        case("AZ-22", "", ["invalid_request"]),
        *(
            case("AZ-23", value, ["unsupported_response_type", "unauthorized_client"])
            for value in ("token", "id_token", "code token", "code id_token", "code id_token token", "none")
        ),
        *(
            case("AZ-24", value, ["unsupported_response_type", "invalid_request"])
            for value in ("code code", " code", "code ", "CODE", "code\n", "code,token", "code\tid_token", "çode")
        ),
    ],
)
def test_other_response_types_are_refused(house: House, value: str | None, errors: list[str]) -> None:
    """Only `code` is a response type; nothing that resembles it is taken for it."""
    with unchanged(house):
        assert_redirected(house.browser().authorize(response_type=value), *errors)


@pytest.mark.case("AZ-23")
def test_client_without_the_response_type_is_refused(house: House) -> None:
    """A client that did not register the response type is not authorized for it."""
    house.add_client("quiet", grant_types=["client_credentials"], response_types=[])
    with unchanged(house):
        assert_redirected(house.browser().authorize("quiet"), "unauthorized_client")


@pytest.mark.case("AZ-25")
@pytest.mark.parametrize(
    "mode", ["fragment", "form_post", "query.jwt", "jwt", "web_message", "bogus", "QUERY", "query "]
)
def test_mode_is_what_discovery_says_or_refused(house: House, mode: str) -> None:
    """A response mode that discovery does not list is refused, never replaced by another."""
    browser = house.browser()
    if mode in browser.get("/.well-known/openid-configuration").json()["response_modes_supported"]:
        refused = browser.authorize(response_mode=mode, prompt="none")
        if mode == "fragment":
            assert "#error=login_required" in refused.headers["location"]
        else:
            assert 'name="error" value="login_required"' in refused.text
    else:
        with unchanged(house):
            assert_redirected(browser.authorize(response_mode=mode), "invalid_request")


@pytest.mark.parametrize(
    "state",
    [
        case("AZ-27", ("+ % & = # / ü 😀 \\ \" ' < > ;" * 100)[:2048]),
        case("AZ-28", "x\r\nSet-Cookie: a=b"),
        case("AZ-28", "x%0d%0aSet-Cookie:%20a=b"),
        case("AZ-27", unicodedata.normalize("NFD", "é")),
    ],
)
def test_state_comes_back_exactly(house: House, state: str) -> None:
    """Whatever the state is, the client gets it back unchanged, in success and refusal, and it makes no header."""
    browser = house.browser()
    assert browser.code_flow(state=state)["state"] == state
    refused = browser.authorize(state=state, response_type="token")
    assert_redirected(refused, "unsupported_response_type", state=state)
    assert "set-cookie" not in refused.headers
    assert not {"\r", "\n"} & set(refused.headers["location"])


@pytest.mark.case("AZ-34")
def test_request_without_openid_gives_no_id_token(house: House) -> None:
    """Without openid it is an OAuth request: an access token, no ID Token, no claims about anybody."""
    tokens = house.browser().tokens(scope="profile")
    assert "id_token" not in tokens
    assert tokens["scope"] == "profile"


@pytest.mark.case("AZ-34")
@pytest.mark.parametrize("scope", [None, "", " ", "unknown", "admin root"])
def test_request_without_a_scope_that_counts_is_refused(house: House, scope: str | None) -> None:
    """No scope, or none that the client may have, is an invalid scope."""
    with unchanged(house):
        assert_redirected(house.browser().authorize(scope=scope), "invalid_scope")


@pytest.mark.parametrize("client_id", ["web", "pub"])
@pytest.mark.parametrize(
    "more",
    [
        case("AZ-51", {"code_challenge": None, "code_challenge_method": None}),
        case("AZ-51", {"code_challenge": ""}),
        case("AZ-54", {"code_challenge": None}),
        case("AZ-52", {"code_challenge_method": "plain"}),
        case("AZ-52", {"code_challenge_method": None}),
        case("AZ-52", {"code_challenge_method": "s256"}),
        case("AZ-52", {"code_challenge_method": "S512"}),
        case("AZ-53", {"code_challenge": CHALLENGE[:42]}),
        case("AZ-53", {"code_challenge": CHALLENGE * 3}),
        case("AZ-53", {"code_challenge": CHALLENGE + "="}),
        case("AZ-53", {"code_challenge": CHALLENGE[:42] + "="}),
        case("AZ-53", {"code_challenge": CHALLENGE[:42] + "+"}),
        case("AZ-53", {"code_challenge": CHALLENGE + "\n"}),
        case("AZ-53", {"code_challenge": CHALLENGE[:42] + "ü"}),
    ],
)
def test_s256_challenge_is_required_of_every_client(house: House, client_id: str, more: dict[str, Any]) -> None:
    """Public or confidential: without a S256 challenge of the right form there is no request."""
    uri = "https://rp.example/cb" if client_id == "web" else "http://127.0.0.1:5000/cb"
    with unchanged(house):
        refused = house.browser().authorize(client_id, redirect_uri=uri, **more)
        assert_redirected(refused, "invalid_request", redirect_uri=uri)


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest/meta-data", "http://127.0.0.1:{port}/", "file:///etc/passwd", "urn:x", "x"],
)
@pytest.mark.parametrize("client_id", ["web", "referring"])
@pytest.mark.case("AZ-55", "AZ-57")
def test_request_uri_is_refused_and_never_fetched(
    house: House, canary: socket.socket, target: str, client_id: str
) -> None:
    """An address that the client did not register is not so much as looked at."""
    house.add_client("referring", request_uris=["https://rp.example/request"])
    uri = target.format(port=canary.getsockname()[1])
    with unchanged(house):
        assert_redirected(house.browser().authorize(client_id, request_uri=uri), "invalid_request_uri")


@pytest.mark.case("CR-06", "AZ-57")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "127.1", "0.0.0.0"])
def test_registered_request_uri_of_the_inside_is_not_reached(house: House, canary: socket.socket, host: str) -> None:
    """Registering an address is no way to it: the canary sees no connection."""
    uri = f"https://{host}:{canary.getsockname()[1]}/"
    house.add_client("referring", request_uris=[uri])
    with unchanged(house):
        assert_redirected(house.browser().authorize("referring", request_uri=uri), "invalid_request_uri")


@pytest.mark.case("AZ-55", "AZ-56")
@pytest.mark.parametrize("value", ["eyJhbGciOiJub25lIn0.e30.", "garbage", "{}", "." * 10_000])
def test_request_object_is_refused(house: House, value: str) -> None:
    """What is no request object of the client is refused at the client."""
    with unchanged(house):
        assert_redirected(house.browser().authorize(request=value), "invalid_request_object")


@pytest.mark.case("AZ-49")
@pytest.mark.parametrize(
    "claims", ["{", "[]", "[" * 10_000, "null", '{"id_token": 1}', '{"userinfo": {"x": 1}}', "\ud7ff"]
)
def test_broken_claims_parameter_does_no_harm(house: House, claims: str) -> None:
    """Whatever stands in `claims`: it is ignored or refused at the client, and never a crash."""
    browser = house.browser()
    answer = browser.authorize(claims=claims)
    if answer.headers["location"].startswith(ISSUER):
        assert 'id="login-submit"' in browser.follow(answer).text
    else:
        assert_redirected(answer, "invalid_request")


@pytest.mark.case("AZ-73")
@pytest.mark.parametrize(
    "resource",
    ["v1", "/v1", "//api.example/v1", "https://api.example/v1#f", "https://api.example/V1", "http://[", "x:"],
)
def test_resource_that_is_not_ours_is_no_target(house: House, resource: str) -> None:
    """A resource is an absolute URI without a fragment, and one that is registered."""
    with unchanged(house):
        assert_redirected(house.browser().authorize(resource=resource), "invalid_target")


@pytest.mark.case("AZ-74")
@pytest.mark.parametrize("nonce", ["ü😀 +%&=#\"'" * 400, "n" * 4096])
def test_nonce_is_echoed_exactly(house: House, nonce: str) -> None:
    """A long nonce in any script stands in the ID Token as it was sent."""
    assert claims_of(house.browser().tokens(nonce=nonce)["id_token"])["nonce"] == nonce


@pytest.mark.case("AZ-74")
def test_finished_request_can_be_sent_again(house: House) -> None:
    """The same authorization URL, reloaded after it was answered, gives another code that works too."""
    browser = house.browser()
    first, again = browser.code_flow(), browser.code_flow()
    assert first["code"] != again["code"]
    assert [browser.exchange(params["code"]).status_code for params in (first, again)] == [200, 200]
