"""The account pages in a real Chromium: accessible in both schemes and narrow, by keyboard, without JavaScript."""

from collections.abc import Callable, Iterator
from itertools import count

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from idp.stores.records import Authenticator
from tests.second_factors import account_id
from tests.web.conftest import Live, sign_in
from tests.web.test_pages_browser import RULES, check_state

pytestmark = pytest.mark.browser

# Colours are the same at every width, so each scheme is judged once.
LOOKS = [("light", 900), ("dark", 320)]
NUMBERS = count()


def enter(live: Live, page: Page, path: str = "", username: str = "bob") -> None:
    """Go to an account page."""
    page.goto(f"{live.issuer}/account{path}")
    if page.locator("#login-submit").count():
        sign_in(page, username)
    expect(page.locator(".places")).to_be_visible()


def at_profile_faults(live: Live, page: Page) -> None:
    """Go to the profile after something wrong was sent."""
    enter(live, page, "/profile")
    page.fill("#zoneinfo", "nowhere")
    page.click("#profile-save")


def at_wrong_password(live: Live, page: Page) -> None:
    """Go to the form for a new password after a wrong one."""
    enter(live, page, "/password")
    page.fill("#current", "wrong")
    page.fill("#new", "a new one of fifteen")
    page.click("#password-save")


def at_methods(live: Live, page: Page) -> None:
    """Go to the methods of an account that has some."""
    owner = account_id(live.house, "bob")
    with live.house.storage.begin() as uow:
        if uow.authenticators.find("laptop") is None:
            made = Authenticator(
                authenticator_id="laptop",
                account_id=owner,
                method="passkey",
                name="Laptop",
                secret="",
                created_at=live.house.clock.now(),
            )
            uow.authenticators.add(made)
    enter(live, page, "/methods")


def at_passkey(live: Live, page: Page) -> None:
    """Go to the form that adds a passkey, of somebody who has none that would be asked for."""
    with live.house.storage.begin() as uow:
        for method in ("passkey", "recovery_code"):
            uow.authenticators.remove_all(account_id(live.house, "bob"), method)
    enter(live, page, "/methods/passkey")


def at_refused_passkey(live: Live, page: Page) -> None:
    """Go to it after an answer that proves nothing."""
    at_passkey(live, page)
    page.evaluate("document.querySelector('form[data-ceremony]').submit()")


def at_codes(live: Live, page: Page) -> None:
    """Go to the page that asks before it makes new codes."""
    at_methods(live, page)
    page.goto(f"{live.issuer}/account/methods/codes")


def at_new_codes(live: Live, page: Page) -> None:
    """Go to the page that shows new codes."""
    at_codes(live, page)
    page.click("#codes-make")


def at_accounts(live: Live, page: Page) -> None:
    """Open the accounts of a browser that two are signed in in."""
    enter(live, page)
    page.click("#switcher")
    if not page.locator("button.leave").count():
        page.click("#another-account")
        sign_in(page, "alice")
        page.click("#switcher")
        page.locator("button.account").first.click()
        page.click("#switcher")


def at_sessions(live: Live, page: Page) -> None:
    """Go to the devices, of which there are several by now."""
    enter(live, page, "/sessions")


def at_applications(live: Live, page: Page) -> None:
    """Go to the applications of someone who allowed one."""
    page.goto(live.authorize_url("third", prompt="consent"))
    page.click("#consent-allow")
    expect(page.locator("#arrived")).to_be_visible()
    enter(live, page, "/applications")


STATES: dict[str, tuple[Callable[[Live, Page], None], str]] = {
    "overview": (enter, "h1"),
    "accounts": (at_accounts, "button.leave"),
    "profile-faults": (at_profile_faults, "[role=alert]"),
    "wrong-password": (at_wrong_password, "[role=alert]"),
    "methods": (at_methods, "main summary"),
    "app": (lambda live, page: enter(live, page, "/methods/app"), "#set-up-submit"),
    "passkey": (at_passkey, "#passkey-add"),
    "passkey-refused": (at_refused_passkey, "[role=alert]"),
    "codes": (at_codes, "#codes-make"),
    "new-codes": (at_new_codes, "#codes-continue"),
    "sessions": (at_sessions, ".badge"),
    "applications": (at_applications, ".scopes"),
    "activity": (lambda live, page: enter(live, page, "/activity"), "time"),
    "data": (lambda live, page: enter(live, page, "/data"), "#download"),
    "delete": (lambda live, page: enter(live, page, "/delete"), "#delete-account"),
}


