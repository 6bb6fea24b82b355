"""A new e-mail address: nothing changes before its owner has confirmed it, and the old one is told."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from idp.accounts.accounts import find_account, set_password
from idp.accounts.emails import request_email_change
from idp.stores.records import Account
from tests.mailing import Postal, link_in, postal

NEW = "Alice@new.example"


@pytest.fixture
def post(tmp_path: Path, ready_keys: None, migrated_file: Path) -> Iterator[Postal]:
    """A provider with a mail server."""
    with postal(tmp_path, migrated_file) as made:
        yield made


def account(post: Postal, name: str = "alice") -> Account | None:
    """Return an account by one of its names."""
    with post.house.storage.snapshot() as uow:
        return find_account(uow, name)


def ask(post: Postal, email: str = NEW, name: str = "alice") -> None:
    """Ask for a new address, and have the mail sent."""
    with post.house.storage.begin() as uow:
        found = find_account(uow, name)
        assert found is not None
        request_email_change(uow, found, email, post.house.clock.now())
    post.deliver()


def confirm(post: Postal, link: str) -> httpx2.Response:
    """Open a link and press the button."""
    browser = post.house.browser()
    page = browser.follow(browser.get(link))
    return browser.submit(page) if 'id="email-confirm"' in page.text else page


@pytest.mark.case("LG-43")
def test_the_old_address_stays_until_the_new_one_is_confirmed(post: Postal) -> None:
    """The link alone does nothing; its button does, once, and the old address is told."""
    old_reset = post.link()
    ask(post)
    assert post.sink.envelopes[-1][1] == [f"<{NEW}>"]
    link, browser = link_in(post.sink.text()), post.house.browser()
    for _ in range(2):
        assert 'id="email-confirm"' in browser.follow(browser.get(link)).text
    before = account(post, "alice@example.org")
    assert before is not None
    assert account(post, NEW) is None
    assert 'id="email-confirmed"' in confirm(post, link).text
    after = account(post, NEW)
    assert after is not None
    assert (after.claims["email"], after.claims["email_verified"]) == (NEW, True)
    assert after.names == ("alice", "alice@new.example")
    assert account(post, "alice@example.org") is None
    post.deliver()
    assert post.sink.envelopes[-1][1] == ["<alice@example.org>"]
    assert post.sink.mails[-1]["Subject"] == "Your e-mail address was changed"
    assert "link_expired" in confirm(post, link).text
    assert "link_expired" in post.house.browser().get(old_reset).text


@pytest.mark.case("LG-43", "LG-03")
def test_an_address_of_another_account(post: Postal) -> None:
    """It gets no mail, before and when it was taken meanwhile; who asks is told nothing."""
    ask(post, "bob@example.org")
    assert post.sink.mails == []
    ask(post, "shared@example.org")
    first = link_in(post.sink.text())
    ask(post, "shared@example.org", "bob")
    assert 'id="email-confirmed"' in confirm(post, link_in(post.sink.text())).text
    assert "link_expired" in confirm(post, first).text
    owner = account(post, "shared@example.org")
    assert owner is not None
    assert owner.username == "bob"


def test_what_ends_a_link(post: Postal) -> None:
    """A day, and another change."""
    ask(post)
    first = link_in(post.sink.text())
    ask(post, "other@example.org")
    assert 'id="email-confirmed"' in confirm(post, link_in(post.sink.text())).text
    assert "link_expired" in confirm(post, first).text
    ask(post)
    post.house.clock.move(86_400)
    assert "link_expired" in confirm(post, link_in(post.sink.text())).text


@pytest.mark.case("LG-43")
def test_a_new_password_ends_what_was_asked_for_by_the_old_one(post: Postal) -> None:
    """Whoever knew it may have asked for an address of their own: neither its link counts, nor is one sent later."""
    ask(post)
    link = link_in(post.sink.text())
    with post.house.storage.begin() as uow:
        found = find_account(uow, "alice")
        assert found is not None
        request_email_change(uow, found, "later@new.example", post.house.clock.now())
        hashed = post.house.passwords.hash("another one of some length")
        set_password(uow, post.house.server.sessions, found, hashed, post.house.clock.now())
    assert "link_expired" in confirm(post, link).text
    post.deliver()
    assert [to for _, to in post.sink.envelopes] == [[f"<{NEW}>"]]
    assert account(post, "alice@example.org") is not None


def test_no_letter_box_is_filled(post: Postal) -> None:
    """Five mails an hour, to whichever addresses."""
    for number in range(7):
        ask(post, f"stranger{number}@example.org")
    assert len(post.sink.mails) == 5
    post.house.clock.move(3_600)
    ask(post)
    assert len(post.sink.mails) == 6


@pytest.mark.parametrize("email", ["", "alice", "a@x.example, b@x.example", "a@x.example\r\nBcc: b@x.example"])
def test_what_is_no_address(post: Postal, email: str) -> None:
    """Is refused at once."""
    with pytest.raises(ValueError, match="must be"):
        ask(post, email)
