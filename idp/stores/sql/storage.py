"""`Storage` over SQL: units of work, the check at start, migration and sweeping."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnection

from idp.stores.interfaces import StorageUnavailable, UnitOfWork
from idp.stores.sql.accounts import SqlAccounts
from idp.stores.sql.artifacts import SqlArtifacts
from idp.stores.sql.audit import SqlAudit
from idp.stores.sql.clients import SqlClients, SqlConsents, SqlResources
from idp.stores.sql.engine import open_engine
from idp.stores.sql.grants import SqlGrants, SqlRefreshTokens
from idp.stores.sql.migrations import check_schema, migrate
from idp.stores.sql.outbox import SqlOutbox
from idp.stores.sql.sessions import SqlSessions
from idp.stores.sql.signing_keys import SqlSigningKeys
from idp.stores.sql.statements import Runner, as_unavailable
from idp.stores.sql.sweeping import sweep
from idp.stores.sql.throttles import SqlThrottles


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
        self.throttles = SqlThrottles(run)
        self.outbox = SqlOutbox(run)
        self.audit = SqlAudit(run)


class SqlStorage:
    """A database. Writers of one process take turns by a lock: SQLite's own waiting sleeps and retries, which makes
    the slowest writer wait seven times as long."""

    def __init__(self, database_url: str) -> None:
        self._engine: Engine = open_engine(database_url)
        self._writing = threading.Lock()
        self._errors: type[Exception] = self._engine.dialect.loaded_dbapi.Error

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Open a unit of work that may write."""
        with self._writing, self._transaction("BEGIN IMMEDIATE") as run:
            yield SqlUnitOfWork(run)

    @contextmanager
    def snapshot(self) -> Iterator[UnitOfWork]:
        """Open a unit of work that only reads."""
        with self._transaction("BEGIN") as run:
            yield SqlUnitOfWork(run)

    def migrate(self) -> None:
        """Bring the schema up to date; safe when several processes start at once. Raises `StorageUnavailable`, also
        for a schema newer than this program."""
        with self._failures():
            migrate(self._engine)

    def check(self) -> None:
        """Return if the database answers and its schema is current."""
        with self._failures():
            check_schema(self._engine)

    def sweep(self, now: int, limit: int) -> int:
        """Delete up to `limit` rows of each table that can no longer matter, a transaction for each table."""
        return sum(self._sweep_one(statement, before) for statement, before in sweep(now, limit))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _sweep_one(self, statement: Any, parameters: dict[str, int]) -> int:
        with self._writing, self._transaction("BEGIN IMMEDIATE") as run:
            return run.changed(statement, **parameters)

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Runner]:
        with self._failures():
            connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            self._execute(cursor, begin)
            try:
                yield Runner(cursor, self._engine.dialect, self._errors)
            except BaseException:
                self._roll_back(cursor)
                raise
            self._commit(cursor)
        finally:
            connection.close()

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
            raise as_unavailable(error) from error

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, NoConnection, self._errors) as error:
            raise StorageUnavailable(f"{type(error).__name__}: {error}") from error
