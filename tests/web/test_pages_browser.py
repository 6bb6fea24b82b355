"""The hosted pages in a real Chromium: seen, operated, measured."""

from collections.abc import Callable, Iterator

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.provider import PASSWORD
from tests.second_factors import account_id
from tests.web.conftest import Landing, Live, sign_in

pytestmark = pytest.mark.browser

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
LOOKS = [("light", 900), ("dark", 900), ("light", 320), ("dark", 320)]


def at_sign_in(live: Live, page: Page) -> None:
    """Go to the sign-in page."""
    page.goto(live.authorize_url())


def at_missing(live: Live, page: Page) -> None:
    """Go to the sign-in page with something missing."""
    page.goto(live.authorize_url())
    page.evaluate("document.querySelector('form').noValidate = true")
    page.click("#login-submit")


def at_wrong_password(live: Live, page: Page) -> None:
    """Go to the sign-in page after a wrong password."""
    page.goto(live.authorize_url())
    sign_in(page, "nobody@example.org", "wrong")


def at_throttled(live: Live, page: Page) -> None:
    """Go to the sign-in page after too many tries."""
    page.goto(live.authorize_url())
    for _ in range(6):
        sign_in(page, "mallory", "wrong")


def at_again(live: Live, page: Page) -> None:
    """Go to the sign-in page that asks someone signed in to prove it afresh."""
    page.goto(live.authorize_url())
    sign_in(page)
    page.goto(live.authorize_url(prompt="login"))


def at_consent(live: Live, page: Page) -> None:
    """Go to the consent page."""
    page.goto(live.authorize_url("third", prompt="consent", scope="openid profile email offline_access"))
    sign_in(page)


def at_sign_in_with_logo(live: Live, page: Page) -> None:
    """Go to the sign-in page for a client with logo, policy and terms."""
    page.goto(live.authorize_url("stranger"))


def at_consent_with_logo(live: Live, page: Page) -> None:
    """Go to the consent page of a client that registered itself."""
    page.goto(live.authorize_url("stranger", prompt="consent"))
    sign_in(page)


def at_accounts(live: Live, page: Page) -> None:
    """Go to the account chooser with two accounts."""
    page.goto(live.authorize_url())
    sign_in(page)
    page.goto(live.authorize_url(prompt="select_account"))
    page.get_by_text("Use another account").click()
    sign_in(page, "bob")
    page.goto(live.authorize_url(prompt="select_account"))


def at_second_factor(live: Live, page: Page) -> None:
    """Go to the page that asks for the code of an app."""
    page.goto(live.authorize_url())
    sign_in(page, "carol")


def at_wrong_code(live: Live, page: Page) -> None:
    """Go to that page after a wrong code."""
    at_second_factor(live, page)
    page.fill("#code", "000000")
    page.click("#second-factor-submit")
    with live.house.storage.begin() as uow:
        live.house.server.throttle.second_factor_succeeded(uow, account_id(live.house, "carol"))


def at_recovery_code(live: Live, page: Page) -> None:
    """Go to the page that asks for a recovery code."""
    at_second_factor(live, page)
    page.get_by_text("use a recovery code").click()


def at_set_up(live: Live, page: Page) -> None:
    """Go to the page that sets up an app, for a client that demands it."""
    with live.house.storage.begin() as uow:
        uow.authenticators.remove_all(account_id(live.house, "dave"), "totp")
        uow.authenticators.remove_all(account_id(live.house, "dave"), "recovery_code")
    page.goto(live.authorize_url("vault"))
    sign_in(page, "dave")


def at_recovery_codes(live: Live, page: Page) -> None:
    """Go to the page that shows the codes."""
    at_set_up(live, page)
    page.click("summary")
    secret = page.locator(".secret").inner_text().replace(" ", "")
    page.fill("#code", pyotp.TOTP(secret).at(live.house.clock.now()))
    page.click("#set-up-submit")


