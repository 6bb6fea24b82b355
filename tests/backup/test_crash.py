"""Killed half-way: a restore leaves nothing half restored, a backup no file under its name."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from idp.backup.format import UnusableBackup
from idp.stores.interfaces import StorageUnavailable
from idp.stores.sql.storage import SqlStorage
from tests.backup.world import Disaster, tables_of
from tests.cli.processes import ROOT, clean_environment
from tests.postgresql import Server

# The command, which is killed as hard as can be when it comes to something for the k-th time.
PROGRAM = """
import os, signal, sys
from {module} import {owner}
from idp.cli import main
real, left = {owner}.{name}, [int(sys.argv.pop(1))]
def killed(*arguments, **more):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments, **more)
{owner}.{name} = killed
main()
"""


def run_killed(directory: Path, point: tuple[str, str, str], k: int, *arguments: str, url: str) -> int:
    """Run a command that is killed at its k-th coming to a point; return its status."""
    module, owner, name = point
    environment = {"IDP_DATABASE_URL": url, "IDP_KEY_ENCRYPTION_KEY_FILE": str(directory / "key-encryption.key")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(module=module, owner=owner, name=name), str(k), *arguments],
        cwd=directory,
        env=clean_environment() | environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode


# Among the tables; when all rows are there; when all is done but the keys and the end of the transaction.
ROWS = (("idp.stores.sql.loading", "SqlLoad", "put"), 5)
FILLED = (("idp.stores.sql.loading", "SqlLoad", "finish"), 0)
KEYS = (("idp.jose.rotation", "KeyLifeCycle", "tick"), 0)


@pytest.mark.parametrize(("point", "k"), [ROWS, KEYS], ids=["rows", "keys"])
def test_killed_restore_leaves_what_was_there(
    disaster: Disaster, tmp_path: Path, point: tuple[str, str, str], k: int
) -> None:
    """In place of another content: that stays, whole, and the next restore goes through."""
    disaster.back_up()
    disaster.house.add_account("dave")
    disaster.restore(replaces=True)
    before = tables_of(disaster.storage)
    (tmp_path / "b").write_bytes(disaster.file.getvalue())
    status = run_killed(tmp_path, point, k, "--set", "port=1", "restore", "--replace", "b", url=disaster.url)
    assert status == -signal.SIGKILL
    assert tables_of(disaster.storage) == before
    disaster.restore(replaces=True)


def test_killed_restore_leaves_an_empty_database_empty(disaster: Disaster, tmp_path: Path, postgresql: Server) -> None:
    """On PostgreSQL too, schema and all."""
    disaster.back_up()
    (tmp_path / "b").write_bytes(disaster.file.getvalue())
    url = postgresql.make_database("template1")
    assert run_killed(tmp_path, *FILLED, "restore", "b", url=url) == -signal.SIGKILL
    storage = SqlStorage(url)
    with pytest.raises(StorageUnavailable, match="at nothing"):
        storage.check()
    with postgresql.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        assert found == (0,)
    storage.close()
    postgresql.drop_database(url)


@pytest.mark.usefixtures("disaster")
def test_killed_backup_has_no_name(tmp_path: Path) -> None:
    """Among and at the last of the tables: an older backup stays, a new one is not there."""
    (tmp_path / "old").write_bytes(b"older")
    url = f"sqlite:///{tmp_path / 'signet.sqlite3'}"
    point = ("idp.backup.format", "Writer", "write_table")
    for name, k in (("old", 7), ("new", 14)):
        assert run_killed(tmp_path, point, k, "backup", "--force", name, url=url) == -signal.SIGKILL
    assert (tmp_path / "old").read_bytes() == b"older"
    assert not (tmp_path / "new").exists()
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in tmp_path.glob(".*.part"))


def test_failing_restore_leaves_what_was_there(disaster: Disaster) -> None:
    """A file that turns out to be damaged only while it is read again."""
    disaster.back_up()
    disaster.restore()
    before = tables_of(disaster.storage)
    whole = disaster.file.getvalue()

    class Fading(type(disaster.file)):  # type: ignore[misc]
        """Reads well the first time."""

        rewound = 0

        def seek(self, *where: int) -> int:
            Fading.rewound += where == (0,)
            if Fading.rewound == 2:
                super().seek(len(whole) - 60)
                super().truncate()
            return int(super().seek(*where))

    disaster.file = Fading(whole)
    with pytest.raises(UnusableBackup):
        disaster.restore(replaces=True)
    assert Fading.rewound == 2
    assert tables_of(disaster.storage) == before
