"""Finding one's way through the account pages in tests."""

import re

import httpx2

from tests.provider import PASSWORD, Browser, House


def at(browser: Browser, path: str = "", username: str = "alice", password: str = PASSWORD) -> httpx2.Response:
    """Go to an account page, through the sign-in page where it is asked for."""
    page = browser.follow(browser.get(f"/account{path}"))
    if 'id="login-submit"' in page.text:
        page = browser.sign_in(page, username, password)
    return page


def visitor(house: House, username: str = "alice") -> Browser:
    """Return a browser that is signed in at the account pages."""
    browser = house.browser()
    page = at(browser, "", username)
    assert page.status_code == 200, page.text
    return browser


def send(browser: Browser, page: httpx2.Response, path: str, **fields: str) -> httpx2.Response:
    """Send a form of this page to a path below the account, with the page's anti-forgery token."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    return browser.follow(browser.post(f"/account{path}", data={"csrf_token": found.group(1)} | fields))
