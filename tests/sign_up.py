"""Signing up in tests: from the sign-in page to the link in the mail, and by it to an account."""

from typing import Any

import httpx2

from tests.mailing import Postal, link_in
from tests.provider import Browser

NEW_PASSWORD = "some words in a row"
CAROL = "carol@new.example"


def start(browser: Browser, page: httpx2.Response) -> httpx2.Response:
    """Go from a sign-in page to the sign-up page."""
    assert 'id="sign-up"' in page.text, page.text
    return browser.get(f"/sign-up?flow={page.url.params['flow']}")


def ask(browser: Browser, email: str = CAROL, page: httpx2.Response | None = None, **more: str) -> httpx2.Response:
    """Ask for the mail; on the way to a client unless another page is given."""
    page = page or start(browser, browser.follow(browser.authorize()))
    return browser.submit(page, email=email, action="send", **more)


def link_for(post: Postal, browser: Browser, email: str = CAROL, **more: Any) -> str:
    """Ask for the mail and return its link."""
    before = len(post.sink.mails)
    assert 'id="sign-up-sent"' in ask(browser, email, **more).text
    post.deliver()
    assert len(post.sink.mails) == before + 1
    return link_in(post.sink.text())


def finish(browser: Browser, link: str, username: str = "carol", **more: str) -> httpx2.Response:
    """Open the link, send its form, and go on as far as the provider goes."""
    page = browser.follow(browser.get(link))
    if 'id="sign-up-finish"' not in page.text:
        return page
    return browser.submit(page, **({"username": username, "password": NEW_PASSWORD} | more))
