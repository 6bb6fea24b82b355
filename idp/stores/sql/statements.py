"""Statements written in Core, compiled once, run through the driver's cursor.

Building and compiling a statement costs several times what SQLite needs to run it, so it happens once per dialect. A
row becomes its record directly; there is no object between them.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Generic, TypeVar

from sqlalchemy import ClauseElement, Dialect, Table

from idp.stores.interfaces import StorageUnavailable

R = TypeVar("R")
_encode_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True).encode


class Statement:
    """One Core statement; `compiled(dialect)` is its text and the order of its parameters."""

    def __init__(self, clause: ClauseElement) -> None:
        self._clause = clause
        self._compiled: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {}

    def compiled(self, dialect: Dialect) -> tuple[str, tuple[str, ...], dict[str, Any]]:
        """Return the text, the names of its parameters in order, and the values that the clause itself fixes."""
        found = self._compiled.get(dialect.name)
        if found is None:
            made = self._clause.compile(dialect=dialect)
            order = tuple(getattr(made, "positiontup", None) or ())
            found = self._compiled[dialect.name] = (str(made), order, dict(made.params))
        return found


class Runner:
    """Runs statements on one connection of a dialect."""

    def __init__(self, cursor: Any, dialect: Dialect, errors: type[Exception]) -> None:
        self._cursor, self._dialect, self._errors = cursor, dialect, errors

    def run(self, statement: Statement, parameters: dict[str, Any]) -> Any:
        """Execute and return the cursor. Raises `StorageUnavailable` for a database that cannot; a violated constraint
        passes through as the driver's IntegrityError."""
        text, order, fixed = statement.compiled(self._dialect)
        values = fixed | parameters if len(fixed) != len(parameters) else parameters
        try:
            return self._cursor.execute(text, [values[name] for name in order] if order else values)
        except self._errors as error:
            raise as_unavailable(error) from error

    def one(self, statement: Statement, **parameters: Any) -> Sequence[Any] | None:
        """Return the first row, or None, also for a text that no database could hold (NUL, lone surrogates)."""
        try:
            row: Sequence[Any] | None = self.run(statement, parameters).fetchone()
        except UnicodeEncodeError:
            return None
        return row

    def all(self, statement: Statement, **parameters: Any) -> list[Sequence[Any]]:
        """Return all rows."""
        try:
            rows: list[Sequence[Any]] = self.run(statement, parameters).fetchall()
        except UnicodeEncodeError:
            return []
        return rows

    def changed(self, statement: Statement, **parameters: Any) -> int:
        """Execute a change and return how many rows it touched."""
        try:
            return int(self.run(statement, parameters).rowcount)
        except UnicodeEncodeError:
            return 0


def is_violation(error: Exception) -> bool:
    """Tell whether an error of the driver is a violated constraint (PEP 249 names it so in every driver)."""
    return any(kind.__name__ == "IntegrityError" for kind in type(error).__mro__)


def as_unavailable(error: Exception) -> Exception:
    """Return what an error of the driver means to the core: `StorageUnavailable`, or itself if a constraint failed."""
    if is_violation(error):
        return error
    return StorageUnavailable(f"{type(error).__name__}: {error}")


class Codec(Generic[R]):
    """Between a record type and the rows of its table, whose columns are in the order of the record's fields."""

    def __init__(self, record: Callable[..., R], table: Table, names: Iterable[str]) -> None:
        self._record = record
        self.names = tuple(names)
        self.columns = [table.c[name] for name in self.names]
        self._encoders = {n: _encode_json for n in self.names if "json" in table.c[n].info}
        kinds = [table.c[n].info.get("json") for n in self.names]
        booleans = [str(table.c[n].type) == "BOOLEAN" for n in self.names]
        self._decoders = [
            (i, _decode_tuple if kind == "tuple" else json.loads if kind else bool)
            for i, (kind, boolean) in enumerate(zip(kinds, booleans, strict=True))
            if kind or boolean
        ]

    @classmethod
    def of(cls, record: type[R], table: Table) -> "Codec[R]":
        """Return the codec of a record type whose fields all have their column."""
        return cls(record, table, [field.name for field in fields(record)])  # type: ignore[arg-type]

    def encode(self, record: R) -> dict[str, Any]:
        """Return the parameters that write a record."""
        values = {name: getattr(record, name) for name in self.names}
        for name, encode in self._encoders.items():
            value = values[name]
            values[name] = encode(dict(value) if isinstance(value, Mapping) else list(value))
        return values

    def decode(self, row: Sequence[Any]) -> R:
        """Return the record of a row."""
        values = list(row)
        for index, decode in self._decoders:
            values[index] = decode(values[index])
        return self._record(**dict(zip(self.names, values, strict=True)))

    def decode_or_none(self, row: Sequence[Any] | None) -> R | None:
        """Return the record of a row, or None for no row."""
        return None if row is None else self.decode(row)

    def decode_all(self, rows: Iterable[Sequence[Any]]) -> tuple[R, ...]:
        """Return the records of rows."""
        return tuple(self.decode(row) for row in rows)


def _decode_tuple(text: str) -> tuple[Any, ...]:
    return tuple(json.loads(text))
