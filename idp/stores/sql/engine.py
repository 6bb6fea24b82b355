"""The engines: connections, and what SQLite has to be told on each.

WAL lets readers go on beside the one writer; `synchronous=FULL` makes a commit durable before it is answered (R8).
Transactions are begun by us, at once as writers, for a reader that turns into a writer fails with "database is locked".
"""

import os
import sqlite3
import stat
from pathlib import Path
from threading import Event
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool

from idp.clock import monotonic
from idp.stores.interfaces import StorageUnavailable

BUSY_SECONDS = 5
RETRY_SECONDS = 0.01
WAL = "PRAGMA journal_mode=WAL"
PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}",
    WAL,
    "PRAGMA synchronous=FULL",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-8192",
)
READ_ONLY = "PRAGMA query_only=ON"


def database_file(database_url: str) -> Path:
    """Return the file of a `sqlite:///path` URL, made if it is new. Raises `StorageUnavailable` for other URLs."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise StorageUnavailable("only SQLite files are supported: database_url = sqlite:///path/to/signet.sqlite3")
    path = Path(url.database).absolute()
    _prepare_file(path)
    return path


def open_engine(path: Path, *, connections: int, read_only: bool = False) -> Engine:
    """Return an engine over at most so many connections; none is opened yet."""

    def connect() -> sqlite3.Connection:
        # mode=rw: a file that has gone missing is an error, never an empty new one (R20).
        address = f"{path.as_uri()}?mode=rw"
        return sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None, timeout=BUSY_SECONDS)

    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
        pool_use_lifo=True,
    )
    pragmas = (*PRAGMAS, READ_ONLY) if read_only else PRAGMAS
    event.listen(engine, "connect", lambda connection, _record: _tell(connection, pragmas))
    return engine


def identity(path: Path) -> tuple[int, int]:
    """Return which file is at the path. Raises `StorageUnavailable` if there is none."""
    try:
        found = os.stat(path)
    except OSError as error:
        raise StorageUnavailable(f"the database file is gone: {path}: {error.strerror}") from error
    return found.st_dev, found.st_ino


def _tell(connection: Any, pragmas: tuple[str, ...]) -> None:
    cursor = connection.cursor()
    for pragma in pragmas:
        _wait_for_wal(cursor) if pragma is WAL else cursor.execute(pragma)
    cursor.close()


def _wait_for_wal(cursor: Any) -> None:
    """SQLite does not wait, whatever its timeout, when several processes switch a new file to WAL at once."""
    give_up_at = monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute(WAL)
            return
        except sqlite3.OperationalError:
            if monotonic() >= give_up_at:
                raise
        Event().wait(RETRY_SECONDS)


def _prepare_file(path: Path) -> None:
    """Make the file 0600 in a 0700 directory when it is new; SQLite gives its companions the same mode (R19).

    A file that exists is never opened here: closing it would drop the locks that this process holds on it (POSIX
    advisory locks belong to the process, not to the descriptor), and with them SQLite's protection."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR))
    except FileExistsError:
        return
    except OSError as error:
        raise StorageUnavailable(f"cannot open {path}: {error.strerror}") from error
