"""Signing in with a passkey: alone, beside a password, and what it takes to have one."""

import json

import httpx2
import pytest

from idp.accounts.accounts import create_account, disable_account
from idp.authentication.ceremonies import RelyingParty
from idp.authentication.methods import passkey
from tests.flows.test_second_factor import id_token_of, sessions_of
from tests.passkeys import SoftAuthenticator, give_passkey, options_of, send_passkey
from tests.provider import Browser, House, response_params
from tests.second_factors import account_id, give_app, link

PHISHING_RESISTANT = "phr"
ESSENTIAL = '{"id_token":{"acr":{"essential":true,"value":"phr"}}}'


def to_sign_in(browser: Browser, **more: str) -> httpx2.Response:
    """Return the sign-in page."""
    page = browser.follow(browser.authorize(**more))
    assert 'id="login-passkey"' in page.text
    return page


def passkeys_of(house: House, name: str = "alice") -> tuple[str, ...]:
    """Return the names of an account's passkeys."""
    with house.storage.snapshot() as uow:
        return tuple(each.name for each in passkey.of_account(uow, account_id(house, name)))


@pytest.mark.case("MF-07")
def test_passkey_signs_in_by_itself(any_house: House) -> None:
    """No name, no password; the tokens say how it was, and its use is noted."""
    device, browser = give_passkey(any_house), any_house.browser()
    page = to_sign_in(browser)
    claims = id_token_of(browser, send_passkey(browser, page, device.get(options_of(page))))
    assert (claims["acr"], claims["amr"]) == (PHISHING_RESISTANT, ["pop", "user", "mfa"])
    assert claims["auth_time"] == any_house.clock.now()
    with any_house.storage.snapshot() as uow:
        (mine,) = passkey.of_account(uow, account_id(any_house))
    assert mine.last_used_at == any_house.clock.now()
    again = browser.follow(browser.authorize(prompt="login"))
    assert "code" in response_params(send_passkey(browser, again, device.get(options_of(again))))


def test_passkey_needs_no_app(house: House) -> None:
    """Whoever has set up an app as well is not asked for it: a passkey is more."""
    give_app(house)
    device, browser = give_passkey(house), house.browser()
    page = to_sign_in(browser)
    assert id_token_of(browser, send_passkey(browser, page, device.get(options_of(page))))["acr"] == PHISHING_RESISTANT


def test_having_one_asks_for_nothing_after_a_password(house: House) -> None:
    """The password stays a way in, as good as it was."""
    give_passkey(house)
    browser = house.browser()
    assert id_token_of(browser, browser.sign_in(to_sign_in(browser)))["amr"] == ["pwd"]


@pytest.mark.case("LG-04")
def test_options_tell_nothing(house: House) -> None:
    """They are the same for whoever is hinted at, but for the challenge, which is new each time."""
    give_passkey(house)
    browser = house.browser()
    pages = [to_sign_in(browser, login_hint=hint) for hint in ("alice", "bob", "nobody")]
    seen = [options_of(page) for page in pages]
    assert len({options.pop("challenge") for options in seen}) == 3
    assert seen == [{"rpId": "idp.example", "userVerification": "required", "timeout": 300_000}] * 3


@pytest.mark.case("LG-16")
@pytest.mark.parametrize("wish", [{"acr_values": PHISHING_RESISTANT}, {"claims": ESSENTIAL}])
def test_step_up(house: House, wish: dict[str, str]) -> None:
    """A session by password reaches the class by the passkey alone, although there is an app; and by nothing else."""
    browser = house.browser()
    before = id_token_of(browser, browser.sign_in(to_sign_in(browser)))
    give_app(house)
    device = give_passkey(house)
    page = browser.follow(browser.authorize(**wish))
    assert "Use your passkey" in page.text
    assert 'id="code"' not in page.text
    assert len(options_of(page)["allowCredentials"]) == 1
    wrong = browser.submit(page, code="123456", method="totp", action="continue")
    assert wrong.status_code == 400
    page = browser.submit(wrong, passkey=dumped(device, wrong), action="continue")
    after = id_token_of(browser, page)
    assert (after["acr"], after["amr"]) == (PHISHING_RESISTANT, ["pwd", "pop", "user", "mfa"])
    assert (after["sid"], after["auth_time"]) == (before["sid"], before["auth_time"])


