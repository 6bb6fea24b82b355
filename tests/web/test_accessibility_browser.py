"""What the other tests of the pages leave out: forced colours, large text, zoom, still pictures, and journeys by the
keyboard alone. `docs/accessibility.md` says what is covered where."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.provider import PASSWORD
from tests.second_factors import account_id, give_app
from tests.web.conftest import Live
from tests.web.test_account_browser import enter
from tests.web.test_pages_browser import STATES

pytestmark = pytest.mark.browser

# One of each kind: forms, choices, codes, errors.
SHOWN = ("wrong-password", "consent", "accounts", "set-up")
ACCOUNT = ("", "/profile", "/password", "/methods", "/sessions", "/applications", "/activity", "/data", "/delete")
# What can be operated and would not be seen: without a border, an outline or an underline of its own.
UNSEEN = """() => [...document.querySelectorAll('button, input:not([type=hidden]), a.primary, a.secondary, a.button')]
    .filter(e => e.offsetParent && e.type !== 'checkbox' && !e.matches('.unseen'))
    .filter(e => ![e, e.closest('.box')].some(x => x && (
        parseFloat(getComputedStyle(x).borderTopWidth) > 0 || getComputedStyle(x).textDecorationLine !== 'none' ||
        getComputedStyle(x).outlineStyle !== 'none'))).map(e => e.outerHTML.slice(0, 80))"""
MOVING = "() => document.getAnimations().length"
WIDE = "() => document.documentElement.scrollWidth > innerWidth"


def check_page(page: Page) -> None:
    """Check that all that can be operated is seen in forced colours; that nothing moves where motion is unwanted; that
    at 400 % of 1280 px, which is 320 px, and with text of twice the size, nothing is scrolled sideways."""
    assert page.evaluate(MOVING) == 0
    page.emulate_media(forced_colors="active")
    assert page.evaluate(UNSEEN) == []
    page.emulate_media(forced_colors="none")
    page.set_viewport_size({"width": 320, "height": 256})
    assert not page.evaluate(WIDE)
    page.set_viewport_size({"width": 1280, "height": 1024})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert not page.evaluate(WIDE)


@pytest.mark.parametrize("state", SHOWN)
def test_hosted_page(live: Live, engine: Browser, state: str) -> None:
    """A page on the way to an application."""
    context = engine.new_context(reduced_motion="reduce")
    page = context.new_page()
    STATES[state][0](live, page)
    check_page(page)
    context.close()


def test_account_pages(live: Live, engine: Browser) -> None:
    """Each of them."""
    context = engine.new_context(reduced_motion="reduce")
    page = context.new_page()
    for path in ACCOUNT:
        enter(live, page, path)
        check_page(page)
    context.close()


def test_what_would_not_be_seen_is_found(live: Live, page: Page) -> None:
    """The checks themselves: a button without a border, and a line that is too long."""
    page.goto(live.authorize_url())
    page.emulate_media(forced_colors="active")
    page.evaluate("document.querySelector('#login-cancel').style.cssText = 'all: unset'")
    assert len(page.evaluate(UNSEEN)) == 1
    page.evaluate("document.querySelector('h1').style.width = '3000px'")
    assert page.evaluate(WIDE)


def press_until(page: Page, selector: str) -> None:
    """Press Tab until something has the focus, which is then seen."""
    for _ in range(40):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            break
        page.keyboard.press("Tab")
    expect(page.locator(selector)).to_be_focused()
    outline = page.evaluate(
        "() => [document.activeElement, document.activeElement.closest('.box')].some(e => e && "
        "(getComputedStyle(e).outlineStyle !== 'none' || getComputedStyle(e).boxShadow !== 'none'))"
    )
    assert outline, selector


def test_second_step_and_account_by_keyboard(live: Live, page: Page) -> None:
    """Sign-in, the code of an app, then deleting the account and keeping it: Tab, Enter and letters alone."""
    live.house.add_account("keys")
    app = give_app(live.house, "keys")
    page.goto(f"{live.issuer}/account/delete")
    page.keyboard.type("keys")
    press_until(page, "#password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#code")).to_be_focused()
    live.house.clock.move(30)
    page.keyboard.type(app.at(live.house.clock.now()))
    page.keyboard.press("Enter")
    expect(page.locator("#delete-account")).to_be_visible()
    press_until(page, "#delete-account")
    page.keyboard.press("Enter")
    expect(page.locator("#account-closed")).to_be_visible()
    with live.house.storage.snapshot() as uow:
        account = uow.accounts.find(account_id(live.house, "keys"))
    assert account is not None
    assert not account.is_open


def test_second_step_and_deletion_without_javascript(live: Live, engine: Browser) -> None:
    """The same by forms and links, and keeping the account in the end."""
    live.house.add_account("plain")
    app = give_app(live.house, "plain")
    context = engine.new_context(java_script_enabled=False)
    page = context.new_page()
    for path in ("/delete", ""):
        page.goto(f"{live.issuer}/account{path}")
        page.fill("#username", "plain")
        page.fill("#password", PASSWORD)
        page.click("#login-submit")
        live.house.clock.move(30)
        page.fill("#code", app.at(live.house.clock.now()))
        page.click("#second-factor-submit")
        if path:
            page.click("#delete-account")
            expect(page.locator("#account-closed")).to_be_visible()
    page.click("#account-keep")
    expect(page.locator(".places")).to_be_visible()
    context.close()
