"""The demo's journey in a real Chromium, over three origins, with real keys, databases and processes."""

import time
from collections.abc import Iterator

import pyotp
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.demo import Demo, chromium, running_demo
from tests.virtual_authenticator import Device

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, running."""
    with running_demo(tmp_path_factory.mktemp("demo") / "home") as running:
        yield running


@pytest.fixture(scope="module")
def engine() -> Iterator[Browser]:
    """A Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(engine: Browser) -> Iterator[Page]:
    """A page in a browser without cookies."""
    context = engine.new_context()
    yield context.new_page()
    context.close()


def sign_in_to_shop(demo: Demo, page: Page) -> None:
    """Sign in through the Shop."""
    page.goto(f"{demo.shop}/login")
    demo.sign_in(page)
    expect(page.locator("#who")).to_contain_text("Dana Demo")


def test_one_sign_in_serves_two_origins(demo: Demo, page: Page) -> None:
    """The Shop asks for a password on the provider's page; the Bank, elsewhere, asks for nothing."""
    page.goto(demo.shop)
    page.click("#sign-in-hero")
    assert page.url.startswith(demo.idp)
    expect(page.locator("h1")).to_have_text("Sign in")
    demo.sign_in(page)
    expect(page.locator("#who")).to_contain_text("Dana Demo")
    subject = page.locator("[data-claim=sub]").inner_text()
    page.goto(f"{demo.bank}/login")
    expect(page.locator("[data-claim=sub]")).to_have_text(subject)
    assert page.url.startswith(demo.bank)


def test_shop_shows_why_it_believes(demo: Demo, page: Page) -> None:
    """Every check of the ID Token is shown with its result, and all of them passed."""
    sign_in_to_shop(demo, page)
    page.click("#why")
    expect(page.locator("#still-verifies")).to_have_attribute("data-verifies", "yes")
    assert "✗" not in page.locator("main").inner_text()


def test_bank_verifies_by_itself(demo: Demo, page: Page) -> None:
    """Of all the calls to the Bank's API only the one with the token meant for it is accepted."""
    sign_in_to_shop(demo, page)
    page.goto(f"{demo.shop}/try")
    page.click("#try-all")
    results = page.locator("#results .result")
    expect(results.nth(5)).to_be_visible()
    endings = [results.nth(i).get_attribute("data-ending") for i in range(results.count())]
    assert endings.count("accepted") == 1
    assert endings.count("refused") >= 5
    assert page.locator(".unexpected").count() == 0


def test_sign_out_reaches_the_bank_within_a_second(demo: Demo, page: Page) -> None:
    """The Bank's open page changes by itself when the Shop signs out everywhere."""
    sign_in_to_shop(demo, page)
    bank = page.context.new_page()
    bank.goto(f"{demo.bank}/login")
    expect(bank.locator("[data-claim=sub]")).to_be_visible()
    page.goto(f"{demo.shop}/logout")
    page.click("#sign-out-everywhere")
    began = time.monotonic()
    expect(bank.locator("[data-claim=sub]")).to_have_count(0, timeout=5_000)
    assert time.monotonic() - began < 1.5
    page.goto(f"{demo.bank}/login")
    expect(page.locator("#login-submit")).to_be_visible()


def test_rotation_needs_no_restart(demo: Demo, page: Page) -> None:
    """After a rotation the next sign-in carries another kid, and the old token still verifies."""
    sign_in_to_shop(demo, page)
    page.goto(f"{demo.shop}/token")
    before = page.locator("#signed-by").inner_text()
    demo.run_idp("keys", "rotate")
    time.sleep(1)  # running instances follow within a second
    page.reload()
    expect(page.locator("#still-verifies")).to_have_attribute("data-verifies", "yes")
    page.goto(f"{demo.shop}/login?next=/token")
    assert page.locator("#signed-by").inner_text() != before


def test_disabled_account_is_out_at_once(demo: Demo, page: Page) -> None:
    """Disabling the account ends its sessions: the Shop is told, and no sign-in works."""
    sign_in_to_shop(demo, page)
    try:
        demo.run_idp("user", "disable", "demo")
        expect(page.locator("#sign-in-hero")).to_be_visible(timeout=5_000)
        page.goto(f"{demo.shop}/login")
        demo.sign_in(page)
        expect(page.locator("[role=alert]")).to_contain_text("don’t match")
    finally:
        demo.run_idp("user", "enable", "demo")


def order_money(demo: Demo, page: Page) -> None:
    """Order a transfer at the Bank, which is signed in to, and see that its API refuses."""
    page.fill("#amount", "12.50")
    page.click("#move")
    expect(page.locator("h1")).to_have_text("One more step")
    expect(page.locator(".timeline")).to_contain_text("insufficient_user_authentication")


@pytest.mark.requirement("RFC 9470", "4")
def test_transfer_takes_the_passkey_alone(demo: Demo, page: Page) -> None:
    """Who signed in by password proves the passkey, nothing else, and the transfer that waited goes through."""
    demo.add_user("petra")
    device = Device(page)
    device.present(is_here=False)
    page.goto(f"{demo.bank}/login")
    demo.sign_in(page, "petra")
    expect(page.locator("#passkey-add")).to_be_visible()
    device.present(is_here=True)
    page.click("#passkey-add")
    expect(page.locator("#who")).to_be_visible()
    order_money(demo, page)
    page.click("#prove")
    expect(page.locator("h1")).to_have_text("Use your passkey")
    assert page.locator("#password").count() == 0
    page.click("#second-factor-passkey")
    expect(page.locator("#moved")).to_be_visible()
    assert page.url.startswith(f"{demo.bank}/transfers/")
    assert "phr" in page.locator(".timeline").inner_text()
    page.click("#to-accounts")
    expect(page.locator("[data-account=current]")).to_have_text("2,487.50 €")


def test_transfer_has_a_second_factor_set_up_on_the_way(demo: Demo, page: Page) -> None:
    """Who has none proves the password again, sets up an app, and is back where the transfer waits."""
    demo.add_user("otto")
    page.goto(f"{demo.bank}/login")
    demo.sign_in(page, "otto")
    expect(page.locator("#who")).to_be_visible()
    order_money(demo, page)
    page.click("#prove")
    page.fill("#password", demo.password)
    page.click("#login-submit")
    page.click("summary")
    secret = page.locator("code.secret").inner_text().replace(" ", "")
    page.fill("#code", pyotp.TOTP(secret).now())
    page.click("#set-up-submit")
    page.click("#codes-continue")
    expect(page.locator("#moved")).to_be_visible()
    assert "urn:signet:acr:mfa" in page.locator(".timeline").inner_text()
