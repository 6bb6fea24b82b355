"""Whole tables on their way in, within one transaction: the schema as it was at some step, its rows, the later steps.

Indexes are made after the rows: one that grows row by row, in an order that is not its own, costs more than all else.
What differs from database to database is one class each.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from sqlalchemy import Connection, inspect, text

from idp.stores.interfaces import StorageUnavailable
from idp.stores.sql.migrations import migrate, refuse_newer, upgrade
from idp.stores.sql.tables import metadata

VERSION_TABLE = "alembic_version"


class SqlLoad(ABC):
    """`Load` over the transaction of a migration."""

    # What the database wants to be told before, and done after many rows.
    preparation: ClassVar[tuple[str, ...]] = ()
    afterwards: ClassVar[tuple[str, ...]] = ()

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._indexes: list[str] = []
        self._execute(self.preparation)

    def find_rows(self) -> str | None:
        """Return the name of a table that has rows; None where nothing would be lost."""
        refuse_newer(self._connection)
        for table in self._present():
            if table != VERSION_TABLE and self._first(f"SELECT 1 FROM {table} LIMIT 1"):  # noqa: S608 - our own name
                return table
        return None

    def begin(self, revision: str) -> None:
        """Drop what is there and make the schema of a revision, without the indexes. Raises `StorageUnavailable` for a
        revision that this program does not know."""
        self._execute(f"DROP TABLE {table}" for table in self._present())
        upgrade(self._connection, revision)
        for name, made_by in self._find_indexes():
            self._indexes.append(made_by)
            self._execute([f"DROP INDEX {name}"])

    def put(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write all rows of a table. Raises `StorageUnavailable` where the schema has not exactly these columns."""
        found = inspect(self._connection)
        # Names become part of a statement, so they must be the schema's own.
        if table not in self._present() or {c["name"] for c in found.get_columns(table)} != set(columns):
            raise StorageUnavailable(f"the schema has no table {table} with the columns {', '.join(columns)}")
        self._copy(table, columns, rows)

    def finish(self) -> None:
        """Make the indexes, then bring the schema to this program's."""
        self._execute(self._indexes)
        migrate(self._connection)
        self._execute(self.afterwards)

    def _present(self) -> list[str]:
        known = {*metadata.tables, VERSION_TABLE}
        return [name for name in inspect(self._connection).get_table_names() if name in known]

    def _execute(self, statements: Iterable[str]) -> None:
        for statement in statements:
            self._connection.execute(text(statement))

    def _first(self, statement: str) -> Any:
        return self._connection.execute(text(statement)).fetchone()

    @property
    def _driver(self) -> Any:
        return self._connection.connection.driver_connection

    @abstractmethod
    def _find_indexes(self) -> Sequence[tuple[str, str]]:
        """Return the indexes that are no keys: name, and the statement that makes it."""

    @abstractmethod
    def _copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write the rows as fast as the database can."""


class SqliteLoad(SqlLoad):
    """Into a file."""

    # Sorting for an index must not happen in memory, however large it is. Later SQLite would refuse to change this.
    preparation = ("PRAGMA temp_store=FILE",)

    def _find_indexes(self) -> Sequence[tuple[str, str]]:
        statement = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        return [(row[0], row[1]) for row in self._connection.execute(text(statement))]

    def _copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        marks = ", ".join("?" * len(columns))
        statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - the schema's names
        self._driver.executemany(statement, rows)


class PostgresqlLoad(SqlLoad):
    """Into a database of a PostgreSQL server."""

    afterwards = tuple(f"ANALYZE {table}" for table in metadata.tables)

    def _find_indexes(self) -> Sequence[tuple[str, str]]:
        statement = text(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
            " WHERE NOT indisprimary AND indrelid::regclass::text = ANY(:tables)"
        )
        found = self._connection.execute(statement, {"tables": self._present()})
        return [(row[0], row[1]) for row in found]

    def _copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        with (
            self._driver.cursor() as cursor,
            cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)


LOADS: Mapping[str, type[SqlLoad]] = {"sqlite": SqliteLoad, "postgresql": PostgresqlLoad}
