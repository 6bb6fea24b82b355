"""`Storage` over SQL: units of work, the check at start, migration and sweeping."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Protocol

from sqlalchemy import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from idp.stores.interfaces import Dump, Group, Load, StorageUnavailable, UnitOfWork
from idp.stores.sql.accounts import SqlAccounts
from idp.stores.sql.artifacts import SqlArtifacts
from idp.stores.sql.audit import SqlAudit
from idp.stores.sql.authenticators import SqlAuthenticators
from idp.stores.sql.clients import SqlClients, SqlConsents, SqlResources, SqlSubjects
from idp.stores.sql.database import Database
from idp.stores.sql.dumping import SqlDump
from idp.stores.sql.grants import SqlGrants, SqlRefreshTokens
from idp.stores.sql.loading import LOADS
from idp.stores.sql.migrations import check_schema, knows, migrate, newest_revision
from idp.stores.sql.outbox import SqlOutbox
from idp.stores.sql.postgresql import PostgresqlDatabase
from idp.stores.sql.running import Runner
from idp.stores.sql.sessions import SqlSessions
from idp.stores.sql.signing_keys import SqlSigningKeys
from idp.stores.sql.sqlite import SqliteDatabase
from idp.stores.sql.statements import Statement
from idp.stores.sql.sweeping import SWEEPING, sweep
from idp.stores.sql.throttles import SqlThrottles

# For programs that do not know how many threads they have, such as the command line.
CONNECTIONS = 20


class SqlUnitOfWork:
    """The stores on one connection, within one transaction."""

    def __init__(self, run: Runner) -> None:
        self.accounts = SqlAccounts(run)
        self.authenticators = SqlAuthenticators(run)
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


class Within(AbstractContextManager[UnitOfWork]):
    """The unit of work that is all of a transaction."""

    __slots__ = ("_transaction",)

    def __init__(self, transaction: AbstractContextManager[Runner]) -> None:
        self._transaction = transaction

    def __enter__(self) -> UnitOfWork:
        return SqlUnitOfWork(self._transaction.__enter__())

    def __exit__(self, *raised: Any) -> None:
        self._transaction.__exit__(*raised)


class SqlGroup:
    """Units of work within one transaction. It is sound as long as each that failed was undone: some failures, such as
    a full disk, end the whole transaction, and a savepoint outside would begin one of its own."""

    def __init__(self, run: Runner) -> None:
        self._run = run
        self._is_sound = True

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Open the next unit of work."""
        self.require_sound()
        self._run.execute("SAVEPOINT unit")
        self._is_sound = False
        try:
            yield SqlUnitOfWork(self._run)
            self._run.execute("RELEASE unit")
        except BaseException:
            with suppress(StorageUnavailable):
                self._run.execute("ROLLBACK TO unit")
                self._run.execute("RELEASE unit")
                self._is_sound = True
            raise
        self._is_sound = True

    def require_sound(self) -> None:
        """Raise `StorageUnavailable` where nothing of the group can be kept."""
        if not self._is_sound:
            raise StorageUnavailable("a unit of work of the same transaction could not be undone")


class Opening(Protocol):
    """How a kind of database is opened."""

    def __call__(self, url: URL, *, connections: int, may_create: bool) -> Database: ...


DATABASES: Mapping[str, Opening] = {"sqlite": SqliteDatabase, "postgresql": PostgresqlDatabase}


class SqlStorage:
    """A database, named by its URL."""

    def __init__(self, database_url: str, *, connections: int = CONNECTIONS, may_create: bool = True) -> None:
        """Open the database, over at most so many connections where it is a server; a new file is made if it may be.

        Raises `NoDatabase`, and `StorageUnavailable` for one that cannot be used."""
        url = _parsed(database_url)
        self._kind = url.get_backend_name()
        self._database = DATABASES[self._kind](url, connections=connections, may_create=may_create)

    @property
    def place(self) -> str:
        """Which database it is, without a secret."""
        return self._database.place

    @property
    def is_embedded(self) -> bool:
        """Whether there is no server to wait for."""
        return self._database.is_embedded

    def begin(self) -> AbstractContextManager[UnitOfWork]:
        """Open a unit of work that may write."""
        return Within(self._database.writing())

    @contextmanager
    def group(self) -> Iterator[Group]:
        """Open a group of units of work, which are committed at once. Raises `Occupied`."""
        with self._database.writing_at_once() as run:
            group = SqlGroup(run)
            yield group
            group.require_sound()

    def snapshot(self) -> AbstractContextManager[UnitOfWork]:
        """Open a unit of work that only reads; writing in it raises `StorageUnavailable`."""
        return Within(self._database.reading())

    def migrate(self) -> None:
        """Bring the schema up to date; safe when several processes start at once. Raises `StorageUnavailable`, also
        for a schema newer than this program."""
        if not self._is_migrated():
            with self._database.migrating() as connection:
                migrate(connection)

    def _is_migrated(self) -> bool:
        """Tell whether there is nothing to migrate; what does not answer in time has to be waited for as long as a
        migration may take."""
        try:
            with self._database.reading() as run:
                return run.find_revision() == newest_revision()
        except StorageUnavailable:
            return False

    def check(self) -> None:
        """Return if the database answers and its schema is current."""
        with self._database.reading() as run:
            run.require_usable()
            check_schema(run.find_revision())

    def check_writing(self) -> None:
        """Return if a transaction that may write begins; nothing is written, so a full disk is not seen."""
        with self._database.writing() as run:
            run.require_writable()

    def check_whole(self) -> None:
        """Return unless the database is seen to be damaged; takes seconds at most. For the start of a program."""
        self._database.check_whole()

    def is_away(self) -> bool:
        """Tell whether waiting could help: a server that does not answer, or not yet."""
        return self._database.is_away()

    def knows(self, revision: str) -> bool:
        """Tell whether this program knows a revision of the schema."""
        return knows(revision)

    @contextmanager
    def dump(self) -> Iterator[Dump]:
        """Open one consistent view of all tables."""
        self.check()
        with self._database.reading() as run:
            yield SqlDump(run, newest_revision())

    @contextmanager
    def load(self) -> Iterator[tuple[Load, UnitOfWork]]:
        """Open the transaction that fills the database; no migration and no other load is beside it."""
        with self._database.migrating() as connection, self._database.within(connection) as run:
            yield LOADS[self._kind](connection), SqlUnitOfWork(run)

    def sweep(self, now: int, limit: int) -> int:
        """Delete up to `limit` rows of each kind that can no longer matter, a transaction for each kind. Where
        another instance is at it, nothing is done here."""
        self._database.look_after()
        return sum(self._sweep_one(statement, before) for statement, before in sweep(now, limit))

    def close(self) -> None:
        """Close all connections."""
        self._database.close()

    def _sweep_one(self, statement: Statement, parameters: dict[str, int]) -> int:
        with self._database.writing() as run:
            return run.changed(statement, **parameters) if run.is_alone(SWEEPING) else 0


def _parsed(database_url: str) -> URL:
    try:
        url = make_url(database_url)
    except SQLAlchemyError as error:
        raise StorageUnavailable("database_url is not a URL") from error
    if url.get_backend_name() not in DATABASES:
        raise StorageUnavailable("only SQLite files and PostgreSQL can be used: database_url = sqlite:///path/to/file")
    return url
