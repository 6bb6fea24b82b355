"""What all SQL databases share: a transaction on a connection that is kept, and what becomes of it."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import TracebackType
from typing import Any, ClassVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from idp.stores.interfaces import StorageUnavailable
from idp.stores.sql.circuit import Circuit, Silent
from idp.stores.sql.connections import Connections
from idp.stores.sql.running import Runner


class Transaction(AbstractContextManager[Runner]):
    """A transaction on a connection that is kept: committed when the block ends, rolled back when it raises. A class,
    for a generator costs as much as a statement of SQLite."""

    __slots__ = ("_begin", "_connection", "_connections", "_cursor", "_database", "_run")

    def __init__(self, database: "Database", connections: Connections, begin: str) -> None:
        self._database, self._connections, self._begin = database, connections, begin

    def __enter__(self) -> Runner:
        self._connection, self._cursor = self._database.begun(self._connections, self._begin)
        self._run = self._database.running(self._cursor)
        return self._run

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._database.commit(self._connection, self._cursor, self._run)
            else:
                self._database.roll_back(self._connection, self._cursor)
        except Silent as silence:
            error = silence
            raise
        finally:
            if isinstance(error, Silent):
                self._database.note_silence()
            self._database.let_go(self._connections, self._connection)


class Database(ABC):
    """One database. Transactions are begun and ended by text: SQLAlchemy's own way costs more than SQLite does."""

    runner: ClassVar[type[Runner]]
    # Whether there is no server to wait for.
    is_embedded: ClassVar[bool] = False
    # The transaction in which one process migrates while all others wait.
    begin_migration: ClassVar[tuple[str, ...]]

    def __init__(self, place: str, engine: Engine, writers: Connections, readers: Connections) -> None:
        """`place` says which database it is, without a secret. `engine` is for migrations."""
        self.place, self._engine = place, engine
        self._writers, self._readers = writers, readers
        self._circuit = Circuit()
        self._dialect = engine.dialect
        self._errors: type[Exception] = engine.dialect.loaded_dbapi.Error

    @abstractmethod
    def writing(self) -> AbstractContextManager[Runner]:
        """Open a transaction that may write."""

    @abstractmethod
    def writing_at_once(self) -> AbstractContextManager[Runner]:
        """Open a transaction that may write. Raises `Occupied` where that has to be waited for."""

    @abstractmethod
    def reading(self) -> AbstractContextManager[Runner]:
        """Open a transaction that sees one moment and cannot write."""

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """Open the transaction of a migration: one at a time, over all processes."""
        with self.failures(), self._engine.connect() as connection, self._unhurried(connection):
            try:
                for statement in self.begin_migration:
                    connection.execute(text(statement))
                yield connection
                connection.execute(text("COMMIT"))
            except BaseException:
                self._give_up(connection)
                raise

    @contextmanager
    def within(self, connection: Connection) -> Iterator[Runner]:
        """Run statements within the transaction of a migration."""
        cursor = connection.connection.cursor()
        try:
            yield self.runner(cursor, connection.dialect, self._errors)
        finally:
            cursor.close()

    def close(self) -> None:
        """Close all connections."""
        self._readers.close()
        self._writers.close()

    @abstractmethod
    def look_after(self) -> None:
        """Do what is due every minute, and say what an operator should know."""

    @abstractmethod
    def check_whole(self) -> None:
        """Raise `StorageUnavailable` for damage that seconds are enough to find."""

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Say in the core's words what fails within the block."""
        try:
            yield
        except (SQLAlchemyError, self._errors) as error:
            raise self.meaning(error) from error

    def meaning(self, error: Exception) -> StorageUnavailable:
        """Return what an error of the driver means to the core where no statement of the core's was at fault."""
        # SQLAlchemy adds the statement to the driver's words.
        cause = getattr(error, "orig", None) or error
        return StorageUnavailable(f"{type(cause).__name__}: {cause}")

    def is_away(self) -> bool:
        """Tell whether there is a server that does not answer, or not yet; false where waiting would not help."""
        return False

    def _unhurried(self, connection: Connection) -> AbstractContextManager[None]:  # noqa: ARG002 - for a server
        """Let statements on the connection take their time within the block."""
        return nullcontext()

    def begun(self, connections: Connections, begin: str) -> tuple[Any, Any]:
        """Return a connection within a transaction that has just begun, and its cursor."""
        try:
            connection = connections.take()
            try:
                return connection, connection.cursor().execute(begin)
            except BaseException:
                connections.give_back(connection)
                raise
        except self._errors as error:
            raise self.meaning(error) from error

    def running(self, cursor: Any) -> Runner:
        """Return what runs statements on a cursor."""
        return self.runner(cursor, self._dialect, self._errors)

    def commit(self, connection: Any, cursor: Any, run: Runner) -> None:
        """Commit, or undo what cannot be."""
        try:
            run.execute("COMMIT")
        except StorageUnavailable:
            self.roll_back(connection, cursor)
            raise

    @abstractmethod
    def roll_back(self, connection: Any, cursor: Any) -> None:
        """Undo a transaction that may be over already."""

    def let_go(self, connections: Connections, connection: Any) -> None:
        """Keep a connection for the next one, if it is good for that."""
        connections.give_back(connection)

    def note_silence(self) -> None:
        """Spare others the wait."""
        self._circuit.is_broken = True

    def _give_up(self, connection: Connection) -> None:
        connection.execute(text("ROLLBACK"))
