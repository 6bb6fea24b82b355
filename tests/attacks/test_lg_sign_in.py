"""LG: the sign-in form out of its place: of another browser, another site, another time, or leading elsewhere."""

import re
from urllib.parse import urlsplit

import httpx2
import pytest

from idp.accounts.accounts import find_account
from tests.attacks.oracle import assert_page, unchanged
from tests.attacks.pages import hidden
from tests.attacks.raw import ask_raw
from tests.attacks.test_ss_cookies import BROWSER, QUERY, SESSIONS
from tests.provider import ISSUER, PASSWORD, Browser, House, response_params
from tests.second_factors import account_id

EVIL = "evil.example"
OWN = urlsplit(ISSUER).netloc
LEADS_TO = re.compile(r'(?:href|action|src)="([^"]*)"')
LEADING_AWAY = [
    "//evil.example",
    "https:evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "%2f%2fevil.example",
    "javascript:alert(1)",
    f"{ISSUER}@evil.example",
    "//idp.example%40evil.example",
]


def sign_in_page(browser: Browser, **more: str) -> httpx2.Response:
    """Return the sign-in page of a client's request."""
    return browser.follow(browser.authorize(**more))


def filled(page: httpx2.Response, **more: str) -> dict[str, str]:
    """Return the fields of the page's form, filled in rightly unless changed."""
    return hidden(page) | {"username": "alice", "password": PASSWORD, "action": "sign_in"} | more


def sessions_of(house: House, name: str = "alice") -> set[str]:
    """Return the sessions that an account has."""
    with house.storage.snapshot() as uow:
        return {each.session_id for each in uow.sessions.list_live(account_id(house, name), house.clock.now())}


@pytest.mark.case("LG-05")
def test_no_hint_tells_who_has_an_account(house: House) -> None:
    """A login_hint gives the same page for a name that exists and one that does not, apart from the name; so does the
    way to the account pages, and no address for lookups exists."""

    def page(name: str) -> str:
        browser = house.browser()
        found = sign_in_page(browser, login_hint=name)
        assert found.status_code == 200
        fields = hidden(found)
        text = found.text.replace(fields["flow"], "FLOW").replace(fields["csrf_token"], "TOKEN").replace(name, "NAME")
        return text[: text.index("data-options")] + text[text.index("</form>") :]

    assert page("alice") == page("nobody")
    for path in ("/.well-known/webfinger?resource=acct:alice@idp.example", "/avatar/alice", "/account/alice"):
        assert house.browser().get(path).status_code == 404
    with house.storage.begin() as uow:
        found = find_account(uow, "alice")
        assert found is not None
    assert "alice" not in house.browser().get("/account").headers["location"]


@pytest.mark.case("LG-14")
@pytest.mark.parametrize("kind", ["missing", "empty", "other browser's", "other flow's", "older", "text/plain", "json"])
def test_form_that_is_not_ours_signs_nobody_in(house: House, kind: str) -> None:
    """Without the token of this flow in this browser nothing is judged, and there is no session."""
    browser, headers = house.browser(), {}
    page, other = sign_in_page(browser), sign_in_page(house.browser())
    data = filled(page)
    if kind == "missing":
        del data["csrf_token"]
    elif kind == "other browser's":
        data["csrf_token"] = hidden(other)["csrf_token"]
    elif kind == "other flow's":
        data["csrf_token"] = hidden(sign_in_page(browser))["csrf_token"]
    elif kind == "older":
        browser.cookies.clear()
    elif kind in ("text/plain", "json"):
        headers = {"content-type": "text/plain" if kind == "text/plain" else "application/json"}
    else:
        data["csrf_token"] = ""
    if headers:
        body = "&".join(f"{name}={value}" for name, value in data.items())
        answer = browser.post("/login", content=body.encode(), headers=headers)
    else:
        answer = browser.post("/login", data=data)
    assert answer.status_code in (400, 403, 415), answer.text
    assert sessions_of(house) == set()


@pytest.mark.case("LG-14")
def test_cross_site_form_signs_nobody_in(house: House) -> None:
    """A browser leaves SameSite=Lax cookies out of it: a flow without its browser is nobody's."""
    page = sign_in_page(house.browser())
    answer = house.browser().post("/login", data=filled(page), headers={"origin": f"https://{EVIL}"})
    assert answer.status_code == 403
    assert sessions_of(house) == set()


@pytest.mark.case("LG-15")
def test_planted_cookies_count_for_nothing(house: House) -> None:
    """Without the prefix a cookie is not ours; beside ours of the same name, neither counts: the browser is a new one,
    and whoever planted a handle of theirs is not signed in in it."""
    for planted in ("signet_browser", "signet_sessions", "__Host-signet_browser", "__Host-signet_sessions"):
        mallory = house.browser()
        mallory.code_flow(username="bob")
        theirs = mallory.cookies[BROWSER if planted.endswith("browser") else SESSIONS]
        victim = house.browser()
        page = sign_in_page(victim)
        own = "; ".join(f"{name}={value}" for name, value in victim.cookies.items())
        answer = victim.post("/login", data=filled(page), headers={"cookie": f"{planted}={theirs}; {own}"})
        assert answer.status_code in (303, 403)
        if answer.status_code == 303:
            assert theirs not in "".join(answer.headers.get_list("set-cookie"))
        cookie = (b"cookie", f"signet_sessions={mallory.cookies[SESSIONS]}".encode())
        refused = ask_raw(house, "GET", "/oauth2/authorize", cookie, query=QUERY)
        assert "error=login_required" in refused.headers["location"]