def at_sign_out(live: Live, page: Page) -> None:
    """Go to the sign-out question."""
    page.goto(live.authorize_url())
    sign_in(page)
    page.goto(f"{live.issuer}/oauth2/logout")


def at_signed_out(live: Live, page: Page) -> None:
    """Go to the end of a session."""
    at_sign_out(live, page)
    page.click("#logout-confirm")


def at_error(live: Live, page: Page) -> None:
    """Go to the error page."""
    page.goto(live.authorize_url(redirect_uri="https://evil.example/cb"))


def at_missing_page(live: Live, page: Page) -> None:
    """Go where nothing is."""
    page.goto(f"{live.issuer}/nothing")


def at_home(live: Live, page: Page) -> None:
    """Go to the issuer itself."""
    page.goto(f"{live.issuer}/")


STATES: dict[str, tuple[Callable[[Live, Page], None], str]] = {
    "sign-in": (at_sign_in, "#login-submit"),
    "missing": (at_missing, "[role=alert]"),
    "wrong-password": (at_wrong_password, "[role=alert]"),
    "throttled": (at_throttled, "[role=alert]"),
    "again": (at_again, "#login-submit"),
    "consent": (at_consent, "#consent-allow"),
    "sign-in-with-logo": (at_sign_in_with_logo, "img.mark"),
    "consent-with-logo": (at_consent_with_logo, "img.mark"),
    "accounts": (at_accounts, ".account"),
    "second-factor": (at_second_factor, "#second-factor-submit"),
    "wrong-code": (at_wrong_code, "[role=alert]"),
    "recovery-code": (at_recovery_code, "#second-factor-submit"),
    "set-up": (at_set_up, "#set-up-submit"),
    "recovery-codes": (at_recovery_codes, "#codes-continue"),
    "sign-out": (at_sign_out, "#logout-confirm"),
    "signed-out": (at_signed_out, "#logged-out"),
    "error": (at_error, "#op-error"),
    "not-found": (at_missing_page, "#op-error"),
    "home": (at_home, "h1"),
}


@pytest.mark.parametrize("state", list(STATES))
def test_page_is_accessible_quiet_and_fits(live: Live, engine: Browser, state: str) -> None:
    """No axe violation, no console error, nothing from elsewhere, no sideways scroll: light, dark, wide and narrow."""
    check_state(live, engine, *STATES[state])


def check_state(live: Live, engine: Browser, go: Callable[[Live, Page], None], landmark: str) -> None:
    """Go somewhere, and look at it in every light and at both widths."""
    # Without motion, so that no colour is caught on its way from light to dark.
    context = engine.new_context(viewport={"width": 900, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "status of 4" not in message.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    foreign: list[str] = []
    own = (live.issuer, live.relying_party)
    page.on("request", lambda request: None if request.url.startswith(own) else foreign.append(request.url))
    go(live, page)
    expect(page.locator(landmark).first).to_be_visible()
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == 1
    for scheme, width in LOOKS:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 800})
        results = Axe().run(page, options=RULES)
        assert results.violations_count == 0, results.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints == []
    assert foreign == []
    context.close()


@pytest.mark.parametrize("client_id", ["web", "third"])
def test_journey_without_javascript(live: Live, engine: Browser, client_id: str) -> None:
    """Sign-in and consent work with JavaScript off, and the redirect to the client gets through the form-action."""
    context = engine.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(live.authorize_url(client_id, prompt="consent" if client_id == "third" else "login"))
    sign_in(page, "alice", "wrong")
    expect(page.locator("[role=alert]")).to_be_visible()
    assert page.input_value("#username") == "alice"
    assert page.input_value("#password") == ""
    page.fill("#password", PASSWORD)
    page.click("#login-submit")
    if client_id == "third":
        page.click("#consent-allow")
    expect(page.locator("#arrived")).to_be_visible()
    assert page.url.startswith(f"{live.relying_party}/cb?code=")
    context.close()


