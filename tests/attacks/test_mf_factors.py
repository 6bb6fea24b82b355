"""Second factors from outside: what is never shown again (MF-09), is no code (MF-04), and is always told (MF-23)."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.account_pages import at, send, visitor
from tests.mailing import Postal, postal
from tests.provider import House
from tests.second_factors import account_id, next_code, send_code, to_second_factor
from tests.web.test_account_methods import secret_of, set_up


@pytest.fixture
def post(tmp_path: Path, ready_keys: None, migrated_file: Path) -> Iterator[Postal]:
    """A provider that sends mail."""
    with postal(tmp_path, migrated_file) as made:
        yield made


@pytest.mark.case("MF-09")
def test_secret_is_shown_once(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """The pages that come after setting up, the download, the log and the database do not have it."""
    caplog.set_level(logging.DEBUG)
    alice = visitor(house)
    page = alice.get("/account/methods/app")
    secret = secret_of(page).secret
    assert page.headers["cache-control"] == "no-store"
    assert secret not in str(page.url)
    assert secret not in set_up(house, alice, page).text
    pages = [alice.get(f"/account{path}").text for path in ("", "/methods", "/methods/app", "/sessions", "/activity")]
    pages.append(send(alice, alice.get("/account/data"), "/data").text)
    with house.storage.snapshot() as uow:
        kept = repr((uow.authenticators.list(account_id(house)), uow.audit.list(limit=500)))
    for text in (*pages, kept, caplog.text, *(repr(record.__dict__) for record in caplog.records)):
        assert secret not in text.replace(" ", "")


@pytest.mark.case("MF-04")
@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "１２３４５６", "1e5", "-1", "1" * 60_000, "a\u202e", "0x1234"]
)
def test_what_is_no_code(house: House, code: str) -> None:
    """It is refused by the page, which goes on."""
    alice = house.browser()
    shown = set_up(house, setter := visitor(house), setter.get("/account/methods/app"))
    assert "Keep these codes" in shown.text
    page = send_code(alice, to_second_factor(alice), code)
    assert page.status_code == 400
    assert 'id="second-factor-submit"' in page.text
    assert alice.submit(page, code="1", action="continue", method="no such").status_code == 400


@pytest.mark.case("MF-23", "MF-25", "MF-29")
def test_owner_is_told_of_every_change(post: Postal) -> None:
    """An app that was set up, replaced and removed, by mail and in the audit; a new password removes none of it."""
    house = post.house
    alice = visitor(house)
    page = alice.get("/account/methods/app")
    app = secret_of(page)
    set_up(house, alice, page)
    post.deliver()
    link = post.link()
    reader = house.browser()
    reset = reader.submit(reader.follow(reader.get(link)), password="another good battery staple")
    assert "Your second step stays as it is" in reset.text
    signing_in = house.browser()
    asked = at(signing_in, "/methods", password="another good battery staple")
    page = send_code(signing_in, asked, next_code(house, app))
    assert "is removed" in send(signing_in, page, "/methods", action="remove_app").text
    post.deliver()
    subjects = [mail["Subject"] for mail in post.sink.mails]
    for wanted in ("A second step was set up", "A second step was removed"):
        assert [subject for subject in subjects if subject == wanted], subjects
    with house.storage.snapshot() as uow:
        names = [event.name for event in uow.audit.list(limit=500) if event.account_id == account_id(house)]
        assert not [each for each in uow.authenticators.list(account_id(house)) if each.method == "recovery_code"]
    assert {"second_factor.set_up", "second_factor.removed", "recovery.used"} <= set(names)
