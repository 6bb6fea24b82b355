"""A PostgreSQL server that is there and does not answer: stopped, overwhelmed, or behind a network that drops all."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from idp.clock import monotonic
from idp.stores.interfaces import StorageUnavailable
from idp.stores.sql.patience import PatientConnection
from idp.stores.sql.storage import SqlStorage
from tests.cli.processes import wait_for
from tests.conftest import furnished
from tests.faults.answers import check_memory_serves, check_unavailable, health
from tests.faults.relay import Relay
from tests.postgresql import Server
from tests.provider import House
from tests.stores.contract import grant

ANSWERED_SECONDS = 5.0


@pytest.fixture
def relay(postgresql: Server) -> Iterator[Relay]:
    """The network."""
    with Relay(postgresql.port) as made:
        yield made


@pytest.fixture
def storage(relay: Relay, postgresql: Server, postgresql_url: str) -> Iterator[SqlStorage]:
    """An empty database behind it."""
    made = SqlStorage(postgresql_url.replace(str(postgresql.port), str(relay.port)))
    yield made
    made.close()


@pytest.fixture
def house(storage: SqlStorage, ready_keys: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A provider over it that is quickly out of patience."""
    monkeypatch.setattr(PatientConnection, "patience_seconds", 0.5)
    return furnished(storage, tmp_path / "key-encryption.key")


@pytest.mark.case("OP-17")
def test_all_requests_are_answered_in_time_and_all_is_well_afterwards(house: House, relay: Relay) -> None:
    """However many ask at once: 503 and Retry-After. What needs memory alone is served; then all is as before."""
    token = house.browser().tokens()["refresh_token"]
    relay.fall_silent()

    def timed(_: int) -> tuple[httpx2.Response, float]:
        began = monotonic()
        return browser.refresh(token), monotonic() - began

    with house.browser() as browser, ThreadPoolExecutor(24) as pool:
        for answer, seconds in pool.map(timed, range(24)):
            check_unavailable(answer)
            assert seconds < ANSWERED_SECONDS
        check_memory_serves(browser)
        assert health(browser) == (503, "unavailable")
        relay.resume()
        # Some thread of the provider's own may be the one that tries just now.
        wait_for(lambda: health(browser) == (200, "ready"), "still unavailable")
        wait_for(lambda: browser.refresh(token).status_code == 200, "the token is still good")


def test_one_tries_again_and_nobody_waits_behind_it(
    storage: SqlStorage, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was silent once is tried by one at a time; the others are told at once."""
    monkeypatch.setattr(PatientConnection, "patience_seconds", 0.5)
    storage.check()
    relay.fall_silent()
    with pytest.raises(StorageUnavailable, match=r"not answered for 0\.5 s"), storage.begin():
        pass

    def check() -> None:
        with suppress(StorageUnavailable):
            storage.check()

    trying = threading.Thread(target=check)
    trying.start()
    refused = 0
    while trying.is_alive():
        began = monotonic()
        with pytest.raises(StorageUnavailable) as fault, storage.begin():
            pass
        if "a moment ago" in str(fault.value):
            refused += 1
            assert monotonic() - began < 0.3
        threading.Event().wait(0.05)
    assert refused
    relay.resume()
    storage.check()


@pytest.mark.parametrize("moment", ["statement", "commit"])
def test_silence_within_a_unit_of_work_ends_it(
    storage: SqlStorage, relay: Relay, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Nothing of it is kept unless it was the commit whose answer got lost; then all of it is, once it arrives."""
    monkeypatch.setattr(PatientConnection, "patience_seconds", 0.3)
    with pytest.raises(StorageUnavailable), storage.begin() as uow:
        uow.grants.add(grant("g1"))
        relay.fall_silent()
        if moment == "statement":
            uow.grants.add(grant("g2"))
    relay.resume()

    def found() -> list[bool]:
        with storage.snapshot() as uow:
            return [uow.grants.find(name) is not None for name in ("g1", "g2")]

    expected, gives_up_at = [moment == "commit", False], monotonic() + 10
    # The commit was taken, and is passed on now, on a connection of its own: a look may be faster.
    while found() != expected and monotonic() < gives_up_at:
        threading.Event().wait(0.02)
    assert found() == expected


def test_migration_may_take_longer(storage: SqlStorage, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration waits as long as the server works; the connection is impatient again when it is over."""
    monkeypatch.setattr(PatientConnection, "patience_seconds", 0.2)
    storage.check()
    threading.Timer(0.6, relay.resume).start()
    relay.fall_silent()
    storage.migrate()
    relay.fall_silent()
    with pytest.raises(StorageUnavailable), storage.begin():
        pass


def test_slow_statement_is_stopped_by_the_server(postgresql_url: str) -> None:
    """It says so itself before we lose patience, and its connection is used again."""
    storage = SqlStorage(f"{postgresql_url}?options=-c%20statement_timeout%3D100ms", connections=1)
    with pytest.raises(StorageUnavailable, match="statement timeout"), storage._database.writing() as run:
        run.execute("SELECT pg_sleep(5)")
    with storage.begin() as uow:
        uow.grants.add(grant())
    storage.close()