def test_beside_a_password(house: House) -> None:
    """Where an app is asked for, the page leads to the passkey too; one of somebody else does not count."""
    give_app(house)
    mine, other, browser = give_passkey(house), give_passkey(house, "bob"), house.browser()
    page = browser.sign_in(to_sign_in(browser))
    assert 'id="code"' in page.text
    page = browser.get(link(page, "Use a passkey"))
    refused = browser.submit(page, passkey=dumped(other, page), action="continue")
    assert (refused.status_code, "That passkey doesn’t count here." in refused.text) == (400, True)
    done = browser.submit(refused, passkey=dumped(mine, refused), action="continue")
    assert id_token_of(browser, done)["amr"] == ["pwd", "pop", "user", "mfa"]


def test_class_that_cannot_be_reached(house: House) -> None:
    """Without a passkey an essential wish is refused, and another one is none."""
    give_app(house)
    browser = house.browser()
    page = browser.sign_in(browser.follow(browser.authorize("web", claims=ESSENTIAL)))
    assert response_params(page)["error"] == "unmet_authentication_requirements"


@pytest.mark.case("MF-15")
def test_disabled_account(house: House) -> None:
    """Its passkey does not count, and the page says no more than of any other."""
    device, browser = give_passkey(house), house.browser()
    page = to_sign_in(browser)
    with house.storage.begin() as uow:
        account = uow.accounts.find(account_id(house))
        assert account is not None
        disable_account(uow, house.server.sessions, account, house.clock.now())
    answer = send_passkey(browser, page, device.get(options_of(page)))
    assert (answer.status_code, "That passkey doesn’t count here." in answer.text) == (400, True)
    assert sessions_of(house) == ()


def test_offer_after_a_password(house: House) -> None:
    """Once, where the browser says that it can: the passkey that was made there signs in."""
    browser, device = house.browser(), SoftAuthenticator()
    page = browser.sign_in(to_sign_in(browser), can_add_passkey="yes")
    assert "Sign in faster next time" in page.text
    assert options_of(page)["authenticatorSelection"]["residentKey"] == "required"
    browser.headers["user-agent"] = "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0 Safari/537.36"
    bad = browser.submit(page, passkey=dumped(device, page, origin="https://evil.example"), action="add")
    assert (bad.status_code, "The passkey was not added." in bad.text) == (400, True)
    done = browser.submit(bad, passkey=dumped(device, bad), action="add")
    assert "code" in response_params(done)
    assert passkeys_of(house) == ("Chrome on Linux",)
    page = to_sign_in(browser, prompt="login")
    assert id_token_of(browser, send_passkey(browser, page, device.get(options_of(page))))["acr"] == PHISHING_RESISTANT


def test_offer_is_made_once(house: House) -> None:
    """Not now is an answer; a browser that says nothing is never asked, another one is."""
    browser = house.browser()
    page = browser.sign_in(to_sign_in(browser), can_add_passkey="yes")
    assert "code" in response_params(browser.submit(page, action="skip"))
    page = to_sign_in(browser, prompt="login")
    assert "code" in response_params(browser.sign_in(page, can_add_passkey="yes"))
    other = house.browser()
    assert "code" in response_params(other.sign_in(to_sign_in(other)))
    page = to_sign_in(other, prompt="login")
    assert 'id="passkey-add"' in other.sign_in(page, can_add_passkey="yes").text
    assert passkeys_of(house) == ()


