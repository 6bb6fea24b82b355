"""Remembering a browser: it waives the second factor that the owner wants, for that owner alone, and nothing more."""

import httpx2
import pytest

from idp.accounts import browsers
from idp.accounts.accounts import disable_account, enable_account, set_password
from tests.account_pages import at, send
from tests.flows.test_second_factor import MULTI_FACTOR_CLASS, PASSWORD_CLASS, id_token_of
from tests.passkeys import give_passkey
from tests.provider import Browser, House
from tests.second_factors import account_id, give_app, next_code, send_code, to_second_factor
from tests.web.test_account_methods import set_up

DAY = 86_400
BOX = 'name="remember_device"'


def remember(house: House, name: str = "alice") -> Browser:
    """Return a browser that the owner of an account with an app had remembered, and that is signed out."""
    app, browser = give_app(house, name), house.browser()
    page = browser.sign_in(browser.follow(browser.authorize()), name)
    assert BOX in page.text
    assert f'{BOX} value="yes" checked' not in page.text
    send_code(browser, page, next_code(house, app), remember_device="yes")
    forget_sessions(browser)
    return browser


def forget_sessions(browser: Browser) -> None:
    """Let a browser lose its sessions and its id, and keep the rest."""
    for name in ("__Host-signet_sessions", "__Host-signet_browser"):
        browser.cookies.delete(name)


def signed_in(browser: Browser, name: str = "alice", **more: str) -> httpx2.Response:
    """Send the password."""
    return browser.sign_in(browser.follow(browser.authorize(**more)), name)


def is_asked(browser: Browser, name: str = "alice", **more: str) -> bool:
    """Tell whether a second factor is asked for."""
    return 'id="second-factor-submit"' in signed_in(browser, name, **more).text


def test_password_is_enough_in_a_remembered_browser(any_house: House) -> None:
    """For thirty days since it was ticked, and the tokens claim nothing more than that; elsewhere it is asked for."""
    browser = remember(any_house)
    cookie = browser.cookies["__Host-signet_devices"]
    claims = id_token_of(browser, signed_in(browser))
    assert (claims["acr"], claims["amr"]) == (PASSWORD_CLASS, ["pwd"])
    assert browser.cookies["__Host-signet_devices"] == cookie
    assert is_asked(any_house.browser())
    with any_house.storage.snapshot() as uow:
        kept = uow.authenticators.list(account_id(any_house))
    assert cookie not in repr(kept)
    any_house.clock.move(30 * DAY - 31)
    forget_sessions(browser)
    assert not is_asked(browser)
    any_house.clock.move(61)
    forget_sessions(browser)
    assert is_asked(browser)


def test_what_was_not_ticked_is_not_remembered(house: House) -> None:
    """Nothing is remembered by default."""
    app, browser = give_app(house), house.browser()
    send_code(browser, to_second_factor(browser), next_code(house, app))
    forget_sessions(browser)
    assert is_asked(browser)


def test_setting_turns_it_off(house: House) -> None:
    """With 0 days there is no box, a form with one is as good as without, and what was remembered counts no more."""
    browser = remember(house)
    setting(house, remember_device_days=0)
    page = signed_in(browser)
    assert BOX not in page.text
    house.clock.move(30)
    with house.storage.begin() as uow:
        browsers.forget_remembered(uow, account_id(house))
    app = give_app(house)
    send_code(browser, page, next_code(house, app), remember_device="yes")
    setting(house, remember_device_days=30)
    forget_sessions(browser)
    assert is_asked(browser)


def setting(house: House, **changes: object) -> None:
    """Change the settings of second factors."""
    changed = house.server.settings.second_factor.model_copy(update=changes)
    object.__setattr__(house.server.settings, "second_factor", changed)


@pytest.mark.case("SS-21")
def test_cookie_in_the_login_of_another_account(house: House) -> None:
    """Bob is asked in the browser that alice had remembered, and with her cookie in his own; so is she without it."""
    browser = remember(house)
    give_app(house, "bob")
    assert is_asked(browser, "bob")
    thief = house.browser()
    thief.cookies.set("__Host-signet_devices", browser.cookies["__Host-signet_devices"], domain="idp.example", path="/")
    assert is_asked(thief, "bob")
    stored = browsers._id(browsers.REMEMBERED, browser.cookies["__Host-signet_devices"])
    for value in ("x" * 43, "", stored, stored[:43]):
        other = house.browser()
        other.cookies.set("__Host-signet_devices", value, domain="idp.example", path="/")
        assert is_asked(other)


@pytest.mark.case("SS-21")
def test_planted_cookie(house: House) -> None:
    """What was in the browser before the box was ticked is not what it is remembered by."""
    app, browser = give_app(house), house.browser()
    planted = "p" * 43
    browser.cookies.set("__Host-signet_devices", planted, domain="idp.example", path="/")
    send_code(browser, to_second_factor(browser), next_code(house, app), remember_device="yes")
    thief = house.browser()
    thief.cookies.set("__Host-signet_devices", planted, domain="idp.example", path="/")
    assert is_asked(thief)
    before = browser.cookies.get("__Host-signet_devices", domain="idp.example")
    forget_sessions(browser)
    assert before is not None
    assert before.split(".")[0] != planted


