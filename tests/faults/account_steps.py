"""What people do on their account pages, as steps in which something fails."""

import re

import httpx2

from idp.accounts.deletion import keep_account
from idp.stores.records import Account
from tests.account_pages import at
from tests.faults.steps import Step
from tests.second_factors import account_id


def form_of(page: httpx2.Response) -> dict[str, str]:
    """Return the anti-forgery token of a page, as it is sent."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    return {"csrf_token": found.group(1)}


class Withdrawal(Step):
    """A person takes an application's access away."""

    done = (303,)

    def prepare(self) -> None:
        self.tokens = self.browser.tokens("third", scope="openid offline_access")
        self.form = form_of(self.browser.get("/account/applications")) | {"client": "third"}

    def act(self) -> httpx2.Response:
        return self.browser.post("/account/applications", data=self.form)

    def check(self, kept: bool) -> None:
        with self.house.storage.snapshot() as uow:
            assert (uow.consents.find(account_id(self.house), "third") is None) is kept
        assert self.act().status_code == (403 if kept else 303)
        assert self.browser.refresh(self.tokens["refresh_token"], "third").status_code == 400


class Closing(Step):
    """A person deletes their account."""

    def prepare(self) -> None:
        self.browser = self.house.browser()
        self.form = form_of(at(self.browser, "/delete", "bob"))

    def act(self) -> httpx2.Response:
        return self.browser.post("/account/delete", data=self.form)

    def check(self, kept: bool) -> None:
        account = self._account()
        with self.house.storage.snapshot() as uow:
            live = uow.sessions.list_live(account.account_id, self.house.clock.now())
        assert (account.delete_at is not None, not live) == (kept, kept)
        if not kept:
            assert self.act().status_code == 200
        with self.house.storage.begin() as uow:
            assert keep_account(uow, self._account(), self.house.clock.now()).is_open

    def _account(self) -> Account:
        with self.house.storage.snapshot() as uow:
            found = uow.accounts.find(account_id(self.house, "bob"))
        assert found is not None
        return found


ACCOUNT_STEPS = (Withdrawal, Closing)
