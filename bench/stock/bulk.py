"""Many rows at once: one record that the program made, repeated by the database itself.

What differs from row to row is an SQL expression over its number `n`, or a text in which `NUMBER` stands for it. Both
databases understand the same statements once SQLite has been taught `md5`.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    create_engine,
    event,
    func,
    insert,
    literal,
    literal_column,
    make_url,
    select,
    text,
)
from sqlalchemy.pool import NullPool

NUMBER = "987654321"
# The indexes that can be dropped and made anew.
SECONDARY = {
    "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    "postgresql": "SELECT indexname, indexdef FROM pg_indexes"
    " WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey' AND indexname NOT LIKE 'alembic%'",
}


@contextmanager
def filling(database_url: str) -> Iterator[Connection]:
    """Open a connection for filling a database that nobody else uses: without its secondary indexes, which are made
    anew at the end, and without durability where that can be chosen."""
    url = make_url(database_url)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    kind = engine.dialect.name
    if kind == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    with engine.connect() as connection:
        if kind == "postgresql":
            for setting in ("synchronous_commit = off", "maintenance_work_mem = '512MB'", "work_mem = '512MB'"):
                connection.execute(text(f"SET {setting}"))
        indexes = connection.execute(text(SECONDARY[kind])).all()
        for name, _ in indexes:
            connection.execute(text(f"DROP INDEX {name}"))
        yield connection
        for _, definition in indexes:
            connection.execute(text(definition))
        if kind == "postgresql":
            connection.execute(text("VACUUM ANALYZE"))
            connection.execute(text("CHECKPOINT"))
        else:
            connection.execute(text("PRAGMA synchronous=FULL"))
            connection.execute(text("PRAGMA journal_mode=WAL"))


def repeat(
    connection: Connection, table: Table, row: Mapping[str, Any], count: int, **varying: str | ColumnElement[Any]
) -> None:
    """Insert `count` rows like this one. `varying` gives the SQL of the columns that differ by more than a number in
    their text."""
    values = []
    for column in table.columns:
        if column.name in varying:
            given = varying[column.name]
            values.append(literal_column(given) if isinstance(given, str) else given)
        else:
            values.append(_value(column, row[column.name]))
    # In the order of the first column: an index on random keys is then written from left to right.
    numbers = select(*values).select_from(text("numbers")).order_by(text("1"))
    statement = insert(table).from_select([column.name for column in table.columns], numbers)
    compiled: Any = statement.compile(dialect=connection.dialect)
    clause = f"WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {int(count)}) "
    # Both databases take the numbers before the INSERT, where SQLAlchemy would not put them.
    parameters = compiled.params if not compiled.positional else tuple(compiled.params[n] for n in compiled.positiontup)
    connection.exec_driver_sql(clause + str(compiled), parameters)


def _value(column: Column[Any], value: Any) -> ColumnElement[Any]:
    given = literal(value, type_=column.type)
    if isinstance(value, str) and NUMBER in value:
        return func.replace(given, NUMBER, literal_column("CAST(n AS TEXT)"))
    return given


def md5(value: str) -> str:
    """Return what both databases call md5: 32 hexadecimal digits, which is how an identifier looks."""
    return hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.create_function("md5", 1, md5, deterministic=True)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-2000000", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
