"""Deleting one's account: closed at once, kept by who signs in within the delay, and gone after it."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from idp.accounts.accounts import enable_account, find_account
from idp.accounts.deletion import DAY, remove_due
from idp.specs.backchannel_logout import KIND as LOGOUT
from idp.upkeep import BATCH_ROWS
from tests.account_pages import at, send, visitor
from tests.mailing import Postal, postal
from tests.provider import PASSWORD, Browser, House, response_params
from tests.second_factors import account_id, give_app, next_code, send_code

DELAY = 7 * DAY


def close(house: House, browser: Browser | None = None, name: str = "alice") -> Browser:
    """Delete an account on its page."""
    browser = browser or visitor(house, name)
    done = send(browser, at(browser, "/delete", name), "/delete")
    assert 'id="account-closed"' in done.text, done.text
    return browser


def remove(house: House) -> int:
    """Do what upkeep does."""
    return remove_due(house.storage, house.server.sessions, house.clock.now(), BATCH_ROWS)


def sign_in_to_keep(house: House, name: str = "alice") -> tuple[Browser, httpx2.Response]:
    """Sign in to a closed account, and return the page that asks."""
    browser = house.browser()
    page = browser.sign_in(browser.follow(browser.authorize()), name)
    assert 'id="account-keep"' in page.text, page.text
    return browser, page


def test_account_is_closed_at_once(house: House) -> None:
    """Sessions of other browsers, grants, offline ones too, and tokens end; relying parties are told."""
    house.add_client("told", backchannel_logout_uri="https://rp.example/logout")
    elsewhere = house.browser()
    tokens = elsewhere.tokens(scope="openid offline_access")
    elsewhere.tokens("told")
    alice = close(house)
    for browser in (alice, elsewhere):
        assert browser.get("/account").status_code == 303
        assert response_params(browser.authorize(prompt="none"))["error"] == "login_required"
    assert elsewhere.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert elsewhere.userinfo(tokens["access_token"]).status_code == 401
    with house.storage.snapshot() as uow:
        told = [m for m in uow.outbox.list() if m.kind == LOGOUT]
        assert [m.client_id for m in told] == ["told"]
        account = uow.accounts.find(account_id(house))
    assert account is not None
    assert account.delete_at == house.clock.now() + DELAY


def test_it_takes_a_fresh_sign_in_and_our_form(house: House) -> None:
    """Who signed in long ago is asked again; a form of somebody else's page closes nothing."""
    alice = visitor(house)
    page = at(alice, "/delete")
    house.clock.move(301)
    assert "/login" in send(alice, page, "/delete").url.path
    house.clock.move(-301)
    assert alice.post("/account/delete", data={"csrf_token": "x"}).status_code == 403
    bob = visitor(house, "bob")
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found
    assert bob.post("/account/delete", data={"csrf_token": found.group(1)}).status_code == 403
    with house.storage.snapshot() as uow:
        assert not uow.accounts.list_due(house.clock.now() + 99 * DAY, 9)


def test_signing_in_offers_to_keep_it(house: House) -> None:
    """Until it is kept there is no session; afterwards the way goes on to the client."""
    close(house)
    house.clock.move(DELAY - 1)
    browser, page = sign_in_to_keep(house)
    assert response_params(browser.authorize(prompt="none"))["error"] == "login_required"
    assert "code" in response_params(browser.submit(page, action="keep"))
    house.clock.move(DAY)
    assert remove(house) == 0
    assert at(visitor(house)).status_code == 200


def test_it_can_be_left_closed(house: House) -> None:
    """The client hears that access was denied; a second answer to the same page, or none of ours, keeps nothing."""
    close(house)
    browser, page = sign_in_to_keep(house)
    assert response_params(browser.submit(page, action="leave"))["error"] == "access_denied"
    assert browser.submit(page, action="keep").status_code in (400, 303, 410)
    other, page = sign_in_to_keep(house)
    assert other.submit(page, action="keep", csrf_token="x").status_code == 403
    house.clock.move(DELAY)
    assert remove(house) == 1


def test_keeping_takes_the_second_factor_too(house: House) -> None:
    """The password alone does not get to the page, by its address either."""
    app = give_app(house)
    alice = house.browser()
    send_code(alice, at(alice, "/delete"), next_code(house, app))
    close(house, alice)
    thief = house.browser()
    page = thief.sign_in(thief.follow(thief.authorize()))
    flow = page.url.params["flow"]
    asked = thief.follow(thief.get("/login/keep", params={"flow": flow}))
    assert "account-keep" not in asked.text
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found
    form = {"flow": flow, "csrf_token": found.group(1), "action": "keep"}
    assert "code=" not in str(thief.post("/login/keep", data=form).headers.get("location"))
    page = send_code(thief, page, next_code(house, app))
    assert 'id="account-keep"' in page.text


@pytest.mark.parametrize("is_swept", [False, True])
def test_after_the_delay_it_is_gone(house: House, is_swept: bool) -> None:
    """From the second on nobody signs in, whether it has been removed already or not; then nothing is left but what the
    audit says of an identifier, and the name is free for somebody new."""
    owner = account_id(house)
    close(house)
    house.clock.move(DELAY - 1)
    assert remove(house) == 0
    house.clock.move(1)
    assert remove(house) == 1 if is_swept else True
    browser = house.browser()
    refused = browser.sign_in(browser.follow(browser.authorize()))
    assert "don’t match" in refused.text
    remove(house)
    with house.storage.snapshot() as uow:
        assert uow.accounts.find(owner) is None
        assert "account.removed" in {event.name for event in uow.audit.list_of_account(owner)}
        assert "alice" not in str(uow.audit.list_of_account(owner, limit=500))
    assert house.add_account("alice").account_id != owner


def test_keeping_and_removing_at_once(house: House) -> None:
    """A page that was opened in time is answered too late: nothing comes back."""
    close(house)
    house.clock.move(DELAY - 10)
    browser, page = sign_in_to_keep(house)
    house.clock.move(10)
    assert "code=" not in str(browser.submit(page, action="keep").headers.get("location"))
    assert remove(house) == 1
    assert browser.submit(page, action="keep").status_code < 500


def test_operator_keeps_it(house: House) -> None:
    """By enabling the account again."""
    close(house)
    with house.storage.begin() as uow:
        found = find_account(uow, "alice")
        assert found is not None
        assert not found.is_open
        assert enable_account(uow, found, house.clock.now()).is_open
    assert at(visitor(house)).status_code == 200


@pytest.fixture
def post(tmp_path: Path, migrated_file: Path) -> Iterator[Postal]:
    """A provider with a mail server."""
    with postal(tmp_path, migrated_file) as there:
        yield there


def test_the_owner_is_told_the_date(post: Postal) -> None:
    """By mail, when it is closed and when it is kept."""
    close(post.house)
    post.deliver()
    assert re.search(r"On \d{1,2} \w{3} \d{4}, \d\d:\d\d UTC it will be deleted", post.sink.text().replace("\n", " "))
    browser, page = sign_in_to_keep(post.house)
    browser.submit(page, action="keep")
    post.deliver()
    # The sign-in is told of as well, in whichever order they arrive.
    texts = [body.get_content().replace("\n", " ") for mail in post.sink.mails if (body := mail.get_body(("plain",)))]
    assert [text for text in texts if "is open again" in text]
    assert not [text for text in texts if PASSWORD in text]
