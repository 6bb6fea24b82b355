"""AZ: what the hosted pages and the responses show and carry."""

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest

from idp.randomness import new_handle
from tests.attacks.oracle import assert_page, assert_redirected, unchanged
from tests.provider import ISSUER, House, response_params


class Links(HTMLParser):
    """Collects what a page loads and where its forms go."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inputs: dict[str, str] = {}
        self.scripts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        known = {name: value or "" for name, value in attrs}
        self.found += [known[name] for name in ("src", "href", "action") if name in known and tag != "a"]
        self.inputs |= {known["name"]: known.get("value", "")} if tag == "input" and "name" in known else {}
        self.scripts += [known.get("src", "")] if tag == "script" else []


@pytest.mark.case("AZ-47")
@pytest.mark.parametrize(
    ("hint", "shown"),
    [('"><script>alert(1)</script>', True), ("x" * 10_000, False), ("a\nb", False), ("{{7*7}}", True), ("‮x", False)],
)
def test_login_hint_is_text_only(house: House, hint: str, shown: bool) -> None:
    """A hint fills in the field as text; one that can be no name is dropped."""
    browser = house.browser()
    links = Links(browser.follow(browser.authorize(login_hint=hint)).text)
    assert links.inputs["username"] == (hint if shown else "")
    assert all(links.scripts)


@pytest.mark.case("AZ-47")
def test_login_hint_with_a_nul_is_refused(house: House) -> None:
    """NUL is in no text that a database keeps."""
    with unchanged(house):
        assert_page(house.browser().authorize(login_hint="a\0b"))


@pytest.mark.case("AZ-48")
@pytest.mark.parametrize("locales", ["../../etc/passwd", "xx-" * 5_000, "xx yy", "\r\n", "%00"])
def test_unknown_locale_is_the_default(house: House, locales: str) -> None:
    """A language that is not there is no reason to fail."""
    browser = house.browser()
    page = browser.follow(browser.authorize(ui_locales=locales))
    assert '<html lang="en"' in page.text


@pytest.mark.case("AZ-68")
def test_every_response_names_the_issuer(house: House) -> None:
    """Success and refusal carry `iss`, and it is the issuer of discovery (RFC 9207)."""
    browser = house.browser()
    issuer = browser.get("/.well-known/openid-configuration").json()["issuer"]
    refused = browser.authorize(prompt="none")
    assert_redirected(refused, "login_required")
    for params in (response_params(refused), browser.code_flow()):
        assert params["iss"] == issuer == ISSUER


@pytest.mark.case("AZ-70")
def test_pages_load_nothing_from_elsewhere(house: House) -> None:
    """No page sends a referrer or loads or sends anything to another origin."""
    browser = house.browser()
    login = browser.follow(browser.authorize("third"))
    consent = browser.sign_in(login)
    error = browser.authorize("nobody")
    home, logout = browser.get("/"), browser.get("/oauth2/logout")
    for page in (login, consent, error, home, logout):
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "no-store" in page.headers["cache-control"]
        assert "unsafe" not in page.headers["content-security-policy"]
        links = Links(page.text).found
        assert links
        assert all(urlsplit(link).netloc in {"", urlsplit(ISSUER).netloc} for link in links), links


@pytest.mark.case("AZ-71")
def test_codes_have_no_pattern(house: House) -> None:
    """Codes are 256 random bits: of one length, in no order, and never the same."""
    browser = house.browser()
    issued = [browser.code_flow()["code"] for _ in range(50)]
    codes = issued + [new_handle() for _ in range(10_000)]
    assert {len(code) for code in codes} == {43}
    assert len(set(codes)) == len(codes)
    assert issued != sorted(issued)
    assert len({code[:3] for code in issued}) > 45
    assert len({code[:2] for code in codes}) > 3_500
