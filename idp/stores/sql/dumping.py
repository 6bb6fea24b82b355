"""Whole tables on their way out: page by page in the order of their keys, so that memory stays bounded, no statement
takes long, and whoever puts the rows back writes its index in order."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Table, bindparam, select, tuple_

from idp.stores.interfaces import DumpedTable
from idp.stores.sql.running import Runner
from idp.stores.sql.statements import Statement
from idp.stores.sql.tables import metadata

PAGE_ROWS = 1_000


class SqlDump:
    """`Dump` over a transaction that sees one moment."""

    def __init__(self, run: Runner, revision: str) -> None:
        self._run, self.revision = run, revision

    def tables(self) -> Iterator[DumpedTable]:
        """Yield every table, by name."""
        for name, table in sorted(metadata.tables.items()):
            yield DumpedTable(name, tuple(column.name for column in table.columns), self._pages(table))

    def _pages(self, table: Table) -> Iterator[Sequence[Sequence[Any]]]:
        key = list(table.primary_key.columns)
        places = [list(table.columns).index(column) for column in key]
        # SQLite has no booleans, only 0 and 1.
        flags = [place for place, column in enumerate(table.columns) if str(column.type) == "BOOLEAN"]
        ordered = select(*table.columns).order_by(*key).limit(PAGE_ROWS)
        names = [f"after_{column.name}" for column in key]
        following = Statement(ordered.where(tuple_(*key) > tuple_(*map(bindparam, names))))
        rows = self._run.all(Statement(ordered))
        while rows:
            yield _with_booleans(rows, flags)
            last = rows[-1]
            after = {name: last[place] for name, place in zip(names, places, strict=True)}
            rows = self._run.all(following, **after) if len(rows) == PAGE_ROWS else []


def _with_booleans(rows: list[Sequence[Any]], flags: list[int]) -> Sequence[Sequence[Any]]:
    if not flags:
        return rows
    changed = [list(row) for row in rows]
    for row in changed:
        for place in flags:
            row[place] = bool(row[place])
    return changed
