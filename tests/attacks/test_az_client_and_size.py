"""AZ: the client, repeated parameters, sizes and methods; nothing is redirected before all of that is in order."""

import time
from urllib.parse import quote, urlencode

import pytest

from idp.accounts.clients import disable_client
from tests.attacks.cases import case
from tests.attacks.oracle import assert_page, assert_redirected, unchanged
from tests.attacks.raw import ask_raw
from tests.provider import CHALLENGE, House, response_params

GOOD = {
    "client_id": "web",
    "redirect_uri": "https://rp.example/cb",
    "response_type": "code",
    "scope": "openid",
    "state": "st",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def disable(house: House, client_id: str) -> None:
    """Disable a client."""
    with house.storage.begin() as uow:
        client = uow.clients.find(client_id)
        assert client is not None
        disable_client(uow, client, house.clock.now())


@pytest.mark.case("AZ-20")
@pytest.mark.parametrize("client_id", [None, "", "nobody", "web ", "WEB", "x" * 20_000, "' OR 1=1--", "wéb"])
def test_unknown_client_is_told_on_a_page(house: House, client_id: str | None) -> None:
    """Without a client that we know there is nowhere to redirect to."""
    with unchanged(house):
        assert_page(house.browser().get("/oauth2/authorize", params=GOOD | {"client_id": client_id or ""}))


@pytest.mark.case("AZ-20")
def test_client_id_of_a_megabyte_is_too_long(house: House) -> None:
    """A megabyte is refused before anybody looks for it, in URL and form."""
    with unchanged(house):
        assert_page(ask_raw(house, "GET", "/oauth2/authorize", query=b"client_id=" + b"x" * 1_000_000), 414)
        assert_page(house.browser().authorize("x" * 1_000_000, method="POST"), 413)


@pytest.mark.case("AZ-20", "AZ-32")
@pytest.mark.parametrize("name", ["client_id[]", "client_id[0]", "client_id.x", "Client_id", "client_id%00"])
def test_names_that_resemble_client_id_are_unknown(house: House, name: str) -> None:
    """Only the exact name names the client."""
    query = urlencode({k: v for k, v in GOOD.items() if k != "client_id"}) + f"&{name}=web"
    with unchanged(house):
        assert_page(house.browser().get(f"/oauth2/authorize?{query}"))


@pytest.mark.case("AZ-20")
def test_disabled_client_reads_as_unknown(house: House) -> None:
    """The pages for an unknown and a disabled client differ in nothing but the request id, and their own address."""
    disable(house, "web")
    pages = {client_id: house.browser().authorize(client_id) for client_id in ("web", "nobody")}
    texts = [
        page.text.replace(page.headers["x-request-id"], "").replace(f"client_id%3D{client_id}", "client_id%3D")
        for client_id, page in pages.items()
    ]
    assert texts[0] == texts[1]


@pytest.mark.case("AZ-21")
def test_client_disabled_before_consent_gets_no_code(house: House) -> None:
    """A client that is disabled while the consent page is open gets nothing from its answer."""
    browser = house.browser()
    consent = browser.sign_in(browser.follow(browser.authorize("third")))
    assert 'id="consent-allow"' in consent.text
    disable(house, "third")
    with unchanged(house):
        refused = browser.submit(consent, action="allow")
        assert_page(refused)
        assert "invalid_request" in refused.text
        assert_page(browser.submit(consent, action="deny"))


@pytest.mark.case("AZ-29")
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", list(GOOD))
@pytest.mark.parametrize("other", ["same", "different"])
def test_repeated_parameter_is_refused(house: House, name: str, other: str, method: str) -> None:
    """A parameter that comes twice is refused on a page, even with the same value."""
    fields = [*GOOD.items(), (name, GOOD[name] if other == "same" else "https://evil.example/cb")]
    browser = house.browser()
    with unchanged(house):
        if method == "GET":
            assert_page(browser.get(f"/oauth2/authorize?{urlencode(fields)}"))
        else:
            headers = {"content-type": "application/x-www-form-urlencoded"}
            assert_page(browser.post("/oauth2/authorize", content=urlencode(fields), headers=headers))


@pytest.mark.case("AZ-29")
@pytest.mark.parametrize("name", list(GOOD))
def test_parameter_in_query_and_body_is_refused(house: House, name: str) -> None:
    """A POST that has parameters in its query too is refused: two readers could believe different ones."""
    with unchanged(house):
        assert_page(house.browser().post(f"/oauth2/authorize?{name}={quote(GOOD[name], safe='')}", data=GOOD))


@pytest.mark.parametrize(
    "more",
    [
        case("AZ-31", {f"extra{n}": "x" for n in range(50)}),
        case("AZ-32", {"scope[]": "profile", "redirect_uri[0]": "https://evil.example/cb"}),
        case("AZ-32", {"client_id.x": "evil", "__proto__": "1", "constructor": "1"}),
        case("AZ-33", {"nonce": "", "max_age": "", "prompt": "", "id_token_hint": "", "request": ""}),
    ],
)
def test_unknown_and_empty_parameters_change_nothing(house: House, more: dict[str, str]) -> None:
    """Unknown parameters are ignored and empty ones count as absent: the flow works as without them."""
    params = house.browser().code_flow(**more)
    assert params.keys() == {"code", "state", "iss", "session_state"}


@pytest.mark.case("AZ-33")
def test_empty_state_is_no_state(house: House) -> None:
    """An empty state is omitted from the response as from the request."""
    assert "state" not in house.browser().code_flow(state="")


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        case("AZ-19", "redirect_uri", "https://rp.example/" + "x" * 10_000, 400),
        case("AZ-19", "state", "x" * 20_000, 400),
        case("AZ-19", "state", "x" * 65_536, 414),
        case("AZ-19", "unknown", "x" * 1_000_000, 414),
        case("AZ-37", "scope", " ".join(f"{n:04}" for n in range(5_000)), 400),
        case("AZ-37", "scope", "x" * 30_000, 400),
        case("AZ-37", "scope", "x" * 100_000, 414),
        case("AZ-49", "claims", "x" * 1_000_000, 414),
    ],
)
def test_oversized_request_is_refused_at_once(house: House, name: str, value: str, status: int) -> None:
    """What is too long for us is refused quickly, on a page."""
    query, started = urlencode(GOOD | {name: value}).encode(), time.monotonic()
    with unchanged(house):
        assert_page(ask_raw(house, "GET", "/oauth2/authorize", query=query), status)
    assert time.monotonic() - started < 1


