"""What happens to an account while its password is being verified counts (R7)."""

from collections.abc import Callable

import pytest

from idp.accounts.accounts import disable_account, enable_account, set_password
from idp.authentication.sign_in import Authenticated, Paused, Rejected
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Account
from tests.provider import House, response_params

Change = Callable[[House, UnitOfWork, Account], object]


def change_password(house: House, uow: UnitOfWork, account: Account) -> None:
    """Set another password."""
    set_password(uow, house.server.sessions, account, house.passwords.hash("another password"), house.clock.now())


def disable(house: House, uow: UnitOfWork, account: Account) -> None:
    """Disable the account."""
    disable_account(uow, house.server.sessions, account, house.clock.now())


@pytest.mark.case("LG-01", "TK-10")
@pytest.mark.parametrize("change", [change_password, disable])
def test_change_after_verification_wins(house: House, monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    """A proof that no longer holds when the session would begin begins none, and none comes back later."""
    sign_in = house.provider.sign_in
    attempt = sign_in.attempt

    def slow(**given: object) -> Authenticated | Rejected | Paused:
        outcome = attempt(**given)  # type: ignore[arg-type]
        if isinstance(outcome, Authenticated):
            with house.storage.begin() as uow:
                change(house, uow, outcome.account)
        return outcome

    monkeypatch.setattr(sign_in, "attempt", slow)
    browser = house.browser()
    page = browser.sign_in(browser.follow(browser.authorize()))
    assert page.status_code == 400
    assert "don’t match" in page.text
    with house.storage.begin() as uow:
        account = uow.accounts.find_by_name("alice")
        assert account is not None
        enable_account(uow, account, house.clock.now())
    assert response_params(browser.authorize(prompt="none"))["error"] == "login_required"
