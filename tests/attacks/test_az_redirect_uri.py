"""AZ: no redirect before client and redirect URI are known good, and URIs compare as exact strings (R2)."""

import pytest

from idp.accounts.clients import create_client
from idp.protocol.errors import InvalidRedirectUri
from tests.attacks.cases import case
from tests.attacks.oracle import assert_page, unchanged
from tests.provider import House, response_params

SCRIPTS = [
    case("AZ-10", "javascript:alert(1)"),
    case("AZ-10", "JaVaScRiPt:alert(1)"),
    case("AZ-10", "data:text/html,<script>alert(1)</script>"),
    case("AZ-10", "vbscript:msgbox(1)"),
    case("AZ-10", "file:///etc/passwd"),
    case("AZ-10", " javascript:alert(1)"),
    case("AZ-10", "\tjavascript:alert(1)"),
    case("AZ-10", "\njavascript:alert(1)"),
]
NOT_REGISTERED = [
    *SCRIPTS,
    case("AZ-01", "https://evil.example/cb"),
    case("AZ-02", "https://rp.example/cb/"),
    case("AZ-03", "https://rp.example/cb?x=1"),
    case("AZ-03", "https://rp.example/cb?"),
    case("AZ-04", "https://rp.example/cb#f"),
    case("AZ-04", "https://rp.example/cb%23f"),
    case("AZ-05", "HTTPS://rp.example/cb"),
    case("AZ-05", "https://RP.example/cb"),
    case("AZ-05", "https://rp.example/CB"),
    case("AZ-06", "https://rp.example:443/cb"),
    case("AZ-06", "https://rp.example:8443/cb"),
    case("AZ-07", "https://rp.example.evil.example/cb"),
    case("AZ-07", "https://evil.example/https://rp.example/cb"),
    case("AZ-07", "https://xrp.example/cb"),
    case("AZ-08", "https://rp.example@evil.example/cb"),
    case("AZ-08", "https://rp.example:x@y@evil.example/cb"),
    case("AZ-08", "https://evil.example\\@rp.example/cb"),
    case("AZ-09", "https://rp.example/cb/../evil"),
    case("AZ-09", "https://rp.example/cb/%2e%2e/evil"),
    case("AZ-09", "https://rp.example/cb/%252e%252e/evil"),
    case("AZ-09", "https://rp.example/cb;x"),
    case("AZ-14", "http://127.0.0.1:80@evil.example/cb"),
    case("AZ-14", "http://127.0.0.1.evil.example/cb"),
    case("AZ-14", "http://0x7f.1/cb"),
    case("AZ-14", "http://127.0.0.1:49152/cb"),
    case("AZ-15", "https://post.example/cb"),
    case("AZ-16", "https://rpXexample/cb"),
    case("AZ-16", "https://rp.example/cb.*"),
    case("AZ-16", "https://rp.example/c*"),
    case("AZ-18", "https://rр.example/cb"),
    case("AZ-18", "https://xn--r-7tb.example/cb"),
    case("AZ-18", "https://rp%2eexample/cb"),
    case("AZ-18", "https://rp。example/cb"),
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("uri", NOT_REGISTERED)
def test_unregistered_uri_is_never_followed(house: House, uri: str, method: str) -> None:
    """A redirect URI that is not registered character by character gives a page, and nothing is stored."""
    with unchanged(house):
        assert_page(house.browser().authorize(method=method, redirect_uri=uri))


@pytest.mark.parametrize("uri", [*SCRIPTS, case("AZ-10", 'javascript:"><script>alert(1)</script>')])
def test_developers_page_shows_the_uri_escaped(developers_house: House, uri: str) -> None:
    """In development the page shows what was sent, as text only."""
    page = developers_house.browser().authorize(redirect_uri=uri)
    assert_page(page)
    assert "<script>alert" not in page.text
    assert 'href="javascript' not in page.text.lower()


@pytest.mark.case("AZ-12")
@pytest.mark.parametrize("uris", [["https://rp.example/cb"], ["https://rp.example/cb", "https://rp.example/cb2"]])
@pytest.mark.parametrize("sent", [None, ""])
def test_redirect_uri_is_required(house: House, uris: list[str], sent: str | None) -> None:
    """A missing or empty redirect URI is never filled in, not even from a single registered one."""
    house.add_client("some", redirect_uris=uris)
    with unchanged(house):
        assert_page(house.browser().authorize("some", redirect_uri=sent))


@pytest.mark.case("AZ-13")
@pytest.mark.parametrize("port", [":1", ":49152", ":65535", ""])
def test_native_client_may_choose_its_port(house: House, port: str) -> None:
    """On a registered loopback address any port is the client's."""
    uri = f"http://127.0.0.1{port}/cb"
    browser = house.browser()
    page = browser.sign_in(browser.follow(browser.authorize("pub", redirect_uri=uri)))
    assert page.headers["location"].startswith(f"{uri}?code=")


@pytest.mark.case("AZ-13", "AZ-14")
@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost:49152/cb",
        "http://127.0.0.1:49152/other",
        "http://[::1]:1/cb",
        "http://127.0.0.1:49152/cb?x",
        "https://127.0.0.1:49152/cb",
        "http://127.0.0.2/cb",
        "http://127.0.0.1:/cb",
        "http://127.0.0.1:1:2/cb",
        "http://127.0.0.1:٣/cb",
        "http://127.0.0.1:80@evil.example/cb",
        "http://127.0.0.1:80\\@evil.example/cb",
        "http://127.0.0.1.evil.example/cb",
        "http://0x7f.1/cb",
        "com.example.app:/cb2",
        "com.example.app://cb",
    ],
)
def test_native_client_may_choose_nothing_else(house: House, uri: str) -> None:
    """Host, path, query and scheme of a loopback URI are compared exactly."""
    with unchanged(house):
        assert_page(house.browser().authorize("pub", redirect_uri=uri))


@pytest.mark.case("AZ-14")
def test_port_is_free_for_native_clients_only(house: House) -> None:
    """A web application that runs on loopback, as in development, has the one port that it registered."""
    metadata = {"application_type": "web", "redirect_uris": ("http://127.0.0.1:8000/cb",), "scope": "openid"}
    with house.storage.begin() as uow:
        create_client(uow, client_id="local", metadata=metadata, secret="s" * 43, now=house.clock.now())
    with unchanged(house):
        for uri in ("http://127.0.0.1/cb", "http://127.0.0.1:8001/cb", "http://[::1]:8000/cb"):
            assert_page(house.browser().authorize("local", redirect_uri=uri))


@pytest.mark.case("AZ-72")
def test_query_of_a_registered_uri_is_kept(house: House) -> None:
    """Response parameters are appended to a registered query, which stays as it is."""
    house.add_client("tenant", redirect_uris=["https://rp.example/cb?tenant=1&x=%2F"])
    browser = house.browser()
    page = browser.authorize("tenant", redirect_uri="https://rp.example/cb?tenant=1&x=%2F", prompt="none")
    assert page.headers["location"].startswith("https://rp.example/cb?tenant=1&x=%2F&error=login_required&")
    assert response_params(page)["tenant"] == "1"


@pytest.mark.case("AZ-72")
@pytest.mark.parametrize("query", ["code=x&state=y", "code=", "a=1&iss=x", "st%61te=1", "error=x"])
def test_query_that_mimics_a_response_cannot_be_registered(house: House, query: str) -> None:
    """A registered URI cannot bring members that a response uses."""
    with unchanged(house), pytest.raises(InvalidRedirectUri):
        house.add_client("mimic", redirect_uris=[f"https://rp.example/cb?{query}"])
