"""A migrated SQLite file for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from idp.stores.sql.storage import SqlStorage
from tests.accounts.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A store with nothing in it."""
    storage = SqlStorage(f"sqlite:///{tmp_path}/signet.sqlite3")
    storage.migrate()
    yield World(storage)
    storage.close()