@pytest.mark.case("AZ-19", "AZ-37", "AZ-49")
@pytest.mark.parametrize("name", ["state", "scope", "claims", "redirect_uri"])
def test_oversized_form_is_refused_at_once(house: House, name: str) -> None:
    """The same holds for a form."""
    with unchanged(house):
        assert_page(house.browser().authorize(method="POST", **{name: "x" * 1_000_000}), 413)


@pytest.mark.case("AZ-37")
def test_hundreds_of_scopes_are_refused(house: House) -> None:
    """As many scopes as still fit into a parameter are refused at the client."""
    scope = " ".join(f"s{n}" for n in range(2_000))
    with unchanged(house):
        assert_redirected(house.browser().authorize(scope=scope), "invalid_scope")


@pytest.mark.case("AZ-66")
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD", "FOO"])
def test_other_methods_are_not_allowed(house: House, method: str) -> None:
    """The endpoint takes GET and POST and says so."""
    with unchanged(house):
        refused = house.browser().request(method, "/oauth2/authorize", params=GOOD)
    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET, POST"
    assert "location" not in refused.headers


@pytest.mark.case("AZ-67")
def test_cross_site_post_goes_the_same_way(house: House) -> None:
    """A POST without the session cookie, as other sites send it, ends at the sign-in page or, once the browser is back
    here with its cookie, in a code."""
    stranger = house.browser()
    assert 'id="login-submit"' in stranger.follow(stranger.authorize(method="POST")).text
    browser = house.browser()
    browser.code_flow()
    cookies = dict(browser.cookies)
    browser.cookies.clear()
    kept = browser.authorize(method="POST", state="two")
    assert "set-cookie" not in kept.headers
    for name, value in cookies.items():
        browser.cookies.set(name, value)
    assert response_params(browser.follow(kept))["state"] == "two"


@pytest.mark.case("AZ-67")
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x"])
def test_post_that_is_no_form_is_refused(house: House, content_type: str) -> None:
    """Only a form brings parameters."""
    with unchanged(house):
        headers = {"content-type": content_type}
        assert_page(house.browser().post("/oauth2/authorize", content=urlencode(GOOD), headers=headers))