@pytest.fixture(scope="module")
def insider(live: Live, engine: Browser) -> Iterator[BrowserContext]:
    """A browser in which bob is signed in."""
    context = engine.new_context(reduced_motion="reduce")
    page = context.new_page()
    enter(live, page)
    page.close()
    yield context
    context.close()


@pytest.mark.parametrize("state", list(STATES))
def test_page_is_accessible_quiet_and_fits(live: Live, insider: BrowserContext, state: str) -> None:
    """No axe violation, no console error, no sideways scroll: light and wide, dark and narrow."""
    go, landmark = STATES[state]
    page = insider.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "status of 4" not in message.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    go(live, page)
    expect(page.locator(landmark).first).to_be_visible()
    assert page.locator("h1").count() == 1
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 800})
        results = Axe().run(page, options=RULES)
        assert results.violations_count == 0, results.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        small = page.evaluate(
            "[...document.querySelectorAll('main a, nav a, button')].filter(e => e.offsetParent)"
            ".filter(e => !e.closest('p') && (e.offsetWidth < 24 || e.offsetHeight < 24)).map(e => e.textContent)"
        )
        assert small == []
    assert complaints == []
    page.close()


def test_everything_without_javascript(live: Live, engine: Browser) -> None:
    """Profile, an app and its codes, signing out another device: forms and links alone."""
    context = engine.new_context(java_script_enabled=False)
    other = context.browser.new_context() if context.browser else context
    enter(live, other.new_page(), "", "alice")
    page = context.new_page()
    enter(live, page, "", "alice")
    page.get_by_role("link", name="Profile").click()
    page.fill("#nickname", "Al")
    page.click("#profile-save")
    expect(page.get_by_role("status")).to_have_text("Your profile is saved.")
    page.get_by_role("link", name="Sign-in methods").click()
    page.get_by_role("link", name="Set up authenticator app").click()
    page.click("main summary")
    secret = page.locator(".secret").inner_text().replace(" ", "")
    page.fill("#code", pyotp.TOTP(secret).at(live.house.clock.now()))
    page.click("#set-up-submit")
    page.click("#codes-continue")
    page.get_by_role("button", name="Remove authenticator app").click()
    expect(page.get_by_role("status")).to_have_text("The authenticator app is removed.")
    page.get_by_role("link", name="Devices").click()
    page.click("#end-others")
    expect(page.get_by_role("status")).to_have_text("All other devices are signed out.")
    other.close()
    context.close()


def test_places_by_keyboard(live: Live, page: Page) -> None:
    """The account comes first, then the places, in the order in sight; the one that is shown says so."""
    enter(live, page)
    page.keyboard.press("Tab")
    expect(page.locator("#switcher")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-current')") == "page"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Profile")


def at_closed(live: Live, page: Page) -> None:
    """Delete an account that is made for it."""
    name = f"leaver{next(NUMBERS)}"
    live.house.add_account(name)
    enter(live, page, "/delete", name)
    page.click("#delete-account")
    expect(page.locator("#account-closed")).to_be_visible()
    page.click("#sign-in-to-keep")
    sign_in(page, name)


@pytest.mark.parametrize("end", ["account-keep", "account-leave"])
def test_closed_account(live: Live, engine: Browser, end: str) -> None:
    """Whoever signs in is asked, in every light; keeping it leads on to the account, leaving it closed does not."""

    def go(live: Live, page: Page) -> None:
        at_closed(live, page)
        if end == "account-leave":
            page.click("#account-leave")

    check_state(live, engine, go, "#account-keep" if end == "account-keep" else "h1")
