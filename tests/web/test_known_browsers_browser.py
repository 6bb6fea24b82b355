"""Codes by mail, remembered browsers and "it wasn't me" in a real Chromium: every state is accessible and fits."""

import re
from collections.abc import Iterator

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.mail_sink import sink
from tests.mailing import Postal, link_in, mail_settings
from tests.second_factors import give_app
from tests.web.conftest import Live, running, sign_in
from tests.web.test_recovery_browser import check

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def mailing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, Postal]]:
    """The servers, and a mail server."""
    with (
        sink() as there,
        running(tmp_path_factory.mktemp("live"), allow_mailed_codes=True, **mail_settings(there)) as live,
    ):
        yield live, Postal(live.house, there)


@pytest.fixture
def page(engine: Browser) -> Iterator[Page]:
    """A page."""
    context = engine.new_context()
    yield context.new_page()
    context.close()


def test_code_by_mail(mailing: tuple[Live, Postal], page: Page) -> None:
    """The button, the code, a wrong one, and in."""
    live, post = mailing
    page.goto(live.authorize_url("vault"))
    sign_in(page, "bob")
    check(page, "#second-factor-send")
    page.click("#second-factor-send")
    post.deliver()
    found = re.search(r"^(\d{8})$", post.sink.text(), re.MULTILINE)
    assert found
    check(page, "#second-factor-submit")
    page.fill("#code", "00000000")
    page.keyboard.press("Enter")
    check(page, "[role=alert]")
    page.fill("#code", found.group(1))
    page.click("#second-factor-submit")
    expect(page.locator("#arrived")).to_be_visible()


def test_remembered_and_disowned(mailing: tuple[Live, Postal], engine: Browser, page: Page) -> None:
    """Ticked once, the password is enough here, as the devices say; the mail of another browser ends it all."""
    live, post = mailing
    app = give_app(live.house, "dave")
    with_code(live, page, app)
    check(page, "#remember-device")
    assert not page.is_checked("#remember-device")
    page.check("#remember-device")
    page.click("#second-factor-submit")
    page.goto(f"{live.issuer}/account/sessions")
    check(page, "h2")
    other = engine.new_context().new_page()
    with_code(live, other, app)
    other.click("#second-factor-submit")
    expect(other.locator(".places")).to_be_visible()
    post.deliver()
    other.goto(link_in(post.sink.text()))
    check(other, "#not-me")
    other.click("#not-me")
    check(other, "#not-me-done")
    other.click("#not-me-continue")
    expect(other.locator("#forgotten-submit")).to_be_visible()
    other.context.close()
    page.goto(f"{live.issuer}/account")
    sign_in(page, "dave")
    expect(page.locator("#second-factor-submit")).to_be_visible()


def with_code(live: Live, page: Page, app: pyotp.TOTP) -> None:
    """Sign in as dave at the account pages and fill in the app's next code."""
    live.house.clock.move(30)
    page.goto(f"{live.issuer}/account")
    sign_in(page, "dave")
    page.fill("#code", app.at(live.house.clock.now()))