def test_journey_by_keyboard(live: Live, page: Page) -> None:
    """Name, password, Enter: the keyboard alone is enough, and the order is the one in sight."""
    page.goto(live.authorize_url("third", prompt="consent"))
    expect(page.locator("#username")).to_be_focused()
    page.keyboard.type("alice")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    order = []
    for _ in range(5):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert order == ["reveal", "remember", "login-submit", "login-passkey", "login-cancel"]
    page.locator("#login-submit").focus()
    page.keyboard.press("Enter")
    page.locator("#consent-allow").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#arrived")).to_be_visible()


def test_cancel_and_deny_tell_the_client(live: Live, page: Page) -> None:
    """Cancel and Deny end at the client with access_denied."""
    page.goto(live.authorize_url("third", prompt="consent"))
    page.click("#login-cancel")
    expect(page.locator("#arrived")).to_be_visible()
    assert "error=access_denied" in page.url
    page.goto(live.authorize_url("third", prompt="consent"))
    sign_in(page)
    page.click("#consent-deny")
    expect(page.locator("#arrived")).to_be_visible()
    assert "error=access_denied" in page.url
    assert "state=st" in page.url


def test_password_can_be_shown(live: Live, page: Page) -> None:
    """The button shows and hides the password, and says which it will do."""
    page.goto(live.authorize_url())
    page.fill("#password", "secret")
    page.get_by_role("button", name="Show password").click()
    assert page.get_attribute("#password", "type") == "text"
    page.get_by_role("button", name="Hide password").click()
    assert page.get_attribute("#password", "type") == "password"


@pytest.mark.case("CR-11")
def test_logo_is_the_only_foreign_image(live: Live, page: Page) -> None:
    """It is loaded without a referrer and runs no script; no other image is, not even from the same place."""
    Landing.referrers.clear()
    at_consent_with_logo(live, page)
    expect(page.locator("img.mark")).to_have_js_property("complete", True)
    assert page.locator("img.mark").evaluate("e => [e.naturalWidth > 0, e.offsetWidth, e.offsetHeight]") == [
        True,
        44,
        44,
    ]
    assert set(Landing.referrers) == {""}
    assert page.title() == "Allow access · Signet"
    assert page.evaluate("window.owned") is None
    script = """url => new Promise(done => {
        document.addEventListener('securitypolicyviolation', event => done(event.effectiveDirective), {once: true})
        const image = new Image(); image.onload = () => done('loaded'); image.src = url
    })"""
    assert page.evaluate(script, f"{live.relying_party}/logo-of-another.svg") == "img-src"


@pytest.mark.case("CR-10")
def test_self_registered_client_is_told_from_the_provider(live: Live, page: Page) -> None:
    """It calls itself as the provider does and claims its address: the page says that nobody verified it, and where
    the answer goes; the links to its papers work."""
    at_consent_with_logo(live, page)
    expect(page.locator(".notice-caution")).to_contain_text("The operator of Signet has not verified it")
    expect(page.locator(".tile")).to_contain_text("rp.localhost")
    expect(page.locator(".tile")).to_contain_text("Not verified by Signet")
    assert "signet.example" not in page.content()
    for name, path in (("privacy policy", "policy"), ("terms of service", "terms")):
        page.get_by_role("link", name=name).click()
        expect(page.locator("#arrived")).to_be_visible()
        assert page.url == f"{live.relying_party}/{path}"
        page.go_back()


def test_error_is_announced(live: Live, page: Page) -> None:
    """After a wrong password the title says so, the summary has the focus, the field points at it."""
    at_wrong_password(live, page)
    expect(page).to_have_title("Error: Sign in · Signet")
    expect(page.locator("#error-summary")).to_be_focused()
    assert page.get_attribute("#password", "aria-describedby") == "error-summary"


