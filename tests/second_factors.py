"""Second factors for the tests: set up in the store, and codes as an app makes them."""

import re

import httpx2
import pyotp

from idp.accounts.accounts import find_account
from idp.authentication.methods import recovery_code, totp
from tests.provider import Browser, House


def account_id(house: House, name: str = "alice") -> str:
    """Return the id of an account."""
    with house.storage.snapshot() as uow:
        account = find_account(uow, name)
    assert account is not None
    return account.account_id


def give_app(house: House, name: str = "alice") -> pyotp.TOTP:
    """Let an account have an authenticator app; the code of this step is used up by that."""
    with house.storage.begin() as uow:
        owner = account_id(house, name)
        setup = totp.new_setup(owner, house.server.vault)
        app = pyotp.TOTP(setup.secret)
        assert totp.confirm(uow, setup, owner, app.at(house.clock.now()), house.clock.now())
    return app


def give_codes(house: House, name: str = "alice") -> tuple[str, ...]:
    """Let an account have recovery codes."""
    with house.storage.begin() as uow:
        return recovery_code.make_codes(uow, account_id(house, name), house.clock.now())


def next_code(house: House, app: pyotp.TOTP) -> str:
    """Wait for the app's next code and return it."""
    house.clock.move(30)
    return app.at(house.clock.now())


def send_code(browser: Browser, page: httpx2.Response, code: str, **more: str) -> httpx2.Response:
    """Fill in and send the page that asks for a second factor."""
    assert 'id="second-factor-submit"' in page.text, page.text
    return browser.submit(page, code=code, **{"action": "continue"} | more)


def to_second_factor(browser: Browser, client_id: str = "web", **more: str) -> httpx2.Response:
    """Sign in by password and return the page that asks for a second factor."""
    page = browser.sign_in(browser.follow(browser.authorize(client_id, **more)))
    assert 'id="second-factor-submit"' in page.text, page.text
    return page


def link(page: httpx2.Response, text: str) -> str:
    """Return where a link of the page leads."""
    found = re.search(rf'<a [^>]*href="([^"]+)">{text}', page.text)
    assert found, page.text
    return found.group(1).replace("&amp;", "&")
