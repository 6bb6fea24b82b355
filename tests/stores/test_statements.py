"""The statements themselves: none of them reads a whole table that grows."""

import importlib
import pkgutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

import idp.stores.sql
from idp.stores.sql.statements import Statement
from idp.stores.sql.storage import SqlStorage
from idp.stores.sql.sweeping import SWEEPS

# These tables hold a handful of rows.
SMALL = {"resources", "signing_keys"}


def _statements() -> Iterator[tuple[str, Statement]]:
    for module in pkgutil.iter_modules(idp.stores.sql.__path__, "idp.stores.sql."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Statement):
                yield f"{module.name.rpartition('.')[2]}.{name}", value
    for number, (statement, _) in enumerate(SWEEPS):
        yield f"sweeping.{number}", statement


STATEMENTS = dict(_statements())


@pytest.mark.parametrize("name", STATEMENTS)
def test_statement_uses_an_index(storage: SqlStorage, path: Path, name: str) -> None:
    """SQLite's plan for it scans no table and sorts no table as a whole."""
    text, order, _ = STATEMENTS[name].compiled(SQLiteDialect_pysqlite())
    plan = [row[3] for row in sqlite3.connect(path).execute(f"EXPLAIN QUERY PLAN {text}", [1] * len(order))]
    scans = [step for step in plan if step.startswith("SCAN") and "INDEX" not in step]
    assert not [step for step in scans if step.split()[1] not in SMALL], plan


def test_there_are_statements() -> None:
    """The test above looks at something."""
    assert len(STATEMENTS) > 40
