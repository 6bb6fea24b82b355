"""The upkeep's sweeping: it goes on while there is something to sweep, and leaves the database to requests between."""

import shutil
from pathlib import Path
from typing import Any, cast

import pytest

from idp import upkeep
from idp.accounts.sessions import Sessions
from idp.clock import SystemClock
from idp.jose.rotation import KeyLifeCycle
from idp.settings import Lifetimes
from idp.stores.interfaces import Storage
from idp.stores.sql.storage import SqlStorage
from idp.upkeep import BATCH_ROWS, EVERY_SECONDS, REST, Upkeep
from tests.stores.contract import DAY, NOW, artifact


class Backlog:
    """A storage in which so many batches wait, of which each takes a tenth of a second."""

    def __init__(self, batches: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches, self.seconds, self.rested = batches, 0.0, 0.0
        monkeypatch.setattr(upkeep, "monotonic", lambda: self.seconds)

    def sweep(self, _now: int, limit: int) -> int:
        self.seconds += 0.1
        self.batches -= 1
        return limit if self.batches >= 0 else 0

    def wait(self, seconds: float) -> bool:
        """Stand in for the event that ends the upkeep."""
        self.rested += seconds
        self.seconds += seconds
        return False


def _upkeep(storage: Any) -> Upkeep:
    return Upkeep(cast(Storage, storage), SystemClock(), cast(KeyLifeCycle, None), Sessions(Lifetimes(), ()))


def _with_rest(backlog: Backlog, monkeypatch: pytest.MonkeyPatch) -> Upkeep:
    made = _upkeep(backlog)
    monkeypatch.setattr(made._stop, "wait", backlog.wait)
    return made


def test_backlog_is_swept_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred batches go in one turn, however few a quiet minute needs; each is followed by a rest."""
    backlog = Backlog(100, monkeypatch)
    assert _with_rest(backlog, monkeypatch).sweep(0) == 100 * BATCH_ROWS
    assert backlog.rested == pytest.approx(100 * 0.1 * REST)


def test_turn_ends_when_the_next_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backlog without end keeps nobody from the keys, which are looked after once a turn."""
    backlog = Backlog(10_000, monkeypatch)
    assert _with_rest(backlog, monkeypatch).sweep(0) > 0
    assert EVERY_SECONDS <= backlog.seconds < EVERY_SECONDS + 1


def test_stop_ends_the_sweeping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stops waits for the batch under way and no longer."""
    made = _upkeep(Backlog(100, monkeypatch))
    made.stop()
    assert made.sweep(0) == BATCH_ROWS


def test_real_backlog(migrated_file: Path, tmp_path: Path) -> None:
    """Five hundred rows in three batches."""
    shutil.copyfile(migrated_file, tmp_path / "signet.sqlite3")
    storage = SqlStorage(f"sqlite:///{tmp_path}/signet.sqlite3")
    with storage.begin() as uow:
        for number in range(500):
            uow.artifacts.add(artifact(f"a{number}", expires_at=NOW))
    assert _upkeep(storage).sweep(NOW + DAY + 1) == 500
    storage.close()
