"""Databases for the tests of the stores."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.stores.sql.storage import SqlStorage


def open_database(path: Path) -> SqlStorage:
    """Return a migrated database."""
    storage = SqlStorage(f"sqlite:///{path}")
    storage.migrate()
    return storage


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is: the name holds what an address would have to escape."""
    return tmp_path / "state" / "signet #1 &ü.sqlite3"


@pytest.fixture
def storage(path: Path) -> Iterator[SqlStorage]:
    """An empty database."""
    made = open_database(path)
    yield made
    made.close()
