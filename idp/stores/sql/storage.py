"""`Storage` over SQL: units of work, the check at start, migration and sweeping."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from idp.stores.interfaces import StorageUnavailable, UnitOfWork
from idp.stores.sql.accounts import SqlAccounts
from idp.stores.sql.artifacts import SqlArtifacts
from idp.stores.sql.audit import SqlAudit
from idp.stores.sql.clients import SqlClients, SqlConsents, SqlResources, SqlSubjects
from idp.stores.sql.engine import BUSY_SECONDS, database_file, identity, open_engine
from idp.stores.sql.grants import SqlGrants, SqlRefreshTokens
from idp.stores.sql.migrations import check_schema, migrate
from idp.stores.sql.outbox import SqlOutbox
from idp.stores.sql.running import Runner, translated
from idp.stores.sql.sessions import SqlSessions
from idp.stores.sql.signing_keys import SqlSigningKeys
from idp.stores.sql.statements import Statement
from idp.stores.sql.sweeping import sweep
from idp.stores.sql.throttles import SqlThrottles

READERS = 64


class SqlUnitOfWork:
    """The stores on one connection, within one transaction."""

    def __init__(self, run: Runner) -> None:
        self.accounts = SqlAccounts(run)
        self.clients = SqlClients(run)
        self.resources = SqlResources(run)
        self.sessions = SqlSessions(run)
        self.grants = SqlGrants(run)
        self.refresh_tokens = SqlRefreshTokens(run)
        self.artifacts = SqlArtifacts(run)
        self.signing_keys = SqlSigningKeys(run)
        self.consents = SqlConsents(run)
        self.subjects = SqlSubjects(run)
        self.throttles = SqlThrottles(run)
        self.outbox = SqlOutbox(run)
        self.audit = SqlAudit(run)


class SqlStorage:
    """A database. Writers of one process take turns by a lock: SQLite's own waiting sleeps and retries, which makes
    the slowest writer wait seven times as long. Readers have connections of their own, which cannot write."""

    def __init__(self, database_url: str) -> None:
        self._path = database_file(database_url)
        self._file = identity(self._path)
        self._writer = open_engine(self._path, connections=1)
        self._readers = open_engine(self._path, connections=READERS, read_only=True)
        self._writing = threading.Lock()
        self._errors: type[Exception] = self._writer.dialect.loaded_dbapi.Error

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Open a unit of work that may write."""
        with self._turn(), self._transaction(self._writer, "BEGIN IMMEDIATE") as run:
            yield SqlUnitOfWork(run)

    @contextmanager
    def snapshot(self) -> Iterator[UnitOfWork]:
        """Open a unit of work that only reads; writing in it raises `StorageUnavailable`."""
        with self._transaction(self._readers, "BEGIN") as run:
            yield SqlUnitOfWork(run)

    def migrate(self) -> None:
        """Bring the schema up to date; safe when several processes start at once. Raises `StorageUnavailable`, also
        for a schema newer than this program."""
        with self._turn(), self._failures():
            migrate(self._writer)

    def check(self) -> None:
        """Return if the database answers and its schema is current."""
        self._require_same_file()
        with self._failures():
            check_schema(self._readers)

    def sweep(self, now: int, limit: int) -> int:
        """Delete up to `limit` rows of each table that can no longer matter, a transaction for each table."""
        return sum(self._sweep_one(statement, before) for statement, before in sweep(now, limit))

    def close(self) -> None:
        """Close all connections."""
        self._readers.dispose()
        self._writer.dispose()

    def _sweep_one(self, statement: Statement, parameters: dict[str, int]) -> int:
        with self._turn(), self._transaction(self._writer, "BEGIN IMMEDIATE") as run:
            return run.changed(statement, **parameters)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for the right to write, within bounds: behind a stuck writer a queue must not grow (R21)."""
        if not self._writing.acquire(timeout=BUSY_SECONDS):
            raise StorageUnavailable("another writer of this process has not finished in time")
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def _transaction(self, engine: Engine, begin: str) -> Iterator[Runner]:
        self._require_same_file()
        with self._failures():
            connection = engine.raw_connection()
        try:
            cursor = connection.cursor()
            self._execute(cursor, begin)
            try:
                yield Runner(cursor, engine.dialect, self._errors)
            except BaseException:
                self._roll_back(cursor)
                raise
            self._commit(cursor)
        finally:
            connection.close()

    def _require_same_file(self) -> None:
        """SQLite would go on writing into a file that was deleted or replaced, and all of it would be lost (R20)."""
        if identity(self._path) != self._file:
            raise StorageUnavailable(f"the database file was replaced while in use; restart: {self._path}")

    def _commit(self, cursor: Any) -> None:
        try:
            self._execute(cursor, "COMMIT")
        except StorageUnavailable:
            self._roll_back(cursor)
            raise

    def _roll_back(self, cursor: Any) -> None:
        # After some errors, such as a full disk, SQLite has rolled back already.
        if cursor.connection.in_transaction:
            self._execute(cursor, "ROLLBACK")

    def _execute(self, cursor: Any, text: str) -> None:
        try:
            cursor.execute(text)
        except self._errors as error:
            raise translated(error) from error

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, self._errors) as error:
            raise StorageUnavailable(f"{type(error).__name__}: {error}") from error
