"""The PostgreSQL stores keep the contract, and what PostgreSQL itself must stand."""

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
import pytest

from idp.stores.interfaces import Duplicate, Occupied, StorageUnavailable
from idp.stores.sql.postgresql import OURS
from idp.stores.sql.storage import SqlStorage
from idp.stores.sql.sweeping import SWEEPING
from tests.postgresql import Server
from tests.stores.contract import DAY, NOW, StoreContract, account, artifact, grant, session
from tests.stores.contract_authenticators import AuthenticatorContract
from tests.stores.contract_removing import RemovingContract
from tests.stores.contract_sweeping import SweepingContract
from tests.stores.contract_writing import StandingContract, WritingContract


@pytest.fixture
def storage(postgresql_url: str) -> Iterator[SqlStorage]:
    """An empty database."""
    made = SqlStorage(postgresql_url)
    yield made
    made.close()


class TestPostgresql(
    StoreContract, WritingContract, StandingContract, SweepingContract, AuthenticatorContract, RemovingContract
):
    """The contract, on PostgreSQL."""

    def test_server_has_no_groups(self, storage: SqlStorage) -> None:
        """For it has to be waited for."""
        with pytest.raises(Occupied), storage.group():
            pytest.fail("it was not waited for")


def test_silent_rollback_is_told(storage: SqlStorage) -> None:
    """A unit of work that goes on after a failed statement does not look as if it had been kept."""
    with storage.begin() as uow:
        uow.sessions.add(session("s1"))
        uow.sessions.add(session("s2"))
    with pytest.raises(StorageUnavailable, match="nothing was kept"), storage.begin() as uow, suppress(Duplicate):
        uow.sessions.replace(session("s2", handle_hash="h-s1"))


@pytest.mark.case("OP-09")
def test_wait_for_a_lock_is_bounded(postgresql_url: str) -> None:
    """Another program's lock ends in `StorageUnavailable` after a bounded wait; then all is as before (R21)."""
    storage = SqlStorage(f"{postgresql_url}?options=-c%20lock_timeout%3D100ms")
    with psycopg.connect(postgresql_url, autocommit=True) as other:
        other.execute("BEGIN")
        other.execute("LOCK TABLE grants")
        with pytest.raises(StorageUnavailable, match="lock timeout"), storage.begin() as uow:
            uow.grants.add(grant())
        other.execute("ROLLBACK")
    with storage.begin() as uow:
        uow.grants.add(grant())
    storage.close()


def test_deadlock_is_unavailable_and_keeps_nothing(storage: SqlStorage) -> None:
    """Of two units of work that wait for each other one goes on, and the other is gone as a whole."""
    with storage.begin() as uow:
        for name in ("a1", "a2"):
            uow.accounts.add(account(name))
    both = threading.Barrier(2)

    def cross(first: str, second: str) -> bool:
        try:
            with storage.begin() as uow:
                uow.accounts.hold(first)
                uow.grants.add(grant(first))
                both.wait(10)
                uow.accounts.hold(second)
        except StorageUnavailable:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(cross, ("a1", "a2"), ("a2", "a1")))
    assert sorted(done) == [False, True]
    with storage.snapshot() as uow:
        assert [uow.grants.find(name) is not None for name in ("a1", "a2")] == done


def test_pool_is_bounded(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever finds no connection in time is told so, and the next one gets it (R21)."""
    monkeypatch.setattr("idp.stores.sql.postgresql.POOL_SECONDS", 0.05)
    storage = SqlStorage(postgresql_url, connections=1)
    with storage.begin(), pytest.raises(StorageUnavailable), storage.snapshot():
        pass
    storage.check()
    storage.close()


def test_restart_of_the_server_is_survived() -> None:
    """While the server is away all fails, bounded; the first unit of work afterwards succeeds, though every connection
    of the pool is dead."""
    server = Server.make()
    try:
        storage = SqlStorage(server.make_database())
        with ThreadPoolExecutor(4) as pool:
            both = threading.Barrier(4)

            def read(_: int) -> None:
                with storage.snapshot():
                    both.wait(10)

            list(pool.map(read, range(4)))
        with pytest.raises(StorageUnavailable), storage.begin() as uow:
            uow.grants.add(grant("half"))
            server.stop()
        with pytest.raises(StorageUnavailable):
            storage.check()
        server.start()
        with storage.begin() as uow:
            assert uow.grants.find("half") is None
            uow.grants.add(grant())
        storage.close()
    finally:
        server.remove()


@pytest.mark.case("OP-39")
def test_one_instance_sweeps(storage: SqlStorage, postgresql_url: str) -> None:
    """While another instance is at it, a sweep does nothing."""
    with storage.begin() as uow:
        uow.artifacts.add(artifact(expires_at=NOW - 2 * DAY))
    with psycopg.connect(postgresql_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s, %s)", (OURS, SWEEPING))
        assert storage.sweep(NOW, 10) == 0
    assert storage.sweep(NOW, 10) == 1


def test_driver_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psycopg it is said what to install."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StorageUnavailable, match=r"signet-idp\[postgres\]"):
        SqlStorage("postgresql://u@h/d")


@pytest.mark.parametrize("url", ["postgresql://u:geheim@127.0.0.1:1/d", "postgresql+psycopg://u:geheim@127.0.0.1:1/d"])
def test_password_is_never_told(url: str) -> None:
    """Neither the failure nor the place has it."""
    storage = SqlStorage(url)
    with pytest.raises(StorageUnavailable) as refused:
        storage.check()
    assert "geheim" not in f"{refused.value} {storage.place}"
    storage.close()


def test_database_of_another_encoding_is_refused(postgresql: Server) -> None:
    """Names in all scripts must fit."""
    url = postgresql.make_database("template0 ENCODING 'LATIN1'")
    storage = SqlStorage(url)
    with pytest.raises(StorageUnavailable, match="UTF8"):
        storage.check()
    storage.close()
    postgresql.drop_database(url)


def test_user_without_privileges_is_unavailable(postgresql: Server, postgresql_url: str) -> None:
    """A table that may not be read is the operator's matter, not a crash."""
    with postgresql.connect(postgresql_url) as connection:
        connection.execute("DO $$ BEGIN CREATE ROLE nobody LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    storage = SqlStorage(postgresql_url.replace("signet@", "nobody@"))
    with pytest.raises(StorageUnavailable, match="privilege"), storage.snapshot() as uow:
        uow.grants.find("g1")
    storage.close()
