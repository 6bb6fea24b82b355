"""SQLite: its file, its one writer, and what it has to be told on each connection.

WAL lets readers go on beside the one writer; `synchronous=FULL` makes a commit durable before it is answered (R8).
Transactions are begun by us, at once as writers, for a reader that turns into a writer fails with "database is locked".
"""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from threading import Event, Lock
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.pool import NullPool

from idp.clock import monotonic
from idp.stores.interfaces import Duplicate, NoDatabase, NotWritable, Occupied, StorageUnavailable
from idp.stores.sql.circuit import Silent
from idp.stores.sql.connections import Connections
from idp.stores.sql.database import Database, Transaction
from idp.stores.sql.running import Runner
from idp.stores.sql.sqlite_files import LOG_BYTES, SqliteFiles, check_whole

READERS = 64
# For a request that needs the writer and finds it taken; every request is answered within 5 s (R21).
BUSY_SECONDS = 4
RETRY_SECONDS = 0.01
# The patience of whoever does not wait, and when it is at its end.
AT_ONCE = 0.0
# Between two tries to become the one writer of all processes. SQLite's own waiting sleeps up to 100 ms at a time, and
# whoever asks more often gets there first.
TURN_SECONDS = 0.001
MIGRATION_SECONDS = 600
WAL = "PRAGMA journal_mode=WAL"
PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}",
    WAL,
    "PRAGMA synchronous=FULL",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-8192",
    # What the log has grown to behind a long reader is given back afterwards.
    f"PRAGMA journal_size_limit={LOG_BYTES}",
)
READ_ONLY = "PRAGMA query_only=ON"
IMPATIENT = "PRAGMA busy_timeout=0"


UNIQUE = {"SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_UNIQUE"}


class SqliteRunner(Runner):
    """Statements on SQLite. Its one writer takes turns as it is."""

    has_revision = "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'"

    def meaning(self, error: Exception, parameters: Any) -> Exception:
        """Return what an error means to the core."""
        if getattr(error, "sqlite_errorname", None) in UNIQUE:
            # "UNIQUE constraint failed: sessions.handle_hash"
            return Duplicate(str(error).rpartition(".")[2])
        if str(getattr(error, "sqlite_errorname", "")).startswith("SQLITE_READONLY"):
            return NotWritable(str(error))
        return super().meaning(error, parameters)


