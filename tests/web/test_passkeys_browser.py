"""Passkeys in a real Chromium, with an authenticator that DevTools gives it: each way in, each way to have one."""

import base64
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from idp.authentication.methods import passkey
from tests.provider import PASSWORD
from tests.second_factors import account_id
from tests.virtual_authenticator import Device
from tests.web.conftest import Landing, Live, sign_in
from tests.web.test_pages_browser import check_state

pytestmark = pytest.mark.browser


@pytest.fixture
def device(page: Page) -> Device:
    """The authenticator."""
    return Device(page)


@pytest.fixture(autouse=True)
def _no_passkeys(live: Live) -> Iterator[None]:
    """Leave the accounts as they were."""
    yield
    with live.house.storage.begin() as uow:
        for name in ("alice", "bob", "carol"):
            uow.authenticators.remove_all(account_id(live.house, name), passkey.NAME)


def add_one(live: Live, page: Page, device: Device, name: str = "alice") -> None:
    """Sign in by password and take the offer."""
    device.present(is_here=False)
    page.goto(live.authorize_url())
    sign_in(page, name)
    expect(page.locator("#passkey-add")).to_be_visible()
    device.present(is_here=True)
    page.click("#passkey-add")
    expect(page.locator("#arrived")).to_be_visible()
    assert len(device.credentials()) == 1
    page.context.clear_cookies()


def test_offer_and_button(live: Live, page: Page, device: Device) -> None:
    """What was added after a password signs in by the button, and is named after the browser."""
    add_one(live, page, device)
    device.present(is_here=False)
    page.goto(live.authorize_url())
    expect(page.locator("#login-passkey")).to_be_visible()
    device.present(is_here=True)
    page.click("#login-passkey")
    expect(page.locator("#arrived")).to_be_visible()
    with live.house.storage.snapshot() as uow:
        owner = account_id(live.house)
        (mine,) = passkey.of_account(uow, owner)
        live_sessions = uow.sessions.list_live(owner, live.house.clock.now())
    assert mine.name == "Chrome on Linux"
    assert mine.counter > 0
    assert base64.b64decode(device.credentials()[0]["userHandle"]).decode() == owner
    assert ("pop", "user", "mfa") in {session.amr for session in live_sessions}


def test_autofill(live: Live, page: Page, device: Device) -> None:
    """The list under the name field signs in by itself, without a click on the page."""
    add_one(live, page, device, "bob")
    Landing.seen.clear()
    page.goto(live.authorize_url())
    expect(page.locator("#arrived")).to_be_visible()
    assert any(each.startswith("GET /cb?code=") for each in Landing.seen)


def test_refusal_is_said_and_the_password_still_works(live: Live, page: Page, device: Device) -> None:
    """Who is not the device's owner reads so, and nothing was sent."""
    add_one(live, page, device)
    device.verify(is_owner=False)
    page.goto(live.authorize_url())
    page.click("#login-passkey")
    expect(page.get_by_text("No passkey was used.")).to_be_visible()
    sign_in(page)
    expect(page.locator("#arrived")).to_be_visible()


def test_passkey_that_is_not_known(live: Live, page: Page, device: Device) -> None:
    """One that was removed here, but not there, is refused by the page, which takes the password."""
    add_one(live, page, device)
    with live.house.storage.begin() as uow:
        uow.authenticators.remove_all(account_id(live.house), passkey.NAME)
    page.goto(live.authorize_url())
    expect(page.get_by_text("That passkey doesn’t count here.")).to_be_visible()


def test_added_on_the_account_page(live: Live, page: Page, device: Device) -> None:
    """One that its owner named, and then another: a device that has one says so."""
    device.present(is_here=False)
    page.goto(f"{live.issuer}/account/methods/passkey")
    sign_in(page, "bob")
    page.click("#passkey-skip")
    page.fill("#name", "My key")
    device.present(is_here=True)
    page.click("#passkey-add")
    expect(page.get_by_role("status")).to_contain_text("The passkey is added.")
    expect(page.get_by_text("My key").first).to_be_visible()
    page.get_by_role("link", name="Add a passkey").click()
    page.click("#second-factor-passkey")
    page.click("#passkey-add")
    expect(page.get_by_text("has a passkey for this account already")).to_be_visible()
    assert len(device.credentials()) == 1


def test_not_now_is_asked_once(live: Live, page: Page, device: Device) -> None:
    """The way goes on, and the next sign-in asks nothing."""
    page.goto(live.authorize_url())
    sign_in(page)
    page.click("#passkey-skip")
    expect(page.locator("#arrived")).to_be_visible()
    page.goto(live.authorize_url(prompt="login"))
    page.fill("#password", PASSWORD)
    page.click("#login-submit")
    expect(page.locator("#arrived")).to_be_visible()
    assert device.credentials() == []


def test_step_up(live: Live, page: Page, device: Device) -> None:
    """Somebody signed in by password is asked for the passkey alone."""
    add_one(live, page, device)
    device.present(is_here=False)
    page.goto(live.authorize_url())
    sign_in(page)
    expect(page.locator("#arrived")).to_be_visible()
    device.present(is_here=True)
    page.goto(live.authorize_url(acr_values="phr"))
    page.click("#second-factor-passkey")
    expect(page.locator("#arrived")).to_be_visible()
    assert "code=" in page.url


def test_without_javascript_nothing_of_it_shows(live: Live, engine: Browser) -> None:
    """The page is as it was."""
    context = engine.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(live.authorize_url())
    expect(page.locator("#login-submit")).to_be_visible()
    expect(page.locator("#login-passkey")).to_be_hidden()
    expect(page.locator(".or")).to_be_hidden()
    sign_in(page)
    expect(page.locator("#arrived")).to_be_visible()
    context.close()


def at_offer(live: Live, page: Page) -> None:
    """Go to the offer."""
    Device(page)
    page.goto(live.authorize_url())
    sign_in(page)


def at_passkey(live: Live, page: Page) -> None:
    """Go to the page that asks for a passkey after a password."""
    device = Device(page)
    add_one(live, page, device)
    device.present(is_here=False)
    page.goto(live.authorize_url("vault"))
    sign_in(page)


def at_unused(live: Live, page: Page) -> None:
    """Go to the sign-in page after a passkey that was not used."""
    device = Device(page)
    device.verify(is_owner=False)
    page.goto(live.authorize_url())
    page.click("#login-passkey")


STATES: dict[str, tuple[Callable[[Live, Page], None], str]] = {
    "offer": (at_offer, "#passkey-add"),
    "passkey": (at_passkey, "#second-factor-passkey"),
    "unused": (at_unused, "[data-passkey-problem]:not(:empty)"),
}


@pytest.mark.parametrize("state", list(STATES))
def test_page_is_accessible_quiet_and_fits(live: Live, engine: Browser, state: str) -> None:
    """As the other pages are."""
    check_state(live, engine, *STATES[state])
