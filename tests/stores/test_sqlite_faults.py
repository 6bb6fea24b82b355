"""What happens to the stores when the file beneath them fails."""

import os
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from idp.stores.interfaces import StorageUnavailable
from idp.stores.sql.storage import SqlStorage
from tests.stores.conftest import open_database
from tests.stores.contract import artifact, grant


def test_full_disk_is_unavailable_and_keeps_nothing_of_the_unit(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unit of work that no longer fits is gone as a whole; what was there stays, and reading goes on (R21)."""
    open_database(path).close()
    pages = sqlite3.connect(path).execute("PRAGMA page_count").fetchone()[0]
    monkeypatch.setattr("idp.stores.sql.sqlite.PRAGMAS", (f"PRAGMA max_page_count={pages + 5}",))
    storage = SqlStorage(f"sqlite:///{path}")
    with storage.begin() as uow:
        uow.grants.add(grant())
    with pytest.raises(StorageUnavailable, match="full"), storage.begin() as uow:
        for number in range(1000):
            uow.artifacts.add(artifact(f"n{number}", payload={"text": "x" * 500}))
    with storage.begin() as uow:
        assert uow.artifacts.find("code", "n0") is None
        assert uow.grants.revoke("g1", 1)
    storage.close()


def test_full_disk_ends_a_group(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which unit of work it hits does not matter: SQLite gives up the transaction, and so nothing of the group is kept,
    neither what came before nor what comes after."""
    open_database(path).close()
    pages = sqlite3.connect(path).execute("PRAGMA page_count").fetchone()[0]
    monkeypatch.setattr("idp.stores.sql.sqlite.PRAGMAS", (f"PRAGMA max_page_count={pages + 5}",))
    storage = SqlStorage(f"sqlite:///{path}")
    with pytest.raises(StorageUnavailable, match="could not be undone"), storage.group() as group:
        with group.begin() as uow:
            uow.grants.add(grant("g1"))
        with pytest.raises(StorageUnavailable, match="full"), group.begin() as uow:
            for number in range(1000):
                uow.artifacts.add(artifact(f"n{number}", payload={"text": "x" * 500}))
        with pytest.raises(StorageUnavailable, match="could not be undone"), group.begin() as uow:
            uow.grants.add(grant("g2"))
    with storage.group() as group, group.begin() as uow:
        assert [uow.grants.find(name) for name in ("g1", "g2")] == [None, None]
        assert uow.artifacts.find("code", "n0") is None
        uow.grants.add(grant("g3"))
    storage.close()


def test_file_that_is_no_database_is_unavailable(path: Path) -> None:
    """Something else in the database's place is left alone."""
    path.parent.mkdir()
    path.write_bytes(b"not a database, but long enough to have a header" * 100)
    before = path.read_bytes()
    storage = SqlStorage(f"sqlite:///{path}")
    for act in (storage.migrate, storage.check):
        with pytest.raises(StorageUnavailable, match="not a database"):
            act()
    assert path.read_bytes() == before
    storage.close()


@pytest.mark.case("OP-12")
def test_damaged_page_is_unavailable(path: Path) -> None:
    """A damaged table ends in `StorageUnavailable`, not in wrong answers."""
    storage = open_database(path)
    with storage.begin() as uow:
        for number in range(500):
            uow.artifacts.add(artifact(f"n{number}"))
    storage.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    storage = SqlStorage(f"sqlite:///{path}")
    with pytest.raises(StorageUnavailable, match="malformed"), storage.snapshot() as uow:
        uow.artifacts.find("code", "n1")
    storage.close()


def test_directory_in_the_files_place_is_unavailable(path: Path) -> None:
    """A path that cannot be a file says so."""
    path.mkdir(parents=True)
    storage = SqlStorage(f"sqlite:///{path}")
    with pytest.raises(StorageUnavailable, match="unable to open"):
        storage.migrate()
    storage.close()


def test_file_in_the_directorys_place_is_unavailable(tmp_path: Path) -> None:
    """A state directory that is a file says so."""
    (tmp_path / "state").write_text("")
    with pytest.raises(StorageUnavailable, match="Not a directory"):
        SqlStorage(f"sqlite:///{tmp_path}/state/signet.sqlite3")


@pytest.mark.case("OP-10")
@pytest.mark.parametrize("replaced", [False, True])
def test_vanished_file_fails_loudly(storage: SqlStorage, path: Path, replaced: bool) -> None:
    """Deleted or replaced while in use: no write goes nowhere, and no empty database takes its place."""
    with storage.begin() as uow:
        uow.grants.add(grant())
    aside = path.with_suffix(".aside")
    if replaced:
        shutil.copy(path, aside)
        os.replace(aside, path)
    else:
        path.unlink()
    with pytest.raises(StorageUnavailable), storage.begin() as uow:
        uow.grants.add(grant("g2"))
    with pytest.raises(StorageUnavailable), storage.snapshot() as uow:
        uow.grants.find("g1")
    with pytest.raises(StorageUnavailable):
        storage.check()
    assert path.exists() is replaced


@pytest.mark.case("OP-09")
def test_queue_behind_a_stuck_writer_is_bounded(storage: SqlStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits too long for the turn to write is told so, and the next one gets it (R21)."""
    monkeypatch.setattr("idp.stores.sql.sqlite.BUSY_SECONDS", 0.05)
    refused: list[StorageUnavailable] = []

    def write() -> None:
        try:
            with storage.begin() as uow:
                uow.grants.add(grant("late"))
        except StorageUnavailable as error:
            refused.append(error)

    with storage.begin() as uow:
        uow.grants.add(grant())
        thread = threading.Thread(target=write)
        thread.start()
        thread.join(5)
    assert len(refused) == 1
    with storage.begin() as uow:
        assert uow.grants.find("late") is None
        uow.grants.add(grant("late"))
