"""Signing up in a race, over every kind of database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from idp.accounts.sign_up import Wish, issue_link_token
from idp.stores.sql.storage import SqlStorage
from tests.provider import House, make_house
from tests.sign_up import NEW_PASSWORD

SPELLINGS = ("caf\u00e9@new.example", "cafe\u0301@new.example", "CAF\u00c9@NEW.EXAMPLE", "\uff43afe\u0301@new.example")


@pytest.fixture(params=["sqlite", "postgresql"])
def open_house(request: pytest.FixtureRequest, tmp_path: Path, ready_keys: None) -> Iterator[House]:
    """A provider where anybody may sign up."""
    is_file = request.param == "sqlite"
    storage = SqlStorage(f"sqlite:///{tmp_path}/s" if is_file else request.getfixturevalue("postgresql_url"))
    storage.migrate()
    yield make_house(storage, tmp_path / "key-encryption.key", sign_up={"mode": "open"})
    storage.close()


@pytest.mark.case("LG-40")
@pytest.mark.parametrize("is_same_name", [True, False])
def test_twenty_at_once_make_one_account(open_house: House, is_same_name: bool) -> None:
    """Links for one address in four spellings, used at the same moment: one account, and the others are told that the
    address has one, whether they chose one user name or twenty."""
    house, now, links = open_house, open_house.clock.now(), list[str]()
    with house.storage.begin() as uow:
        for number in range(20):
            wish = Wish(email=SPELLINGS[number % 4], flow="")
            token = issue_link_token(uow, house.server.vault, wish, now, seconds=60)
            links.append(f"/sign-up/finish?token={token}")
    browsers = [house.browser() for _ in links]
    pages = [browser.follow(browser.get(link)) for browser, link in zip(browsers, links, strict=True)]

    def send(number: int) -> tuple[str, str]:
        name = "carol" if is_same_name else f"carol{number}"
        end = browsers[number].submit(pages[number], username=name, password=NEW_PASSWORD)
        return end.url.path, end.text

    with ThreadPoolExecutor(20) as pool:
        ends = list(pool.map(send, range(20)))
    with house.storage.snapshot() as uow:
        assert len(uow.accounts.list()) == 1
    assert sum(path == "/account" for path, _ in ends) == 1
    assert sum("You have an account already" in text for _, text in ends) == 19
