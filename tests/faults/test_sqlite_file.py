"""The provider over a SQLite file that is locked, read-only, full, gone, replaced or damaged."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from idp.stores.interfaces import StorageUnavailable
from idp.stores.sql.storage import SqlStorage
from tests.cli.processes import running
from tests.faults.answers import check_memory_serves, check_unavailable, health
from tests.ports import free_port
from tests.provider import Browser, House

NOBODY = 65_534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of the house."""
    return tmp_path / "signet.sqlite3"


@pytest.fixture
def browser(house: House) -> Browser:
    """A browser of the house."""
    return house.browser()


@contextmanager
def read_only(directory: Path) -> Iterator[None]:
    """Take away the right to write what is in a directory, also from root, who becomes nobody for that."""
    way = [parent for parent in directory.parents if not parent.stat().st_mode & 0o001] if os.geteuid() == 0 else []
    modes = {found: found.stat().st_mode for found in (*way, directory, *directory.iterdir())}
    for found, mode in modes.items():
        found.chmod(mode & 0o555 | (0o555 if found.is_dir() else 0o444))
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for found, mode in modes.items():
            found.chmod(mode)


@pytest.mark.case("OP-08")
def test_read_only_file(house: House, browser: Browser, path: Path) -> None:
    """Keys are published and tokens verified; what writes is refused; health says degraded; then all is as before."""
    tokens = browser.tokens()
    with closing(sqlite3.connect(path)) as other:
        # What keeps the log there when the provider's connections are made anew, which alone see the new rights.
        other.execute("SELECT count(*) FROM accounts")
        house.storage.close()
        with read_only(path.parent):
            check_memory_serves(browser)
            assert browser.userinfo(tokens["access_token"]).status_code == 200
            check_unavailable(browser.refresh(tokens["refresh_token"]))
            check_unavailable(browser.authorize())
            assert health(browser) == (503, "degraded")
        house.storage.close()
    assert health(browser) == (200, "ready")
    assert browser.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.case("OP-09")
def test_locked_file(house: House, browser: Browser, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program writes and does not end: readers go on, writers are refused in time, then all is as before."""
    monkeypatch.setattr("idp.stores.sql.sqlite.BUSY_SECONDS", 0.2)
    tokens = browser.tokens()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for _ in range(3):
            check_unavailable(browser.refresh(tokens["refresh_token"]))
        check_unavailable(browser.authorize())
        assert browser.userinfo(tokens["access_token"]).status_code == 200
        check_memory_serves(browser)
        assert health(browser) == (503, "degraded")
        other.execute("ROLLBACK")
    assert browser.refresh(tokens["refresh_token"]).status_code == 200
    assert health(browser) == (200, "ready")


def test_full_disk(house: House, browser: Browser, path: Path) -> None:
    """What no longer fits is refused as a whole; reading goes on; with room again all is as before."""
    tokens = browser.tokens()
    database = house.storage._database  # type: ignore[attr-defined]
    with closing(sqlite3.connect(path)) as other:
        pages = other.execute("PRAGMA page_count").fetchone()[0]
    with database.writing() as run:
        run.execute(f"PRAGMA max_page_count={pages}")
    answers = [browser.authorize(state="x" * 1_000) for _ in range(40)]
    refused = [answer for answer in answers if answer.status_code != 303]
    assert refused
    for answer in refused:
        check_unavailable(answer)
    assert browser.userinfo(tokens["access_token"]).status_code == 200
    check_memory_serves(browser)
    with database.writing() as run:
        run.execute("PRAGMA max_page_count=1000000")
    assert browser.authorize().status_code == 303
    assert browser.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.case("OP-10")
@pytest.mark.parametrize("gone", ["", "-wal", "-shm"])
@pytest.mark.parametrize("replaced", [False, True])
def test_file_that_was_taken_away(house: House, browser: Browser, path: Path, gone: str, replaced: bool) -> None:
    """Deleted or replaced, the file or one beside it: nothing is written into nowhere, and nothing is made anew."""
    tokens = browser.tokens()
    taken = path.with_name(path.name + gone)
    aside = path.with_suffix(".aside")
    shutil.copy(taken, aside)
    taken.unlink()
    if replaced:
        aside.replace(taken)
    check_unavailable(browser.refresh(tokens["refresh_token"]))
    check_memory_serves(browser)
    if gone:
        # Reading goes on in what was opened.
        assert health(browser) == (503, "degraded")
    else:
        check_unavailable(browser.userinfo(tokens["access_token"]))
        assert health(browser) == (503, "unavailable")
    assert taken.exists() is replaced


@pytest.fixture(params=["page", "truncated"])
def damaged(request: pytest.FixtureRequest, migrated_file: Path, path: Path) -> Path:
    """A file that a disk has damaged."""
    content = bytearray(migrated_file.read_bytes())
    if request.param == "page":
        content[-4096:] = b"\xff" * 4096
    else:
        del content[-8192:]
    path.write_bytes(content)
    path.chmod(0o600)
    return path


@pytest.mark.case("OP-12")
def test_damage_is_found(damaged: Path) -> None:
    """It is said which file it is; it stays as it is."""
    before = damaged.read_bytes()
    with closing(SqlStorage(f"sqlite:///{damaged}")) as storage, pytest.raises(StorageUnavailable) as fault:
        storage.check_whole()
    assert "damaged" in str(fault.value) or "malformed" in str(fault.value)
    assert damaged.read_bytes() == before


@pytest.mark.case("OP-12")
def test_damaged_file_does_not_start(tmp_path: Path, damaged: Path, request: pytest.FixtureRequest) -> None:
    """Neither with one process nor with several."""
    workers = "1" if "page" in request.node.name else "2"
    environment = {
        "IDP_DATABASE_URL": f"sqlite:///{damaged}",
        "IDP_KEY_ENCRYPTION_KEY_FILE": str(tmp_path / "k"),
    }
    options = ("--port", str(free_port()), "--workers", workers, "--issuer", "http://idp.localhost:9999")
    with running(tmp_path, "serve", *options, environment=environment) as provider:
        assert provider.process.wait(60) == 1, provider.said()
        said = provider.said()
    assert "damaged" in said or "malformed" in said, said
    assert "Traceback" not in said


def test_large_file_is_looked_through_for_seconds_only(
    migrated_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its start is not held up; that it was only begun is said."""
    path = tmp_path / "signet.sqlite3"
    shutil.copy(migrated_file, path)
    monkeypatch.setattr("idp.stores.sql.sqlite_files.CHECK_SECONDS", -1)
    monkeypatch.setattr("idp.stores.sql.sqlite_files.STEPS", 10)
    caplog.set_level("INFO")
    with closing(SqlStorage(f"sqlite:///{path}")) as storage:
        storage.check_whole()
        assert "only its beginning" in caplog.text
        monkeypatch.undo()
        storage.check_whole()
        storage.check()


@pytest.mark.case("OP-14")
def test_log_behind_a_long_reader(
    house: House, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While somebody reads one moment for long the log grows: this is warned of, and it shrinks when they are done."""
    log = path.with_name(f"{path.name}-wal")
    browser = house.browser()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM accounts").fetchone()
        house.provider.upkeep.turn()
        assert "keeps the database's log" not in caplog.text
        monkeypatch.setattr("idp.stores.sql.sqlite_files.LOG_BYTES", log.stat().st_size)
        browser.tokens()
        house.provider.upkeep.turn()
        assert "keeps the database's log" in caplog.text
        other.execute("ROLLBACK")
        grown = log.stat().st_size
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert log.stat().st_size < grown
    assert browser.authorize().status_code == 303
