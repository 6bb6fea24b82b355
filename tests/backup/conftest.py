"""A provider to be backed up, and databases to restore into, of each kind and across."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from idp.stores.sql.storage import SqlStorage
from tests.backup.world import Disaster
from tests.conftest import furnished
from tests.postgresql import Server
from tests.provider import House

KINDS = ("sqlite", "postgresql")
TO_THE_OTHER = list(zip(KINDS, reversed(KINDS), strict=True))
EVERY = [(source, target) for source in KINDS for target in KINDS]


@pytest.fixture(params=EVERY, ids="-to-".join)
def across(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disaster]:
    """A furnished provider on one kind of database, to be restored into a new one of the same or the other kind."""
    with _disaster(request, tmp_path, *request.param) as made:
        yield made


@pytest.fixture(params=TO_THE_OTHER, ids="-to-".join)
def over(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disaster]:
    """The same, from one kind to the other."""
    with _disaster(request, tmp_path, *request.param) as made:
        yield made


@pytest.fixture
def disaster(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disaster]:
    """The same, over SQLite alone."""
    with _disaster(request, tmp_path, "sqlite", "sqlite") as made:
        yield made


@contextmanager
def _disaster(request: pytest.FixtureRequest, tmp_path: Path, source: str, target: str) -> Iterator[Disaster]:
    house: House
    storage = None
    if source == "sqlite":
        house = request.getfixturevalue("house")
    else:
        request.getfixturevalue("ready_keys")
        storage = SqlStorage(request.getfixturevalue("postgresql_url"))
        house = furnished(storage, tmp_path / "key-encryption.key")
    with _empty(request, tmp_path, target) as url:
        made = Disaster(house, url)
        yield made
        made.close()
    if storage is not None:
        storage.close()


@contextmanager
def _empty(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> Iterator[str]:
    """Give the URL of a database in which nothing is."""
    if kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'restored' / 'signet.sqlite3'}"
        return
    server: Server = request.getfixturevalue("postgresql")
    url = server.make_database("template1")
    yield url
    server.drop_database(url)
