"""What a restore refuses, what it makes of older backups, and what it knows of every table."""

import io
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from idp.accounts.accounts import find_account
from idp.backup.checking import check_backup
from idp.backup.format import Header, Reader, UnusableBackup, Writer
from idp.backup.restoring import NotEmpty
from idp.backup.rules import RULES
from idp.stores.interfaces import StorageUnavailable
from idp.stores.sql import dumping
from idp.stores.sql.migrations import upgrade
from idp.stores.sql.storage import SqlStorage
from idp.stores.sql.tables import metadata
from tests.backup.world import Disaster, backup_of, tables_of
from tests.provider import House


def test_every_table_has_its_rule() -> None:
    """A table that is added must say what becomes of it when everything is restored."""
    assert set(RULES) == set(metadata.tables)


def test_database_that_holds_anything_is_not_touched(over: Disaster) -> None:
    """Unless told so; then all of the old content is gone."""
    over.back_up()
    over.restore()
    other = over.restored_house()
    other.add_account("dave")
    before = tables_of(over.storage)
    with pytest.raises(NotEmpty):
        over.restore()
    assert tables_of(over.storage) == before
    over.restore(replaces=True)
    with over.storage.snapshot() as uow:
        assert find_account(uow, "dave") is None
        assert find_account(uow, "alice") is not None


def test_indexes_are_there_again(over: Disaster) -> None:
    """The restored schema is the migrated one: the database is ready, and unique is unique."""
    over.back_up()
    over.restore()
    over.storage.check()
    engine = create_engine(over.url.replace("postgresql:", "postgresql+psycopg:"))
    wanted = {str(index.name) for table in metadata.tables.values() for index in table.indexes}
    with engine.connect() as connection:
        names = "SELECT name FROM sqlite_master WHERE type = 'index'"
        if over.url.startswith("postgresql"):
            names = "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'"
        found = {row[0] for row in connection.execute(text(names))}
    engine.dispose()
    assert wanted <= found


def test_backup_is_of_one_moment(over: Disaster, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written while it is made is wholly in it or not at all, also across many pages."""
    monkeypatch.setattr(dumping, "PAGE_ROWS", 1)
    house = over.house
    source = house.storage
    assert isinstance(source, SqlStorage)
    before = tables_of(source)
    found: dict[str, list[Any]] = {}
    with source.dump() as dump:
        for table in dump.tables():
            if table.name == "artifacts":
                house.browser().tokens("third")
            found[table.name] = [tuple(row) for page in table.pages for row in page]
    assert found == before
    assert tables_of(source)["sessions"] != before["sessions"]


def test_newer_backup_is_refused(disaster: Disaster) -> None:
    """By its schema; nothing is made."""
    disaster.file = written(Header(schema="9999", program="9", made_at=1, issuer="https://idp.example"), {})
    with pytest.raises(UnusableBackup, match="newer than this program"):
        disaster.restore()
    with pytest.raises(StorageUnavailable, match="at nothing"):
        disaster.storage.check()


@pytest.mark.parametrize(
    "columns", [["identifier", "name", "scopes"], ["identifier", "name", "scopes", "client_id; --"]]
)
def test_columns_must_be_those_of_the_schema(disaster: Disaster, columns: list[str]) -> None:
    """One missing, one that would be part of a statement."""
    header = Header(schema="0003", program="1", made_at=1, issuer="https://idp.example")
    disaster.file = written(header, {"resources": (columns, [["x"] * len(columns)])})
    with pytest.raises(StorageUnavailable, match="no table resources with the columns"):
        disaster.restore()
    with pytest.raises(StorageUnavailable, match="at nothing"):
        disaster.storage.check()


def test_table_that_is_not_known_is_refused(disaster: Disaster) -> None:
    """It would be lost in silence otherwise."""
    header = Header(schema="0003", program="1", made_at=1, issuer="https://idp.example")
    disaster.file = written(header, {"sqlite_master": (["x"], [])})
    with pytest.raises(UnusableBackup, match="table sqlite_master"):
        disaster.restore()


def test_older_backup_is_restored_and_migrated(over: Disaster, tmp_path: Path) -> None:
    """Into its own schema first, by the same steps that would have brought that database here."""
    over.back_up()
    over.file = as_of("0001", over.file, tmp_path)
    over.restore()
    over.storage.check()
    after = over.restored_house()
    assert after.browser().tokens()["access_token"]
    assert tables_of(over.storage)["accounts"] == tables_of(storage_of(over.house))["accounts"]


def as_of(revision: str, file: io.BytesIO, tmp_path: Path) -> io.BytesIO:
    """Return a backup as a program of an older schema would have made it."""
    path = tmp_path / f"at-{revision}.sqlite3"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        upgrade(connection, revision)
    engine.dispose()
    with sqlite3.connect(path) as old:
        tables = [row[0] for row in old.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        columns = {t: [row[1] for row in old.execute(f"PRAGMA table_info({t})")] for t in tables}
    old.close()
    columns.pop("alembic_version")
    checked = check_backup(file)
    header = Header(schema=revision, program="0", made_at=checked.header.made_at, issuer=checked.header.issuer)
    return written(header, {name: _narrowed(file, name, wanted) for name, wanted in columns.items()})


def _narrowed(file: io.BytesIO, table: str, wanted: list[str]) -> tuple[list[str], list[list[Any]]]:
    for section in Reader(file).sections():
        if section.table == table:
            places = [section.columns.index(name) for name in wanted]
            return wanted, [[row[place] for place in places] for row in section.rows]
    raise AssertionError(table)


def written(header: Header, tables: dict[str, tuple[list[str], list[list[Any]]]]) -> io.BytesIO:
    """Return a backup with these tables."""
    stream = io.BytesIO()
    writer = Writer(stream, header)
    for name, (columns, rows) in tables.items():
        writer.write_table(name, columns, [rows])
    writer.finish()
    return stream


def storage_of(house: House) -> SqlStorage:
    """Return the database of a provider."""
    assert isinstance(house.storage, SqlStorage)
    return house.storage


def test_backup_can_be_made_again_of_what_was_restored(over: Disaster) -> None:
    """And is the same but for what a restore writes."""
    over.back_up()
    over.restore(moves=True)
    again = check_backup(backup_of(over.storage, over.house))
    first = check_backup(over.file)
    assert again.rows == {**first.rows, "audit": first.rows["audit"] + 1}
