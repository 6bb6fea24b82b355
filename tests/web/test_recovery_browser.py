"""A forgotten password in a real Chromium: every state is accessible and fits, and all works without JavaScript."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.mail_sink import sink
from tests.mailing import Postal, mail_settings
from tests.web.conftest import Live, running, sign_in
from tests.web.test_pages_browser import RULES

pytestmark = pytest.mark.browser
NEW = "some words in a row"


@pytest.fixture(scope="module")
def mailing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, Postal]]:
    """The servers, and a mail server."""
    with sink() as there, running(tmp_path_factory.mktemp("live"), **mail_settings(there)) as live:
        yield live, Postal(live.house, there)


def check(page: Page, landmark: str) -> None:
    """Check a state: light and wide, dark and narrow."""
    expect(page.locator(landmark).first).to_be_visible()
    for scheme, width in (("light", 900), ("dark", 320)):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        page.set_viewport_size({"width": width, "height": 800})
        results = Axe().run(page, options=RULES)
        assert results.violations_count == 0, results.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def sent_link(post: Postal) -> str:
    """Have the mail sent and return its link."""
    post.deliver()
    return post.sink.text().partition("set one:")[2].split()[0]


def test_every_state_is_accessible_and_fits(mailing: tuple[Live, Postal], engine: Browser) -> None:
    """From the sign-in page to the new password, with what goes wrong on the way."""
    live, post = mailing
    page = engine.new_context().new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if "status of 4" not in said.text else None)
    page.goto(live.authorize_url())
    check(page, "#forgotten")
    page.click("#forgotten")
    check(page, "#forgotten-submit")
    page.evaluate("document.querySelector('form').noValidate = true")
    page.click("#forgotten-submit")
    check(page, "[role=alert]")
    page.fill("#username", "bob")
    page.keyboard.press("Enter")
    check(page, "#forgotten-sent")
    link = sent_link(post)
    page.goto(link)
    assert "token" not in page.url
    check(page, "#password-submit")
    page.fill("#password", "short")
    page.keyboard.press("Enter")
    check(page, "[role=alert]")
    expect(page.locator("#error-summary")).to_be_focused()
    page.fill("#password", NEW)
    page.keyboard.press("Enter")
    check(page, "#password-set")
    page.goto(link)
    check(page, "#op-error")
    assert complaints == []
    page.context.close()


def test_without_javascript(mailing: tuple[Live, Postal], engine: Browser) -> None:
    """To a new password and in by it, at the application that was left for it."""
    live, post = mailing
    context = engine.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(live.authorize_url())
    page.click("#forgotten")
    page.fill("#username", "alice@example.org")
    page.click("#forgotten-submit")
    back = page.get_by_text("Back to sign in").get_attribute("href")
    assert back
    page.goto(sent_link(post))
    page.fill("#password", NEW)
    page.click("#password-submit")
    expect(page.locator("#password-set")).to_be_visible()
    page.goto(back)
    sign_in(page, "alice", NEW)
    expect(page.locator("#arrived")).to_be_visible()
    context.close()
