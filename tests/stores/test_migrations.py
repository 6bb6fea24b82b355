"""The schema: made, kept and refused."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from idp.stores.interfaces import StorageUnavailable
from idp.stores.sql.storage import SqlStorage
from idp.stores.sql.tables import metadata
from tests.stores.conftest import open_database
from tests.stores.contract import grant

PREAMBLE = "from pathlib import Path\nfrom tests.stores.conftest import open_database\n"


@pytest.mark.case("OP-06")
def test_newer_schema_is_refused(storage: SqlStorage, path: Path) -> None:
    """An older program leaves the database of a newer one alone."""
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageUnavailable, match="newer"):
        storage.migrate()
    with pytest.raises(StorageUnavailable):
        storage.check()


def test_unmigrated_database_is_not_ready(path: Path) -> None:
    """The check tells what to run."""
    empty = SqlStorage(f"sqlite:///{path}")
    with pytest.raises(StorageUnavailable, match="idp migrate"):
        empty.check()
    empty.close()


@pytest.mark.case("OP-02")
def test_processes_may_migrate_at_once(path: Path) -> None:
    """Four programs that start on an empty directory all come up, on one schema."""
    program = f"{PREAMBLE}open_database(Path({str(path)!r})).check()"
    children = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(4)]
    assert [child.wait(60) for child in children] == [0, 0, 0, 0]


def test_migrating_again_keeps_everything(storage: SqlStorage, path: Path) -> None:
    """A second start on the same directory finds what the first one left."""
    with storage.begin() as uow:
        uow.grants.add(grant())
    again = open_database(path)
    again.check()
    with again.snapshot() as uow:
        assert uow.grants.find("g1") == grant()
    again.close()


def test_migrations_arrive_at_the_tables_of_the_program(storage: SqlStorage, path: Path) -> None:
    """The steps together make exactly `tables.py`: every table, column and index."""
    storage.close()
    engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(path))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()
