"""Watches over the files of a SQLite database: that they are the ones that were opened, and whole.

SQLite would go on writing into files that were deleted or replaced, and all of it would be lost with the process (R20).
"""

import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

from idp.clock import monotonic
from idp.stores.interfaces import StorageUnavailable

_log = logging.getLogger(__name__)
# Sixteen times of what the log holds when nobody keeps it from being written back into the file.
LOG_BYTES = 64 * 1024 * 1024
# A gigabyte or so; a start must not take minutes.
CHECK_SECONDS = 5.0
# How many steps of SQLite's machine go by between two looks at the clock.
STEPS = 100_000

Identity = tuple[int, int]


class SqliteFiles:
    """The file and the two beside it. A connection of its own stays open as long as the database does, for with the
    last connection SQLite removes the log: so for as long as we live none of them may change."""

    def __init__(self, path: Path, connect: Callable[[], sqlite3.Connection]) -> None:
        self._path, self._connect = path, connect
        self._names = (str(path), f"{path}-wal", f"{path}-shm")
        self._file = identity(self._names[0])
        self._known: tuple[Identity, ...] = ()
        self._anchor: sqlite3.Connection | None = None
        self._opening = Lock()

    def require_same(self) -> None:
        """Raise `StorageUnavailable` unless all are those that were opened: what is written would go nowhere."""
        known = self._known or self._hold()
        if tuple(map(identity, self._names)) != known:
            raise StorageUnavailable(f"the database file was replaced while in use; restart: {self._path}")

    def require_same_file(self) -> None:
        """Raise `StorageUnavailable` unless the file is the one that was opened; for reading, which sees the others as
        they were opened."""
        known = self._known or self._hold()
        if identity(self._names[0]) != known[0]:
            raise StorageUnavailable(f"the database file was replaced while in use; restart: {self._path}")

    def warn_of_long_log(self) -> None:
        """Say so when somebody who reads for long keeps the log from being written back: it only grows then."""
        with suppress(OSError):
            size = os.stat(self._names[1]).st_size
            if size > LOG_BYTES:
                _log.warning("a long reader keeps the database's log from being written back", extra={"bytes": size})

    def close(self) -> None:
        """Let go of the files."""
        with self._opening:
            if self._anchor is not None:
                self._anchor.close()
            self._anchor, self._known = None, ()

    def _hold(self) -> tuple[Identity, ...]:
        with self._opening:
            if not self._known:
                if identity(self._names[0]) != self._file:
                    raise StorageUnavailable(f"the database file was replaced before it was used: {self._path}")
                self._anchor = self._anchored()
                self._known = tuple(map(identity, self._names))
            return self._known

    def _anchored(self) -> sqlite3.Connection:
        """Return a connection that holds the log open."""
        try:
            made = self._connect()
            # The log is there once something was read.
            made.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.Error as error:
            raise StorageUnavailable(f"{type(error).__name__}: {error}") from error
        return made


def identity(path: str) -> Identity:
    """Return which file is at the path. Raises `StorageUnavailable` if there is none."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise StorageUnavailable(f"the database file is gone: {path}: {error.strerror}") from error
    return found.st_dev, found.st_ino


def check_whole(connection: Any, place: str) -> None:
    """Raise `StorageUnavailable` for a damaged file, at its first fault; a large file is only begun."""
    gives_up_at = monotonic() + CHECK_SECONDS
    connection.set_progress_handler(lambda: monotonic() > gives_up_at, STEPS)
    try:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname != "SQLITE_INTERRUPT":
            raise
        _log.info("the database file is large; only its beginning was looked through")
        return
    finally:
        connection.set_progress_handler(None, 0)
    if found != "ok":
        raise StorageUnavailable(f"the database file is damaged: {place}: {found}; restore a backup")
