"""Each language in a real Chromium: read from its side, without a sideways scroll, chosen without JavaScript."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from idp.languages import LANGUAGES
from tests.web.conftest import Live, sign_in
from tests.web.test_pages_browser import RULES

pytestmark = pytest.mark.browser
NARROW = {"width": 320, "height": 800}


def assert_fits(page: Page) -> None:
    """Nothing is wider than the window, and axe finds no fault."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    results = Axe().run(page, options=RULES)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("tag", LANGUAGES)
def test_sign_in_page_of_a_language_is_accessible(live: Live, engine: Browser, tag: str) -> None:
    """At 320 px, with the languages open (experience, points 16 and 19)."""
    context = engine.new_context(locale=tag, viewport=NARROW)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(live.authorize_url())
    assert page.get_attribute("html", "lang") == tag
    page.locator(".languages summary").click()
    assert_fits(page)
    context.close()


@pytest.mark.parametrize("tag", ["ar", "de"])
def test_pages_hold_the_longest_words_and_the_other_direction(live: Live, engine: Browser, tag: str) -> None:
    """Long words are no reason to scroll sideways, and what stood left stands right where it is read from there."""
    context = engine.new_context(locale=tag, viewport=NARROW)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(live.authorize_url("third", prompt="consent"))
    sign_in(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    mark = page.locator(".tile .mark").bounding_box()
    assert mark is not None
    assert (mark["x"] > 160) is (tag == "ar")
    for path in ("/account/methods", "/account/password", "/account/sessions", "/account/profile"):
        page.goto(live.issuer + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()


def test_a_language_is_chosen_without_javascript(live: Live, engine: Browser) -> None:
    """On the page of a flow, which goes on in it."""
    context = engine.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(live.authorize_url(ui_locales="fr"))
    address = page.url
    page.locator(".languages summary").click()
    live.house.clock.move(1)
    page.get_by_role("button", name="Deutsch").click()
    expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()
    assert page.url == address
    sign_in(page)
    expect(page.locator("#arrived")).to_be_visible()
    context.close()
