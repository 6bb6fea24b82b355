"""Migrations: forward only, by Alembic, run by the program itself; safe when several processes start at once.

Alembic is loaded when there is something for it to do: a start has nothing else to wait for that takes as long.
"""

from functools import cache
from importlib.resources import files

from sqlalchemy import Connection

from idp.stores.interfaces import StorageUnavailable


def migrate(connection: Connection) -> None:
    """Bring the schema to this program's version, within the transaction that is open: one process migrates, the others
    wait for theirs and then find nothing left to do. Raises `StorageUnavailable` for a newer schema."""
    refuse_newer(connection)
    upgrade(connection, "head")


def newest_revision() -> str:
    """Return the revision of this program's schema."""
    return max(_revisions())


def knows(revision: str) -> bool:
    """Tell whether a revision is one of this program's steps."""
    return revision in _revisions()


def check_schema(current: str | None) -> None:
    """Raise `StorageUnavailable` unless this revision of a schema is exactly this program's."""
    if current != newest_revision():
        raise StorageUnavailable(f"the schema is at {current or 'nothing'}; run: idp migrate")


@cache
def _revisions() -> frozenset[str]:
    """Return this program's steps, which are numbered by the names of their files."""
    names = (file.name for file in files(__package__).joinpath("versions").iterdir())
    return frozenset(name.partition("_")[0] for name in names if name[0].isdigit())


def refuse_newer(connection: Connection) -> None:
    """Raise `StorageUnavailable` for a schema of a newer program."""
    from alembic.runtime.migration import MigrationContext

    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and not knows(current):
        raise StorageUnavailable(
            f"the database has schema {current}, which is newer than this program; run the newer program"
        )


def upgrade(connection: Connection, revision: str) -> None:
    """Take the steps up to a revision, within the transaction that is open."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(files(__package__)))
    scripts = ScriptDirectory.from_config(config)
    with EnvironmentContext(config, scripts, fn=lambda rev, _: scripts._upgrade_revs(revision, rev)) as environment:
        environment.configure(connection=connection, transactional_ddl=False)
        environment.run_migrations()
