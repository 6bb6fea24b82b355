"""The SQLite stores keep the contract, and what SQLite itself must stand."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from idp.stores.interfaces import StorageUnavailable
from idp.stores.sql.storage import SqlStorage
from tests.stores.conftest import open_database
from tests.stores.contract import StoreContract, artifact, grant
from tests.stores.contract_authenticators import AuthenticatorContract
from tests.stores.contract_removing import RemovingContract
from tests.stores.contract_sweeping import SweepingContract
from tests.stores.contract_writing import GroupContract, StandingContract, WritingContract

PREAMBLE = "from pathlib import Path\nfrom tests.stores.conftest import open_database\n"


class TestSqlite(
    StoreContract,
    WritingContract,
    StandingContract,
    GroupContract,
    SweepingContract,
    AuthenticatorContract,
    RemovingContract,
):
    """The contract, on SQLite."""


@pytest.mark.case("OP-24")
def test_files_are_private(storage: SqlStorage, path: Path) -> None:
    """The database and its companions can be read by their owner only."""
    with storage.begin() as uow:
        uow.grants.add(grant())
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.case("OP-09")
def test_locked_database_is_unavailable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program's lock ends in `StorageUnavailable` after a bounded wait; then all is as before."""
    monkeypatch.setattr("idp.stores.sql.sqlite.BUSY_SECONDS", 0.1)
    storage = open_database(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    with pytest.raises(StorageUnavailable), storage.begin() as uow:
        uow.grants.add(grant())
    assert time.monotonic() - began < 2
    other.execute("ROLLBACK")
    other.close()
    with storage.begin() as uow:
        uow.grants.add(grant())
    storage.close()


def test_second_storage_keeps_the_locks_of_the_first(path: Path, storage: SqlStorage) -> None:
    """Opening the same file again in this process leaves a writer's lock in force for other processes."""
    with storage.begin() as uow:
        uow.grants.add(grant())
        SqlStorage(f"sqlite:///{path}").close()
        connect = f"sqlite3.connect({str(path)!r}, timeout=0.1, isolation_level=None)"
        program = f"import sqlite3; {connect}.execute('BEGIN IMMEDIATE')"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
        assert "database is locked" in done.stderr


def test_readers_do_not_wait_for_a_writer(storage: SqlStorage) -> None:
    """A snapshot opens while a unit of work is writing."""
    read = threading.Event()

    def look() -> None:
        with storage.snapshot() as uow:
            assert uow.grants.find("g1") is None
        read.set()

    with storage.begin() as uow:
        uow.grants.add(grant())
        thread = threading.Thread(target=look)
        thread.start()
        assert read.wait(5)
        thread.join()


@pytest.mark.case("OP-13")
def test_acknowledged_commits_survive_a_kill(path: Path) -> None:
    """Whatever was said to be kept is there after `kill -9` (R8)."""
    program = (
        f"{PREAMBLE}from tests.stores.contract import artifact\n"
        f"storage = open_database(Path({str(path)!r}))\n"
        "for number in range(100_000):\n"
        "    with storage.begin() as uow: uow.artifacts.add(artifact(f'n{number}'))\n"
        "    print(number, flush=True)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    acknowledged = [int(child.stdout.readline()) for _ in range(200)]
    os.kill(child.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in child.stdout.read().splitlines() if line.isdigit()]
    child.stdout.close()
    child.wait(30)
    storage = open_database(path)
    with storage.snapshot() as uow:
        assert all(uow.artifacts.find("code", f"n{number}") for number in acknowledged[:-1])
        assert uow.artifacts.find("code", "n0") == artifact("n0")
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    storage.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y"])
def test_other_databases_are_refused(url: str) -> None:
    """What is not supported says so at once."""
    with pytest.raises(StorageUnavailable, match="only SQLite"):
        SqlStorage(url)
