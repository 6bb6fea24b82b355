"""The schema: made, kept and refused."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text

from idp.stores.interfaces import StorageUnavailable
from idp.stores.sql import migrations
from idp.stores.sql.migrations import newest_revision
from idp.stores.sql.storage import SqlStorage
from idp.stores.sql.tables import metadata
from tests.postgresql import Server
from tests.stores.contract import grant

PREAMBLE = "from idp.stores.sql.storage import SqlStorage\n"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, path: Path) -> Iterator[str]:
    """The URL of a database in which nothing is yet, on either kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{path}"
        return
    server: Server = request.getfixturevalue("postgresql")
    made = server.make_database("template1")
    yield made
    server.drop_database(made)


@pytest.fixture
def migrated(url: str) -> Iterator[SqlStorage]:
    """That database, migrated."""
    made = SqlStorage(url)
    made.migrate()
    yield made
    made.close()


def _engine(url: str) -> Engine:
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:"))


def test_the_newest_step_is_known_without_alembic(migrated: SqlStorage, url: str) -> None:
    """By the names of the files; Alembic, which follows their contents, comes to the same."""
    scripts = ScriptDirectory(str(files(migrations)))
    assert newest_revision() == scripts.get_current_head()
    assert all(migrated.knows(script.revision) for script in scripts.walk_revisions())
    program = "import sys\nfrom idp.stores.sql.storage import SqlStorage\n"
    program += "s = SqlStorage(sys.argv[1]); s.migrate(); s.check(); s.close(); assert 'alembic' not in sys.modules"
    subprocess.run([sys.executable, "-c", program, url], check=True, timeout=60)


@pytest.mark.case("OP-06")
def test_newer_schema_is_refused(migrated: SqlStorage, url: str) -> None:
    """An older program leaves the database of a newer one alone."""
    engine = _engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StorageUnavailable, match="newer"):
        migrated.migrate()
    with pytest.raises(StorageUnavailable):
        migrated.check()


def test_unmigrated_database_is_not_ready(url: str) -> None:
    """The check tells what to run."""
    empty = SqlStorage(url)
    with pytest.raises(StorageUnavailable, match="idp migrate"):
        empty.check()
    empty.close()


@pytest.mark.case("OP-02")
def test_processes_may_migrate_at_once(url: str) -> None:
    """Four programs that start on an empty directory or database all come up, on one schema."""
    program = f"{PREAMBLE}storage = SqlStorage({url!r})\nstorage.migrate()\nstorage.check()\nstorage.close()"
    children = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(4)]
    assert [child.wait(60) for child in children] == [0, 0, 0, 0]


def test_migrating_again_keeps_everything(migrated: SqlStorage, url: str) -> None:
    """A second start on the same database finds what the first one left."""
    with migrated.begin() as uow:
        uow.grants.add(grant())
    again = SqlStorage(url)
    again.migrate()
    again.check()
    with again.snapshot() as uow:
        assert uow.grants.find("g1") == grant()
    again.close()


def test_failing_migration_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step that fails undoes those before it."""

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    storage = SqlStorage(url)
    with monkeypatch.context() as patched:
        patched.setattr("alembic.operations.Operations.add_column", fail)
        with pytest.raises(ZeroDivisionError):
            storage.migrate()
    with pytest.raises(StorageUnavailable, match="at nothing"):
        storage.check()
    storage.migrate()
    storage.check()
    storage.close()


@pytest.mark.usefixtures("migrated")
def test_migrations_arrive_at_the_tables_of_the_program(url: str) -> None:
    """The steps together make exactly `tables.py`: every table, column and index."""
    engine = _engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()
