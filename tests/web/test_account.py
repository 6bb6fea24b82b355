"""The account pages: who gets in, that forms are ours, and one's sessions."""

import re

import pytest

from idp.stores.records import Session
from tests.account_pages import at, send, visitor
from tests.provider import House, response_params
from tests.second_factors import account_id, give_app, next_code, send_code

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0 Safari/537.36"
PATHS = ["", "/sessions"]


def live(house: House, name: str = "alice") -> list[Session]:
    """Return the live sessions of an account."""
    with house.storage.snapshot() as uow:
        return list(house.server.sessions.list_live(uow, account_id(house, name), house.clock.now()))


@pytest.mark.parametrize("path", PATHS)
def test_nobody_gets_in_without_signing_in(house: House, path: str) -> None:
    """Whoever is not signed in signs in first, and is back where they wanted to be; nothing is kept by browsers."""
    browser = house.browser()
    page = browser.follow(browser.get(f"/account{path}"))
    assert 'id="login-submit"' in page.text
    assert "to continue to your account" in page.text
    assert browser.post(f"/account{path}").status_code in {303, 405}
    entered = browser.sign_in(page)
    assert (entered.status_code, str(entered.url)) == (200, f"https://idp.example/account{path}")
    assert entered.headers["cache-control"] == "no-store"
    assert "form-action 'self';" in entered.headers["content-security-policy"]


def test_cancel_leads_home(house: House) -> None:
    """Who does not want to sign in after all is at the issuer's own page."""
    browser = house.browser()
    page = browser.submit(browser.follow(browser.get("/account")), action="cancel")
    assert str(page.url) == "https://idp.example/"
    assert "Sign in once" in page.text


def test_used_sign_in_page_leads_back(house: House) -> None:
    """A sign-in page that was used continues at the page that had asked."""
    browser = house.browser()
    page = browser.follow(browser.get("/account/sessions"))
    browser.sign_in(page)
    again = browser.get(str(page.url))
    assert 'href="https://idp.example/account/sessions"' in again.text


def test_second_factor_is_asked_here_too(house: House) -> None:
    """Whoever has set one up gets in with it alone."""
    app, browser = give_app(house), house.browser()
    page = at(browser)
    assert 'id="second-factor-submit"' in page.text
    assert live(house) == []
    entered = send_code(browser, page, next_code(house, app))
    assert "Authenticator app" in entered.text


def test_session_serves_clients_and_account_alike(house: House) -> None:
    """Who signed in for a client is not asked again, and the other way round."""
    browser = house.browser()
    browser.code_flow()
    assert "Signed in as" in browser.get("/account").text
    other = visitor(house)
    assert "code" in response_params(other.authorize())


@pytest.mark.parametrize("token", [None, "", "x" * 64, "of another session"])
def test_form_has_to_be_ours(house: House, token: str | None) -> None:
    """A form without the page's own token changes nothing."""
    visitor(house)
    browser = visitor(house)
    if token == "of another session":
        found = re.search(r'name="csrf_token" value="([^"]+)"', visitor(house).get("/account/sessions").text)
        assert found
        token = found.group(1)
    data = {"action": "end_others"} | ({"csrf_token": token} if token is not None else {})
    before = len(live(house))
    assert browser.post("/account/sessions", data=data).status_code == 403
    assert len(live(house)) == before


def test_sessions_are_told_apart(house: House) -> None:
    """Each has its device, address and instants; this one says so and has no button."""
    other = house.browser(headers={"user-agent": CHROME})
    at(other)
    house.clock.move(120)
    page = visitor(house).get("/account/sessions")
    assert "Chrome · Windows" in page.text
    assert page.text.count('name="action" value="end"') == 1
    assert page.text.count("This one") == 1


@pytest.mark.case("SS-03")
def test_sessions_are_ended_by_their_owner(house: House) -> None:
    """One, or all others; never one of somebody else."""
    first, second, mine = visitor(house), visitor(house), visitor(house)
    bob = visitor(house, "bob")
    page = mine.get("/account/sessions")
    (stranger,) = live(house, "bob")
    assert send(mine, page, "/sessions", action="end", session=stranger.session_id).status_code == 403
    assert send(mine, page, "/sessions", action="end", session="nothing").status_code == 403
    assert "Signed in as" in bob.get("/account").text
    found = re.search(r'name="session" value="([^"]+)"', page.text)
    assert found
    told = send(mine, page, "/sessions", action="end", session=found.group(1))
    assert "That device is signed out." in told.text
    assert len(live(house)) == 2
    send(mine, told, "/sessions", action="end_others")
    assert len(live(house)) == 1
    assert [each.get("/account").status_code for each in (first, second, mine)] == [303, 303, 200]


def test_home_leads_to_the_account(house: House) -> None:
    """The page at the issuer links to it, signed in or not."""
    for browser in (house.browser(), visitor(house)):
        assert 'href="https://idp.example/account"' in browser.get("/").text