@pytest.mark.case("MF-08")
@pytest.mark.parametrize("why", ["request", "client", "role", "server"])
def test_what_others_need_is_asked_for(house: House, why: str) -> None:
    """A request, a client, a role, the server: none of them is content with a remembered browser, nor offers it."""
    browser = remember(house)
    house.add_client("vault", require_second_factor=True)
    if why == "role":
        setting(house, required_for_roles=("customer",))
    if why == "server":
        setting(house, required=True)
    more = {"acr_values": MULTI_FACTOR_CLASS} if why == "request" else {}
    page = signed_in(browser, **more, **({"client_id": "vault"} if why == "client" else {}))
    assert 'id="second-factor-submit"' in page.text
    assert BOX not in page.text


@pytest.mark.parametrize("what", ["password", "disabled", "app", "page"])
def test_what_ends_it(house: House, what: str) -> None:
    """A new password, a disabled account, another app, its owner: from then on the second factor is asked for."""
    browser = remember(house)
    owner = account_id(house)
    signed_in(browser)
    with house.storage.begin() as uow:
        account = uow.accounts.find(owner)
        assert account is not None
        found = uow.accounts.find_credential(owner, "password")
        assert found is not None
        if what == "password":
            set_password(uow, house.server.sessions, account, found.secret, house.clock.now())
        if what == "disabled":
            enable_account(
                uow, disable_account(uow, house.server.sessions, account, house.clock.now()), house.clock.now()
            )
    if what == "page":
        page = at(browser, "/sessions")
        assert "Without the second step" in page.text
        (mine,) = remembered_of(house)
        bob = house.browser()
        other = at(bob, "/password", "bob")
        assert send(bob, other, "/sessions", action="forget", device=mine).status_code == 403
        done = send(browser, page, "/sessions", action="forget", device=mine)
        assert "asked for the second step again" in done.text
        assert "Without the second step" not in done.text
    if what == "app":
        page = at(browser, "/methods/app")
        app = give_app(house)
        page = send_code(browser, page, next_code(house, app))
        house.clock.move(60)
        assert set_up(house, browser, page).status_code == 200
    forget_sessions(browser)
    assert remembered_of(house) == []
    assert is_asked(browser)


def remembered_of(house: House) -> list[str]:
    """Return the ids of alice's remembered browsers."""
    with house.storage.snapshot() as uow:
        found = browsers.remembered(uow, account_id(house), house.clock.now(), days=30)
    return [each.authenticator_id for each in found]


@pytest.mark.case("MF-05")
def test_sensitive_pages_ask_all_the_same(house: House) -> None:
    """A remembered browser and the password change nothing about how the account is signed in to."""
    browser = remember(house)
    signed_in(browser)
    page = at(browser, "/methods")
    assert "How you sign in" in page.text
    for path in ("/methods/app", "/methods/codes", "/methods/passkey"):
        assert 'id="second-factor-submit"' in at(browser, path).text
    assert 'id="second-factor-submit"' in send(browser, page, "/methods", action="remove_app").text


def test_removing_a_passkey_ends_it(house: House) -> None:
    """So does removing any other second factor."""
    app, browser = give_app(house), house.browser()
    give_passkey(house)
    send_code(browser, to_second_factor(browser), next_code(house, app), remember_device="yes")
    with house.storage.snapshot() as uow:
        (mine,) = [each for each in uow.authenticators.list(account_id(house)) if each.method == "passkey"]
    page = at(browser, "/methods")
    send(browser, page, "/methods", action="remove_passkey", passkey=mine.authenticator_id)
    assert remembered_of(house) == []


def test_browsers_of_an_account_are_bounded(house: House) -> None:
    """The one that was not used for the longest time gives way; a year later none is left."""
    owner = account_id(house)
    with house.storage.begin() as uow:
        first = browsers.meet(uow, owner, (), name="first", now=1_000)
        for n in range(browsers.MOST + 5):
            met = browsers.meet(uow, owner, (), name=str(n), now=2_000 + n, remember=True)
            assert met.new
        mine = uow.authenticators.list(owner)
        assert [each.method for each in mine].count(browsers.KNOWN) == browsers.MOST
        assert [each.method for each in mine].count(browsers.REMEMBERED) == browsers.MOST
        assert browsers.find_known(uow, owner, first.handles, 3_000) is None
        assert browsers.find_known(uow, owner, met.handles, 3_000) is not None
        later = 3_000 + browsers.KNOWN_SECONDS
        assert browsers.find_known(uow, owner, met.handles, later) is None
        assert not browsers.meet(uow, owner, (), name="much later", now=later).new
        assert len(uow.authenticators.list(owner)) == 1
