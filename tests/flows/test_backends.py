"""The same journeys over every kind of database, and two instances over one."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from idp.accounts.accounts import disable_account, find_account, set_password
from idp.app import build_key_life_cycle
from idp.clock import monotonic
from idp.stores.sql.storage import SqlStorage
from tests.conftest import furnished
from tests.provider import House, make_house

RACERS = 8
SEEN_SECONDS = 1.0


def together(act: Callable[[], httpx2.Response]) -> list[int]:
    """Do the same in several threads at once; return the statuses, sorted."""
    ready = threading.Barrier(RACERS)

    def run(_: int) -> int:
        ready.wait(10)
        return act().status_code

    with ThreadPoolExecutor(RACERS) as pool:
        return sorted(pool.map(run, range(RACERS)))


def test_code_flow_ends_in_tokens_that_work(any_house: House) -> None:
    """Sign-in, consent, code, tokens, UserInfo, refresh, introspection."""
    browser = any_house.browser()
    tokens = browser.tokens("third", scope="openid profile offline_access")
    assert browser.userinfo(tokens["access_token"]).json()["name"] == "Alice Example"
    fresh = browser.refresh(tokens["refresh_token"], "third").json()
    assert browser.introspect(fresh["access_token"], "third")["active"] is True


@pytest.mark.requirement("RFC 6749", "4.1.2")
def test_code_is_redeemed_once_in_a_race(any_house: House) -> None:
    """Of eight redemptions at once one succeeds; and the others are a replay, which ends the grant."""
    browser = any_house.browser()
    code = browser.code_flow()["code"]
    assert together(lambda: any_house.browser().exchange(code)) == [200] + [400] * (RACERS - 1)


@pytest.mark.requirement("RFC 9700", "4.14.2")
def test_refresh_token_is_used_once_in_a_race(any_house: House) -> None:
    """Of eight refreshes at once one succeeds, and its successor lives on, for the race was within the grace."""
    browser = any_house.browser()
    token = browser.tokens(scope="openid offline_access")["refresh_token"]
    found: list[str] = []

    def refresh() -> httpx2.Response:
        response = any_house.browser().refresh(token)
        found.extend([response.json()["refresh_token"]] if response.status_code == 200 else [])
        return response

    assert together(refresh) == [200] + [400] * (RACERS - 1)
    assert browser.refresh(found[0]).status_code == 200


@pytest.mark.requirement("RFC 9700", "4.14.2")
def test_late_replay_ends_the_family(any_house: House) -> None:
    """A spent refresh token that comes again after the grace revokes what came from it, and that lasts."""
    browser = any_house.browser()
    first = browser.tokens(scope="openid offline_access")["refresh_token"]
    second = browser.refresh(first).json()["refresh_token"]
    any_house.clock.move(60)
    assert browser.refresh(first).status_code == 400
    assert browser.refresh(second).status_code == 400


def test_no_guess_is_lost_in_a_race(any_house: House) -> None:
    """Wrong passwords at the same time are all counted, none of them with a server error (R12)."""
    browsers = [any_house.browser() for _ in range(RACERS)]
    pages = [browser.follow(browser.authorize()) for browser in browsers]
    waiting = list(zip(browsers, pages, strict=True))

    def guess() -> httpx2.Response:
        browser, page = waiting.pop()
        return browser.sign_in(page, password="wrong")

    assert set(together(guess)) <= {200, 400, 401, 422}


@pytest.fixture
def pair(postgresql_url: str, tmp_path: Path, ready_keys: None) -> Iterator[tuple[House, House]]:
    """Two instances over one PostgreSQL database and one key-encryption key, each with connections of its own."""
    key_file = tmp_path / "key-encryption.key"
    storages = SqlStorage(postgresql_url), SqlStorage(postgresql_url)
    yield furnished(storages[0], key_file), make_house(storages[1], key_file)
    for storage in storages:
        storage.close()


def test_instances_share_everything(pair: tuple[House, House]) -> None:
    """A code from one is redeemed at the other, whose tokens the first one knows."""
    one, other = pair
    code = one.browser().code_flow()["code"]
    tokens = other.browser().exchange(code).json()
    assert one.browser().userinfo(tokens["access_token"]).status_code == 200
    assert other.browser().exchange(code).status_code == 400
    assert one.browser().userinfo(tokens["access_token"]).status_code == 401


def test_access_taken_at_one_instance_is_gone_at_the_other(pair: tuple[House, House]) -> None:
    """Disabling an account counts at once (R7)."""
    one, other = pair
    tokens = one.browser().tokens(scope="openid offline_access")
    with one.storage.begin() as uow:
        account = find_account(uow, "alice")
        assert account is not None
        disable_account(uow, one.server.sessions, account, one.clock.now())
    assert other.browser().userinfo(tokens["access_token"]).status_code == 401
    assert other.browser().refresh(tokens["refresh_token"]).status_code == 400


def test_rotation_is_seen_within_a_second(pair: tuple[House, House]) -> None:
    """A key that begins to sign at one instance is known to the other in time, and both rotate once together."""
    one, other = pair
    cycles = [build_key_life_cycle(h.server.settings, h.storage, h.server.vault) for h in pair]
    before = other.server.keys.signer().kid
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda cycle: cycle.rotate(one.clock.now()), cycles))
    assert any(done)
    until = monotonic() + SEEN_SECONDS
    while other.server.keys.signer().kid == before and monotonic() < until:
        threading.Event().wait(0.02)
    assert other.server.keys.signer().kid != before
    tokens = one.browser().tokens()
    assert other.browser().userinfo(tokens["access_token"]).status_code == 200


def test_no_sign_in_by_the_old_password_survives_its_change(pair: tuple[House, House]) -> None:
    """Whichever of a sign-in here and a change of the password there comes first, no session by the old one is left
    (R7)."""
    one, other = pair
    browser = one.browser()
    page = browser.follow(browser.authorize())
    fresh = other.passwords.hash("another good battery staple")

    def change() -> None:
        with other.storage.begin() as uow:
            account = find_account(uow, "alice")
            assert account is not None
            set_password(uow, other.server.sessions, account, fresh, other.clock.now())

    with ThreadPoolExecutor(2) as pool:
        for act in (pool.submit(browser.sign_in, page), pool.submit(change)):
            act.result()
    with one.storage.snapshot() as uow:
        account = find_account(uow, "alice")
        assert account is not None
        live = uow.sessions.list_live(account.account_id, one.clock.now())
        assert live == ()
