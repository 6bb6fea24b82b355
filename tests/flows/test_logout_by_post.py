"""Sign-out by a form on the relying party's own site, whose POST brings no cookie."""

import pytest

from tests.provider import House


@pytest.mark.requirement("OIDC RP-Initiated Logout 1.0", "2")
def test_cross_site_post_signs_out(house: House) -> None:
    """A POST without cookies is decided on the GET that follows it, which has them."""
    browser = house.browser()
    tokens = browser.tokens()
    cookies = dict(browser.cookies)
    browser.cookies.clear()
    posted = browser.post("/oauth2/logout", data={"id_token_hint": tokens["id_token"]})
    assert posted.status_code == 303
    assert "id_token_hint" not in posted.headers["location"]
    for name, value in cookies.items():
        browser.cookies.set(name, value, domain="idp.example")
    page = browser.get(posted.headers["location"])
    assert 'id="logged-out"' in page.text
    assert browser.userinfo(tokens["access_token"]).status_code == 401


def test_stored_sign_out_is_used_once(house: House) -> None:
    """The address to which a POST leads works once."""
    browser = house.browser()
    browser.tokens()
    location = browser.post("/oauth2/logout", data={"state": "x"}).headers["location"]
    assert 'id="logout-confirm"' in browser.get(location).text
    assert "expired" in browser.get(location).text


def test_remembered_session_stays_remembered(house: House) -> None:
    """Switching between accounts keeps `Keep me signed in` in the cookie."""
    browser = house.browser()
    browser.sign_in(browser.follow(browser.authorize()), remember="yes")
    chooser = browser.follow(browser.authorize(prompt="select_account"))
    page = browser.submit(chooser, account="another")
    browser.sign_in(page, "bob")
    chooser = browser.follow(browser.authorize(prompt="select_account"))
    alice = chooser.text.split('name="account" value="')[2].split('"')[0]
    chosen = browser.submit(chooser, account=alice)
    sessions = next(c for c in chosen.headers.get_list("set-cookie") if "signet_sessions" in c)
    assert "Max-Age=" in sessions
