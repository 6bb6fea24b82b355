"""The kinds of statement that most stores need, over a whole row.

ON CONFLICT is written in PostgreSQL's construct, which SQLite's compiler understands; the other way round it is not so.
"""

from typing import Any

from sqlalchemy import Table, bindparam, update
from sqlalchemy.dialects.postgresql import insert as conflict_insert

from idp.stores.sql.statements import Statement


def _values(table: Table) -> dict[str, object]:
    return {column.name: bindparam(column.name) for column in table.columns}


def insert(table: Table) -> Statement:
    """Insert a row unless something of it that must be unique is taken; the row count tells. An error instead would end
    the whole transaction on PostgreSQL."""
    return Statement(conflict_insert(table).values(_values(table)).on_conflict_do_nothing())


def upsert(table: Table, key: tuple[str, ...]) -> Statement:
    """Insert a row or overwrite the one with its key."""
    clause = conflict_insert(table).values(_values(table))
    changed: dict[str, object] = {
        column.name: clause.excluded[column.name] for column in table.columns if column.name not in key
    }
    return Statement(clause.on_conflict_do_update(index_elements=key, set_=changed))


def update_all(table: Table, key: tuple[str, ...], *conditions: object) -> Statement:
    """Overwrite all columns of the row with this key, where the conditions hold; the row count tells."""
    changed: dict[str, Any] = {name: value for name, value in _values(table).items() if name not in key}
    wanted = [table.c[name] == bindparam(f"key_{name}") for name in key]
    return Statement(update(table).where(*wanted, *conditions).values(changed))  # type: ignore[arg-type]


def key_of(table_key: tuple[str, ...], values: dict[str, object]) -> dict[str, object]:
    """Return the parameters that `update_all` wants beside the values: the key under its own names."""
    return {f"key_{name}": values.pop(name) for name in table_key} | values
