"""PostgreSQL, through psycopg: few connections, waits that all end, and what its errors mean.

Units of work run at READ COMMITTED. What must happen once is one conditional statement, and whoever changes a row that
it has read holds the row from the reading on (`hold` in the stores). Snapshots are REPEATABLE READ and cannot write.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

from idp.stores.interfaces import Duplicate, NotWritable, Occupied, StorageUnavailable
from idp.stores.sql.circuit import Silent
from idp.stores.sql.connections import Connections, connect_through
from idp.stores.sql.database import Database, Transaction
from idp.stores.sql.running import Runner, check_storable
from idp.stores.sql.tables import metadata

INSTALL = "PostgreSQL needs its driver: pip install 'signet-idp[postgres]'"
POOL_SECONDS = 2
# Every wait ends (R21), and a request within 5 s: for a connection, for a lock, for a statement. `patience` bounds what
# these cannot. A server from which we are cut off ends our transaction, with what it holds, after ten seconds.
LIMITS = "-c statement_timeout=3s -c lock_timeout=2s -c idle_in_transaction_session_timeout=10s"
CONNECT: dict[str, str] = {
    "application_name": "signet",
    "client_encoding": "utf8",
    "connect_timeout": "2",
    # For what waits longer than `patience` allows: migrations.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "15000",
}
WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"
READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# The first of the two keys of our advisory locks, so that they are no other program's: "sig" in ASCII.
OURS = 0x736967
MIGRATING = 0
# PostgreSQL, Appendix A.
UNIQUE_VIOLATION, OUT_OF_RANGE, NO_PRIVILEGE, READ_ONLY = "23505", "22003", "42501", "25006"
# By constraint: the last column says which field is taken, as SQLite's message does.
FIELDS = {
    **{f"{table.name}_pkey": list(table.primary_key.columns)[-1].name for table in metadata.tables.values()},
    **{
        str(index.name): list(index.columns)[-1].name
        for table in metadata.tables.values()
        for index in table.indexes
        if index.unique
    },
}


class PostgresqlRunner(Runner):
    """Statements on PostgreSQL."""

    has_revision = "SELECT count(to_regclass('alembic_version'))"

    def take_turns(self, matter: int) -> None:
        """Wait for an advisory lock; PostgreSQL gives it back when the transaction ends."""
        self.execute("SELECT pg_advisory_xact_lock(%s, %s)", (OURS, matter))

    def require_usable(self) -> None:
        """Raise `StorageUnavailable` for a database that cannot hold every text."""
        encoding = self.execute("SHOW server_encoding").fetchone()[0]
        if encoding != "UTF8":
            raise StorageUnavailable(f"the database has the encoding {encoding}; make one with ENCODING 'UTF8'")

    def require_writable(self) -> None:
        """Raise `StorageUnavailable` on a server that follows another one, or that was told not to write."""
        if self.execute("SHOW transaction_read_only").fetchone()[0] != "off":
            raise StorageUnavailable("the server is read-only")

    def is_alone(self, matter: int) -> bool:
        """Try that lock."""
        row = self.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", (OURS, matter)).fetchone()
        return bool(row[0])

    def meaning(self, error: Exception, parameters: Any) -> Exception:
        """Return what an error means to the core."""
        state = getattr(error, "sqlstate", None)
        if state == UNIQUE_VIOLATION:
            name = error.diag.constraint_name  # type: ignore[attr-defined]
            return Duplicate(FIELDS.get(name, name))
        if state == OUT_OF_RANGE:
            return OverflowError("an integer has more than 64 bits")
        if state == READ_ONLY:
            return NotWritable(str(error))
        if state == NO_PRIVILEGE:
            return StorageUnavailable(f"the database user lacks a privilege: {error}")
        if is_silence(error):
            return Silent(f"{type(error).__name__}: {error}")
        if state is None and isinstance(parameters, dict):
            # The driver itself refuses a NUL, before anything is sent.
            try:
                check_storable(parameters)
            except UnicodeEncodeError as refused:
                return refused
        return super().meaning(error, parameters)


class PostgresqlDatabase(Database):
    """A database of a PostgreSQL server."""

    runner: ClassVar[type[Runner]] = PostgresqlRunner
    begin_migration = (
        WRITE,
        # A migration may take its time; behind another one it waits no longer than that takes.
        "SET LOCAL statement_timeout = 0",
        "SET LOCAL lock_timeout = '10min'",
        f"SELECT pg_advisory_xact_lock({OURS}, {MIGRATING})",
    )

    def __init__(self, url: URL, *, connections: int, may_create: bool) -> None:  # noqa: ARG002 - never makes one
        self._url, self._connections = url, connections
        engine = open_engine(url)
        kept = Connections(lambda: connect_through(engine), connections, wait_seconds=POOL_SECONDS)
        super().__init__(url.render_as_string(hide_password=True), engine, kept, kept)

    def writing(self) -> Any:
        """Open a transaction that may write."""
        return Transaction(self, self._writers, WRITE)

    def writing_at_once(self) -> Any:
        """Raises `Occupied`: a server is always waited for."""
        raise Occupied("PostgreSQL has to be waited for")

    def reading(self) -> Any:
        """Open a transaction that sees one moment."""
        return Transaction(self, self._readers, READ)

    def meaning(self, error: Exception) -> StorageUnavailable:
        """Return what an error means to the core, and whether it was silence."""
        fault = super().meaning(error)
        return Silent(*fault.args) if is_silence(getattr(error, "orig", None) or error) else fault

    def look_after(self) -> None:
        """Return: the server looks after itself."""

    def check_whole(self) -> None:
        """Return: to look after its files is the server's matter."""

    def is_away(self) -> bool:
        """Tell whether no server answers at the address, or one that starts, stops or recovers."""
        from psycopg import conninfo, pq

        _, how = self._dialect.create_connect_args(self._url)
        # What the driver takes for itself is no part of an address.
        where = {name: value for name, value in how.items() if name != "context"}
        address = conninfo.make_conninfo(**{"connect_timeout": CONNECT["connect_timeout"], **where})
        return pq.PGconn.ping(address.encode()) in {pq.Ping.NO_RESPONSE, pq.Ping.REJECT}

    @contextmanager
    def _unhurried(self, connection: Connection) -> Iterator[None]:
        driver: Any = connection.connection.driver_connection
        driver.patience_seconds = None
        try:
            yield
        finally:
            del driver.patience_seconds

    def begun(self, connections: Connections, begin: str) -> tuple[Any, Any]:
        """Begin on a connection that is alive. After a restart of the server those that were kept are dead, which shows
        here, where nothing was written: each is replaced. A server that is away fails at connecting."""
        dead = 0
        with self._circuit.attempt(), self.failures():
            while True:
                connection = connections.take()
                try:
                    return connection, connection.cursor().execute(begin)
                except self._errors as error:
                    connections.drop(connection)
                    dead += 1
                    if is_silence(error) or dead > self._connections:
                        raise

    def let_go(self, connections: Connections, connection: Any) -> None:
        if connection.closed:
            connections.drop(connection)
        else:
            connections.give_back(connection)

    def commit(self, connection: Any, cursor: Any, run: Runner) -> None:
        super().commit(connection, cursor, run)
        # PostgreSQL answers a COMMIT after a failed statement by rolling back, without an error.
        if cursor.statusmessage != "COMMIT":
            raise StorageUnavailable("a statement of the unit of work had failed, so nothing was kept")

    def roll_back(self, connection: Any, cursor: Any) -> None:
        try:
            cursor.execute("ROLLBACK")
        except self._errors:
            # The server rolls back what was begun on a connection that is gone.
            connection.close()


def open_engine(url: URL) -> Engine:
    """Return an engine, which keeps no connection. Raises `StorageUnavailable`."""
    given = {name: value for name, value in CONNECT.items() if name not in url.query}
    # What the URL asks for counts last, so it wins.
    options = f"{LIMITS} {url.query.get('options', '')}".strip()
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            isolation_level="AUTOCOMMIT",
            connect_args={**given, "options": options},
            poolclass=NullPool,
        )
        from idp.stores.sql.patience import PatientConnection
    except ImportError as error:
        raise StorageUnavailable(INSTALL) from error
    event.listen(engine, "do_connect", lambda _dialect, _record, _args, how: PatientConnection.connect(**how))
    return engine


def is_silence(error: BaseException | None) -> bool:
    """Tell whether the server did not answer in time, or did not finish a statement in time."""
    from psycopg import errors

    from idp.stores.sql.patience import ServerSilent

    return isinstance(error, ServerSilent | errors.ConnectionTimeout | errors.QueryCanceled)
