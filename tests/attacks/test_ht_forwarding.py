"""HT: what a peer says of the address, the scheme or the path that somebody else asked for (R12, R13, R16)."""

from pathlib import Path

import pytest

from idp.web.cookies import Cookies
from idp.web.parsing import Parser
from tests.attacks.oracle import check_answer
from tests.attacks.raw import ask_raw
from tests.provider import ISSUER, House, make_house

DISCOVERY = "/.well-known/openid-configuration"
CLAIMS = {
    "x-forwarded-for": "198.51.100.1",
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "http",
    "x-forwarded-port": "8080",
    "x-forwarded-prefix": "/evil",
    "forwarded": "for=198.51.100.1;host=evil.example;proto=http",
    "x-original-url": "/oauth2/session",
    "x-rewrite-url": "/oauth2/session",
    "x-http-method-override": "DELETE",
    "x-real-ip": "198.51.100.1",
    "x-original-host": "evil.example",
}


@pytest.fixture
def watched(house: House, tmp_path: Path) -> House:
    """A provider that pauses an address after three sign-ins."""
    return make_house(house.storage, tmp_path / "key-encryption.key", throttle={"per_address": 3})


@pytest.mark.case("HT-10")
@pytest.mark.parametrize("path", [DISCOVERY, "/nothing", "/oauth2/userinfo"])
def test_claims_of_a_stranger_change_nothing(house: House, path: str) -> None:
    """Discovery, an unknown path and a refusal look as they do without them."""
    plain = ask_raw(house, "GET", path)
    for name, claim in CLAIMS.items():
        for value in (claim, "a", "", "127.0.0.1", "\x80,,", "x" * 8_000):
            claimed = ask_raw(house, "GET", path, (name.encode(), value.encode("latin-1")))
            assert claimed.status_code == plain.status_code
            assert b"evil" not in claimed.content
            assert path != DISCOVERY or claimed.content == plain.content


@pytest.mark.case("HT-10")
def test_a_throttle_is_not_passed_by_naming_addresses(watched: House) -> None:
    """Every try counts against the peer, whatever it says of itself."""
    statuses = []
    for number in range(5):
        browser = watched.browser()
        page = browser.follow(browser.authorize())
        browser.headers |= {"x-forwarded-for": f"198.51.100.{number}", "forwarded": f"for=198.51.100.{number}"}
        statuses.append(browser.sign_in(page, f"nobody{number}", "wrong").status_code)
    assert statuses == [400, 400, 400, 429, 429]


PROXY, CLIENT = "10.0.0.1", "203.0.113.7"


@pytest.mark.case("HT-10")
@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.7", ["198.51.100.1"], "192.0.2.7"),
        (PROXY, ["a"], PROXY),
        (PROXY, [], PROXY),
        (PROXY, [CLIENT], CLIENT),
        (PROXY, [f"198.51.100.1, {CLIENT}"], CLIENT),
        (PROXY, [f"198.51.100.1, {CLIENT}, 10.0.0.2"], CLIENT),
        (PROXY, ["198.51.100.1", CLIENT], CLIENT),
        (PROXY, ["198.51.100.1, 10.0.0.2", f"{CLIENT},10.0.0.3"], CLIENT),
        (PROXY, [f"{CLIENT}, unknown"], PROXY),
        (PROXY, [f"{CLIENT}:1234"], PROXY),
        (PROXY, ["10.0.0.2, 10.0.0.3"], PROXY),
    ],
)
def test_the_address_that_a_proxy_tells(peer: str, forwarded: list[str], expected: str) -> None:
    """The last that is no proxy, over all headers of the name: what stands before it a client may have invented."""
    parser = Parser(Cookies(secure=True, remembered_seconds=1), ("10.0.0.0/8",))
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [(b"x-forwarded-for", value.encode()) for value in forwarded],
        "client": (peer, 1),
    }
    assert parser.parse(scope, b"", "id").address == expected


@pytest.mark.case("HT-11")
@pytest.mark.parametrize("scheme", ["http", "javascript", "https, http", "file:"])
def test_the_scheme_is_the_issuers(house: House, scheme: str) -> None:
    """Cookies stay Secure, tokens and redirects keep the issuer."""
    browser = house.browser(headers={"x-forwarded-proto": scheme, "x-forwarded-ssl": "off"})
    first = browser.authorize()
    assert first.headers["location"].startswith(f"{ISSUER}/")
    page = browser.sign_in(browser.follow(first))
    assert page.is_redirect
    assert f"iss={ISSUER.replace(':', '%3A').replace('/', '%2F')}" in page.headers["location"]
    cookies = [*first.headers.get_list("set-cookie"), *page.headers.get_list("set-cookie")]
    assert cookies
    assert all(cookie.startswith("__Host-") and "; Secure" in cookie for cookie in cookies)


LOGINS = ["//login", "/login/", "/LOGIN", "/login//", "/./login", "/login;x", "/login%2f", "/login\0", "/%6cogin"]


@pytest.mark.case("HT-32")
def test_other_spellings_of_a_throttled_page(watched: House) -> None:
    """They lead nowhere, so that nothing is judged behind the throttle's back."""
    body = b"username=alice&password=wrong&action=sign_in"
    form = (b"content-type", b"application/x-www-form-urlencoded")
    for path in LOGINS:
        assert ask_raw(watched, "POST", path, form, body=body).status_code == 404
        assert ask_raw(watched, "GET", path).status_code == 404
    with watched.storage.snapshot() as uow:
        assert "sign_in.failed" not in {event.name for event in uow.audit.list(limit=100)}


@pytest.mark.case("HT-32")
def test_methods_and_neighbours_share_a_throttle(watched: House) -> None:
    """HEAD judges nothing, and a network of IPv6 is one address (/64), whatever is sent from it."""
    assert ask_raw(watched, "HEAD", "/login").status_code == 405
    statuses = []
    for number in range(5):
        browser = watched.browser(client=(f"2001:db8::{number:x}:1", 1))
        statuses.append(browser.sign_in(browser.follow(browser.authorize()), f"nobody{number}", "wrong").status_code)
    assert statuses == [400, 400, 400, 429, 429]
    other = watched.browser(client=("2001:db8:0:1::1", 1))
    answer = other.sign_in(other.follow(other.authorize()))
    check_answer(answer)
    assert answer.is_redirect