class SqliteDatabase(Database):
    """A file. Writers of one process take turns by a lock: SQLite's own waiting sleeps and retries, which makes the
    slowest writer wait seven times as long. Readers have connections of their own, which cannot write."""

    runner: ClassVar[type[Runner]] = SqliteRunner
    is_embedded = True
    begin_migration = (f"PRAGMA busy_timeout={MIGRATION_SECONDS * 1000}", "BEGIN IMMEDIATE")

    def __init__(self, url: URL, *, connections: int, may_create: bool) -> None:  # noqa: ARG002 - a pool of its own
        self._path = database_file(url, may_create=may_create)
        self._files = SqliteFiles(self._path, lambda: connected(self._path, (*PRAGMAS, READ_ONLY)))
        self._writing, self._gives_up_at = Lock(), 0.0
        super().__init__(
            str(url),
            create_engine("sqlite://", creator=lambda: connected(self._path, PRAGMAS), poolclass=NullPool),
            Connections(lambda: connected(self._path, (*PRAGMAS, IMPATIENT)), 1, wait_seconds=BUSY_SECONDS),
            Connections(lambda: connected(self._path, (*PRAGMAS, READ_ONLY)), READERS, wait_seconds=BUSY_SECONDS),
        )

    def writing(self) -> AbstractContextManager[Runner]:
        """Open a transaction that writes, when it is its turn."""
        return self._trying() if self._circuit.is_broken else self._written(BUSY_SECONDS)

    def writing_at_once(self) -> AbstractContextManager[Runner]:
        """Open a transaction that writes. Raises `Occupied` where another one does."""
        if self._circuit.is_broken:
            raise Occupied("the file was locked a moment ago")
        return self._written(AT_ONCE)

    @contextmanager
    def _written(self, patience: float) -> Iterator[Runner]:
        with self._turn(patience):
            self._files.require_same()
            with Transaction(self, self._writers, "BEGIN IMMEDIATE") as run:
                yield run

    @contextmanager
    def _trying(self) -> Iterator[Runner]:
        """Whoever tries again keeps the others from it until the transaction has begun."""
        with ExitStack() as opened:
            with self._circuit.attempt():
                run = opened.enter_context(self._written(BUSY_SECONDS))
            yield run

    def reading(self) -> AbstractContextManager[Runner]:
        """Open a transaction that reads."""
        self._files.require_same_file()
        return Transaction(self, self._readers, "BEGIN")

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """Open the transaction of a migration, when it is its turn."""
        with self._turn(BUSY_SECONDS), super().migrating() as connection:
            yield connection

    @contextmanager
    def _turn(self, patience: float) -> Iterator[None]:
        """Wait for the right to write, within bounds: behind a stuck writer a queue must not grow (R21)."""
        gives_up_at = monotonic() + patience if patience else AT_ONCE
        if not self._writing.acquire(timeout=patience):
            raise self._given_up(gives_up_at, "another writer of this process has not finished in time")
        self._gives_up_at = gives_up_at
        try:
            yield
        finally:
            self._writing.release()

    def _given_up(self, gives_up_at: float, *what: Any) -> StorageUnavailable:
        if gives_up_at == AT_ONCE:
            return Occupied(*what)
        self._circuit.is_broken = True
        return Silent(*what)

    def begun(self, connections: Connections, begin: str) -> tuple[Any, Any]:
        """Begin; where another process writes, wait for it for what is left of the turn's time."""
        while True:
            try:
                return super().begun(connections, begin)
            except StorageUnavailable as fault:
                # Also while another process recovers what a killed one left: SQLITE_BUSY_RECOVERY.
                is_busy = getattr(fault.__cause__, "sqlite_errorname", "").startswith("SQLITE_BUSY")
                if connections is not self._writers or not is_busy:
                    raise
                if monotonic() >= self._gives_up_at:
                    raise self._given_up(self._gives_up_at, *fault.args) from fault.__cause__
            Event().wait(TURN_SECONDS)

    def close(self) -> None:
        """Close all connections; SQLite writes its log back into the file with the last one."""
        super().close()
        self._files.close()

    def look_after(self) -> None:
        """Warn of a log that grows."""
        self._files.warn_of_long_log()

    def check_whole(self) -> None:
        """Look through the file for damage, as far as one gets in a few seconds."""
        self._files.require_same()
        with self.failures(), closing(connected(self._path, (*PRAGMAS, READ_ONLY))) as connection:
            check_whole(connection, self.place)

    def roll_back(self, connection: Any, cursor: Any) -> None:
        # After some errors, such as a full disk, SQLite has rolled back already.
        if connection.in_transaction:
            with self.failures():
                cursor.execute("ROLLBACK")


def database_file(url: URL, *, may_create: bool) -> Path:
    """Return the file of a `sqlite:///path` URL, made if it is new. Raises `NoDatabase` if it may not be made."""
    if not url.database or url.database == ":memory:":
        raise StorageUnavailable("only SQLite files can be used: database_url = sqlite:///path/to/signet.sqlite3")
    path = Path(url.database).absolute()
    if may_create:
        _prepare_file(path)
    elif not path.exists():
        raise NoDatabase(url.database)
    return path


def connected(path: Path, pragmas: tuple[str, ...]) -> sqlite3.Connection:
    """Return a connection that was told so much. Raises sqlite3.Error."""
    # mode=rw: a file that has gone missing is an error, never an empty new one (R20).
    address = f"{path.as_uri()}?mode=rw"
    made = sqlite3.connect(address, uri=True, check_same_thread=False, isolation_level=None, timeout=BUSY_SECONDS)
    try:
        for pragma in pragmas:
            _wait_for_wal(made) if pragma is WAL else made.execute(pragma)
    except BaseException:
        made.close()
        raise
    return made


def _wait_for_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait, whatever its timeout, when several processes switch a new file to WAL at once."""
    give_up_at = monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute(WAL)
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
