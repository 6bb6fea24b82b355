"""A forgotten password in a real Chromium: every state is accessible and fits, and all works without JavaScript."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.mail_sink import sink
from tests.mailing import Postal, mail_settings
from tests.web.conftest import Live, running, sign_in
from tests.web.test_accessibility_browser import press_until
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


def test_by_keyboard(mailing: tuple[Live, Postal], page: Page) -> None:
    """From the sign-in page to a new password, past one that is refused, and in by it: Tab, Enter and letters alone,
    the link of the mail apart. Where there is one field it has the focus, and an error takes it."""
    live, post = mailing
    live.house.add_account("keys")
    page.goto(live.authorize_url())
    press_until(page, "#forgotten")
    page.keyboard.press("Enter")
    expect(page.locator("#username")).to_be_focused()
    page.keyboard.type("keys")
    page.keyboard.press("Enter")
    expect(page.locator("#forgotten-sent")).to_be_visible()
    tab = page.context.new_page()
    tab.goto(sent_link(post))
    expect(tab.locator("#password")).to_be_focused()
    tab.keyboard.type("short")
    tab.keyboard.press("Enter")
    expect(tab.locator("#error-summary")).to_be_focused()
    press_until(tab, "#password")
    tab.keyboard.type(NEW)
    press_until(tab, "#password-submit")
    tab.keyboard.press("Enter")
    expect(tab.locator("#password-set")).to_be_visible()
    tab.close()
    press_until(page, ".more a")
    page.keyboard.press("Enter")
    expect(page.locator("#username")).to_be_focused()
    page.keyboard.type("keys")
    press_until(page, "#password")
    page.keyboard.type(NEW)
    page.keyboard.press("Enter")
    expect(page.locator("#arrived")).to_be_visible()


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
