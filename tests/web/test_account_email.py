"""A new e-mail address from the account pages: after a fresh sign-in, unconfirmed until its owner says so."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.accounts.accounts import find_account
from idp.stores.records import Account
from tests.account_pages import at, send, visitor
from tests.mailing import Postal, link_in, postal
from tests.provider import House

NEW = "alice@new.example"


@pytest.fixture
def post(tmp_path: Path, ready_keys: None, migrated_file: Path) -> Iterator[Postal]:
    """A provider with a mail server."""
    with postal(tmp_path, migrated_file) as made:
        yield made


def alice(post: Postal) -> Account:
    """Return the account as it is."""
    with post.house.storage.snapshot() as uow:
        found = find_account(uow, "alice")
    assert found is not None
    return found


@pytest.mark.case("LG-43")
def test_the_way_to_a_new_address(post: Postal) -> None:
    """From the profile by a mail to the new address, which counts when it is confirmed; the old one is told."""
    browser = visitor(post.house)
    profile = browser.get("/account/profile")
    assert 'id="email-change" href="https://idp.example/account/email"' in profile.text
    page = browser.get("/account/email")
    assert "alice@example.org" in page.text
    assert "Look at your mail" in send(browser, page, "/email", email=f" {NEW} ", email_verified="true").text
    assert alice(post).claims["email"] == "alice@example.org"
    post.deliver()
    assert [mail["To"] for mail in post.sink.mails] == [NEW]
    confirm = browser.follow(browser.get(link_in(post.sink.text())))
    assert alice(post).claims["email"] == "alice@example.org"
    browser.submit(confirm)
    assert (alice(post).claims["email"], alice(post).claims["email_verified"]) == (NEW, True)
    post.deliver()
    assert [mail["To"] for mail in post.sink.mails] == [NEW, "alice@example.org"]
    assert "Confirmed" in browser.get("/account/email").text


@pytest.mark.case("LG-43")
def test_a_fresh_sign_in_is_needed(post: Postal) -> None:
    """Five minutes after the last one the password is asked for again, for the page and for its form."""
    browser = visitor(post.house)
    page = browser.get("/account/email")
    post.house.clock.move(300)
    assert 'id="login-submit"' in send(browser, page, "/email", email=NEW).text
    assert 'id="login-submit"' in browser.follow(browser.get("/account/email")).text
    post.deliver()
    assert post.sink.mails == []
    assert 'id="email-send"' in at(browser, "/email").text


@pytest.mark.case("LG-43")
def test_a_link_is_for_one_account(post: Postal) -> None:
    """Whoever is signed in where a link of another account is used changes nothing of their own."""
    browser = visitor(post.house)
    send(browser, browser.get("/account/email"), "/email", email=NEW)
    post.deliver()
    bob = visitor(post.house, "bob")
    bob.submit(bob.follow(bob.get(link_in(post.sink.text()))))
    assert alice(post).claims["email"] == NEW
    with post.house.storage.snapshot() as uow:
        other = find_account(uow, "bob")
    assert other is not None
    assert other.claims["email"] == "bob@example.org"


@pytest.mark.case("LG-03", "LG-43")
def test_an_address_of_another_account(post: Postal) -> None:
    """Is answered as any other one is, and gets no mail."""
    browser = visitor(post.house)
    assert "Look at your mail" in send(browser, browser.get("/account/email"), "/email", email="bob@example.org").text
    post.deliver()
    assert post.sink.mails == []


@pytest.mark.parametrize("email", ["", "alice", "a@x.example, b@x.example", "a@x.example\nBcc: b@x.example"])
def test_what_is_no_address(post: Postal, email: str) -> None:
    """Is told on the page."""
    browser = visitor(post.house)
    refused = send(browser, browser.get("/account/email"), "/email", email=email)
    assert refused.status_code == 400
    assert "not an email address" in refused.text
    assert browser.post("/account/email", data={"email": NEW, "csrf_token": "x"}).status_code == 403


def test_without_mail_there_is_no_such_page(house: House) -> None:
    """The profile has no link to it."""
    browser = visitor(house)
    assert "email-change" not in browser.get("/account/profile").text
    assert browser.get("/account/email").status_code == 404
