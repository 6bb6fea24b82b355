"""Statements written in Core and compiled once, and how records become rows.

Building and compiling a statement costs several times what SQLite needs to run it, so it happens once per dialect. A
row becomes its record directly; there is no object between them.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from sqlalchemy import ClauseElement, Dialect, Table

R = TypeVar("R")
encode_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True).encode


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


class Codec(Generic[R]):
    """Between a record type and the rows of its table, whose columns are in the order of the record's fields."""

    def __init__(self, record: Callable[..., R], table: Table, names: Iterable[str]) -> None:
        self._record = record
        self.names = tuple(names)
        self._values_of = attrgetter(*self.names)
        self.columns = [table.c[name] for name in self.names]
        kinds = {name: table.c[name].info.get("json") for name in self.names}
        self._encoders = [(name, ENCODERS[kind]) for name, kind in kinds.items() if kind]
        self._decoders = [
            (index, DECODERS[kind] if kind else bool)
            for index, (name, kind) in enumerate(kinds.items())
            if kind or str(table.c[name].type) == "BOOLEAN"
        ]
        # The same rows are read again and again.
        self._decode_row = lru_cache(256)(self._decode) if "shared" in kinds.values() else self._decode

    @classmethod
    def of(cls, record: type[R], table: Table) -> "Codec[R]":
        """Return the codec of a record type whose fields all have their column."""
        return cls(record, table, [field.name for field in fields(record)])  # type: ignore[arg-type]

    def encode(self, record: R) -> dict[str, Any]:
        """Return the parameters that write a record."""
        values = dict(zip(self.names, self._values_of(record), strict=True))
        for name, encode in self._encoders:
            values[name] = encode(values[name])
        return values

    def decode(self, row: Sequence[Any]) -> R:
        """Return the record of a row."""
        return self._decode_row(row)

    def _decode(self, row: Sequence[Any]) -> R:
        values = list(row)
        for index, decode in self._decoders:
            values[index] = decode(values[index])
        return self._record(**dict(zip(self.names, values, strict=True)))

    def decode_or_none(self, row: Sequence[Any] | None) -> R | None:
        """Return the record of a row, or None for no row."""
        return None if row is None else self.decode(row)

    def decode_joined(self, row: Sequence[Any]) -> R | None:
        """Return the record of a row of an outer join, whose first column is its key; None where nothing joined."""
        return None if row[0] is None else self.decode(row)

    def decode_all(self, rows: Iterable[Sequence[Any]]) -> tuple[R, ...]:
        """Return the records of rows."""
        return tuple(self.decode(row) for row in rows)


@lru_cache(maxsize=1024)
def _encode_tuple(value: tuple[Any, ...]) -> str:
    return encode_json(value)


@lru_cache(maxsize=1024)
def _decode_tuple(text: str) -> tuple[Any, ...]:
    return tuple(json.loads(text))


def _encode_map(value: Mapping[str, Any]) -> str:
    return encode_json(dict(value)) if value else "{}"


@lru_cache(maxsize=256)
def _decode_shared(text: str) -> Mapping[str, Any]:
    return MappingProxyType(json.loads(text))


# By the kind of a JSON column. The tuples are few: scopes, factors, roles. A `shared` map is the same in row after row,
# as a client's metadata is, and so is read once.
ENCODERS: Mapping[str, Callable[[Any], str]] = {"tuple": _encode_tuple, "map": _encode_map, "shared": _encode_map}
DECODERS: Mapping[str, Callable[[str], Any]] = {"tuple": _decode_tuple, "map": json.loads, "shared": _decode_shared}