@pytest.mark.case("LG-22")
def test_nothing_leads_away(house: House) -> None:
    """Whatever a page is told to go on to, by whatever name, a sign-in ends at the client that asked."""
    for target in LEADING_AWAY:
        browser = house.browser()
        page = sign_in_page(browser)
        names = ("next", "return_to", "continue", "redirect", "url", "RelayState", "goto")
        shown = browser.get("/login", params={"flow": hidden(page)["flow"]} | dict.fromkeys(names, target))
        # The choice of a language carries the whole address back to this page, and nowhere else.
        assert not [where for where in LEADS_TO.findall(shown.text) if urlsplit(where).netloc not in ("", OWN)]
        answer = browser.post("/login", data=filled(page, **dict.fromkeys(names, target)))
        while answer.is_redirect and answer.headers["location"].startswith(ISSUER):
            answer = browser.get(answer.headers["location"])
        assert answer.headers["location"].startswith("https://rp.example/cb?code=")
        for path in ("/account", "/login", "/accounts", "/"):
            assert EVIL not in str(browser.get(path, params=dict.fromkeys(names, target)).headers.get("location"))


@pytest.mark.case("LG-23")
def test_flow_that_is_none(house: House) -> None:
    """A page without its flow, or with one that never was, is a page that says so; a form too."""
    for path in ("/login", "/login/second-factor", "/login/set-up", "/login/keep", "/consent"):
        browser = house.browser()
        with unchanged(house):
            for flow in ("", "x", "x" * 60_000, "../../etc/passwd", "A" * 43, "٣", "a\0b"):
                for answer in (browser.get(path, params={"flow": flow}), browser.post(path, data={"flow": flow})):
                    assert 400 <= answer.status_code < 500
                    assert len(answer.text) < 20_000
            for answer in (browser.get(path), browser.post(path), browser.post(path, data={"flow": "x" * 1_000_000})):
                assert 400 <= answer.status_code < 500


@pytest.mark.case("LG-23")
def test_flow_of_another_or_finished(house: House) -> None:
    """Somebody else's flow shows nothing; one that is over makes no second code."""
    browser, other = house.browser(), house.browser()
    page = sign_in_page(browser)
    flow = hidden(page)["flow"]
    assert_page(other.get("/login", params={"flow": flow}), 403)
    assert "code" in response_params(browser.submit(page, username="alice", password=PASSWORD, action="sign_in"))
    again = browser.post("/login", data=filled(page))
    assert "code=" not in str(again.headers.get("location"))


@pytest.mark.case("LG-25")
def test_host_is_never_taken_over(house: House) -> None:
    """Another Host is turned away, and no answer has its name, in a redirect, a cookie or a page."""
    for path in ("/", "/login/", "/account", "/.well-known/openid-configuration", "/nowhere", "/oauth2/"):
        for headers in (
            {"host": EVIL},
            {"host": "idp.example", "x-forwarded-host": EVIL},
            {"host": f"idp.example.{EVIL}"},
        ):
            answer = house.browser().get(path, headers=headers)
            assert answer.status_code < 500
            assert EVIL not in answer.text + str(answer.headers)
            if headers["host"] != "idp.example":
                assert answer.status_code in (400, 404, 421)


@pytest.mark.case("LG-47")
def test_form_that_was_left_open(house: House) -> None:
    """Over a rotation of the keys it works; after its time, or in a browser that lost its cookies, it is a page that
    leads on, and the next try signs in."""
    browser = house.browser()
    page = sign_in_page(browser)
    house.clock.move(1_000)
    house.provider.upkeep.turn()
    assert "code" in response_params(browser.post("/login", data=filled(page)))
    late = house.browser()
    page = sign_in_page(late)
    house.clock.move(house.server.settings.lifetimes.interaction_seconds + 1)
    answer = late.post("/login", data=filled(page))
    assert answer.status_code in (400, 403, 410)
    assert 'id="op-error"' in answer.text
    assert "code" in late.code_flow()


@pytest.mark.case("LG-48")
def test_signing_in_beside_somebody_else(house: House) -> None:
    """A code that is under way keeps its account; whoever signs in now is who the next one is of."""
    browser = house.browser()
    code = browser.code_flow()["code"]
    page = sign_in_page(browser, prompt="login")
    answer = browser.follow(browser.post("/login", data=filled(page, username="bob")))
    new = response_params(answer)["code"]
    subjects = [browser.userinfo(browser.exchange(each).json()["access_token"]).json()["sub"] for each in (code, new)]
    assert subjects == [account_id(house, "alice"), account_id(house, "bob")]