@pytest.mark.case("MF-28")
def test_account_without_a_password(house: House) -> None:
    """Its passkey is its way in; the password field takes nothing, nor does the page that changes a password."""
    with house.storage.begin() as uow:
        create_account(uow, username="keyed", now=house.clock.now())
    device, browser = give_passkey(house, "keyed"), house.browser()
    page = browser.sign_in(browser.follow(browser.get("/account/password")), "keyed")
    assert page.status_code == 400
    page = send_passkey(browser, page, device.get(options_of(page)))
    assert page.url.path == "/account/password"
    page = browser.submit(page, current="", new="a new and quite long password")
    assert page.status_code == 400
    page = browser.submit(page, current="anything", new="a new and quite long password")
    assert page.status_code == 400


@pytest.mark.case("MF-05")
@pytest.mark.parametrize("change", ["time", "app", "passkey"])
def test_adding_needs_a_fresh_and_full_sign_in(house: House, change: str) -> None:
    """Later, or where the account has what the session did not prove, nothing is added (R16)."""
    browser, device = house.browser(), SoftAuthenticator()
    page = browser.sign_in(to_sign_in(browser), can_add_passkey="yes")
    answer = dumped(device, page)
    if change == "time":
        house.clock.move(300)
    elif change == "app":
        give_app(house)
    else:
        give_passkey(house)
    assert "code" in response_params(browser.submit(page, passkey=answer, action="add"))
    assert len(passkeys_of(house)) == (change == "passkey")


def test_passkeys_where_browsers_allow_none(house: House) -> None:
    """At an address, or over http elsewhere than on this machine, there is no button."""
    for issuer in ("https://192.0.2.1", "http://[::1]:9000", "http://idp.example"):
        assert RelyingParty.of(issuer, "Signet") is None
    origins = ("https://idp.example/op", "https://IDP.example:443", "http://idp.localhost:9000", "http://localhost")
    found = [RelyingParty.of(issuer, "Signet") for issuer in origins]
    assert [each and (each.rp_id, each.origin) for each in found] == [
        ("idp.example", "https://idp.example"),
        ("idp.example", "https://idp.example"),
        ("idp.localhost", "http://idp.localhost:9000"),
        ("localhost", "http://localhost"),
    ]


def dumped(device: SoftAuthenticator, page: httpx2.Response, **bent: str) -> str:
    """Return what the browser answers to a page's ceremony, as JSON."""
    options = options_of(page)
    make = device.create if "user" in options else device.get
    return json.dumps(make(options, **bent))


def test_own_pages_are_reached_in_the_same_way(house: House) -> None:
    """The account page takes a passkey as well, and the offer leads to it."""
    browser, device = house.browser(), SoftAuthenticator()
    page = browser.sign_in(browser.follow(browser.get("/account")), can_add_passkey="yes")
    page = browser.submit(page, passkey=dumped(device, page), action="add")
    assert page.url.path == "/account"
    other = house.browser()
    page = other.follow(other.get("/account"))
    page = send_passkey(other, page, device.get(options_of(page)))
    assert page.url.path == "/account"


@pytest.mark.case("LG-11")
def test_failing_passkeys_are_throttled_by_address(house: House) -> None:
    """Too many that prove nothing are not judged until the window is over; elsewhere nobody is hindered."""
    limits = house.server.settings.throttle.model_copy(update={"per_address": 3})
    object.__setattr__(house.server.throttle, "_limits", limits)
    device, browser = give_passkey(house), house.browser()
    page = to_sign_in(browser)
    for _ in range(3):
        page = send_passkey(browser, page, "{}")
        assert page.status_code == 400
    own = house.browser(client=("198.51.100.7", 1))
    good = to_sign_in(own)
    assert "code" in response_params(send_passkey(own, good, device.get(options_of(good))))
    paused = send_passkey(browser, page, device.get(options_of(page)))
    assert (paused.status_code, paused.headers["retry-after"]) == (429, "900")
    house.clock.move(900)
    again = to_sign_in(browser)
    assert "code" in response_params(send_passkey(browser, again, device.get(options_of(again))))