def test_back_after_sign_out_shows_nothing(live: Live, page: Page) -> None:
    """The back button does not bring back a page about the account."""
    at_home(live, page)
    at_signed_out(live, page)
    expect(page.locator("#logged-out")).to_be_visible()
    page.go_back(wait_until="commit")
    expect(page.locator("h1")).to_be_visible()
    assert "alice" not in page.content()


def test_used_page_continues_by_one_click(live: Live, page: Page) -> None:
    """Going back to a used sign-in page and sending it again leads on to the client by one click."""
    page.goto(live.authorize_url())
    used = page.url
    sign_in(page)
    expect(page.locator("#arrived")).to_be_visible()
    page.goto(used)
    page.click("#continue")
    expect(page.locator("#arrived")).to_be_visible()


def test_two_tabs_do_not_disturb_each_other(live: Live, context: BrowserContext) -> None:
    """Two sign-ins begun side by side both end at the client."""
    first, second = context.new_page(), context.new_page()
    first.goto(live.authorize_url(state="one"))
    second.goto(live.authorize_url(state="two"))
    sign_in(second)
    expect(second.locator("#arrived")).to_be_visible()
    sign_in(first)
    expect(first.locator("#arrived")).to_be_visible()
    assert ("state=one" in first.url, "state=two" in second.url) == (True, True)


def test_cookies_are_out_of_reach(live: Live, context: BrowserContext, page: Page) -> None:
    """Cookies are HttpOnly and Lax; `Keep me signed in` decides whether the session outlives the browser. What scripts
    may read is none of the others."""
    page.goto(live.authorize_url())
    sign_in(page)
    cookies = {cookie["name"]: cookie for cookie in context.cookies(live.issuer)}
    assert cookies.pop("signet_state")["value"] not in {cookie["value"] for cookie in cookies.values()}
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Lax" for cookie in cookies.values())
    assert cookies["signet_sessions"]["expires"] == -1
    context.clear_cookies()
    page.goto(live.authorize_url())
    page.check("#remember")
    sign_in(page)
    remembered = next(c for c in context.cookies(live.issuer) if c["name"] == "signet_sessions")
    assert remembered["expires"] > 0


def test_page_is_light(live: Live, page: Page) -> None:
    """The sign-in page with all it needs weighs less than 100 kB."""
    sizes: list[int] = []
    page.on("response", lambda response: sizes.append(len(response.body())) if response.status == 200 else None)
    page.goto(live.authorize_url())
    page.wait_for_load_state("networkidle")
    assert 3 <= len(sizes) <= 7
    assert sum(sizes) < 100_000


@pytest.mark.parametrize("options", [{"forced_colors": "active"}, {"reduced_motion": "reduce"}])
def test_preferences_are_honoured(live: Live, engine: Browser, options: dict[str, str]) -> None:
    """With forced colours the button keeps its outline; with reduced motion nothing moves."""
    context = engine.new_context(**options)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(live.authorize_url())
    style = page.evaluate(
        "(e => [e.borderTopWidth, e.transitionDuration])(getComputedStyle(document.querySelector('#login-submit')))"
    )
    assert style[0] == "1px"
    if "reduced_motion" in options:
        assert style[1] == "0s"
    context.close()


def test_targets_are_large_enough(live: Live, page: Page) -> None:
    """Whatever can be pressed is at least 24 px in both directions (WCAG 2.5.8)."""
    for go in (at_sign_in, at_accounts, at_home):
        go(live, page)
        boxes = page.evaluate(
            "[...document.querySelectorAll('a, button, input:not([type=hidden]):not([type=checkbox])')]"
            ".filter(e => e.offsetParent).map(e => [e.textContent.trim(), e.offsetWidth, e.offsetHeight])"
        )
        assert boxes
        assert [box for box in boxes if box[1] < 24 or box[2] < 24] == []


@pytest.fixture(autouse=True)
def _forget_throttles(live: Live) -> Iterator[None]:
    """Let each test begin with fresh counters."""
    yield
    live.house.clock.move(1_000)
