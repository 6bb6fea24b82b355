"""Fixtures shared by all tests."""

import os
import shutil
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from idp.jose.algorithms import Algorithm, KeyPair, PrivateKey
from idp.stores.sql.storage import SqlStorage
from tests.postgresql import WITHOUT, NoServer, Server
from tests.provider import House, make_house


@pytest.fixture
def ready_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the n-th key of each test be the same one: making them would take more time than all that is tested."""
    made = count()

    def generate(kind: type[KeyPair], algorithm: Algorithm) -> KeyPair:
        return kind(algorithm, nth_key(next(made), algorithm))

    monkeypatch.setattr(KeyPair, "generate", classmethod(generate))


@cache
def nth_key(_number: int, algorithm: Algorithm) -> PrivateKey:
    """Return a private key that is made once."""
    return algorithm.generate()


def furnished(storage: SqlStorage, key_file: Path) -> House:
    """Return a provider with the clients that the cases speak of, and alice and bob."""
    made = make_house(storage, key_file)
    made.add_resource()
    made.add_client("web")
    made.add_client("post", token_endpoint_auth_method="client_secret_post", redirect_uris=["https://post.example/cb"])
    made.add_client(
        "pub",
        token_endpoint_auth_method="none",
        application_type="native",
        redirect_uris=["http://127.0.0.1/cb", "com.example.app:/cb"],
    )
    made.add_client("spa", token_endpoint_auth_method="none", redirect_uris=["https://spa.example/cb"])
    made.add_client("third", first_party=False)
    made.add_client("evil", redirect_uris=["https://evil.example/cb", "https://rp.example/cb"])
    made.add_client("svc", grant_types=["client_credentials"], redirect_uris=[], response_types=[])
    made.add_account("alice")
    made.add_account("bob")
    return made


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as the first start leaves it, to be copied: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "signet.sqlite3"
    storage = SqlStorage(f"sqlite:///{path}")
    storage.migrate()
    storage.close()
    return path


@pytest.fixture
def house(tmp_path: Path, ready_keys: None, migrated_file: Path) -> Iterator[House]:
    """A provider over SQLite."""
    path = tmp_path / "signet.sqlite3"
    shutil.copyfile(migrated_file, path)
    path.chmod(0o600)
    storage = SqlStorage(f"sqlite:///{path}")
    yield furnished(storage, tmp_path / "key-encryption.key")
    storage.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def any_house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """A provider over each kind of database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("house")
        return
    request.getfixturevalue("ready_keys")
    storage = SqlStorage(request.getfixturevalue("postgresql_url"))
    yield furnished(storage, tmp_path / "key-encryption.key")
    storage.close()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server; without one the tests that need it fail."""
    if os.environ.get(WITHOUT) == "1":
        pytest.skip(f"{WITHOUT}=1")
    try:
        server = Server.make()
    except NoServer as error:
        pytest.fail(str(error), pytrace=False)
    yield server
    server.remove()


@pytest.fixture
def postgresql_url(postgresql: Server) -> str:
    """The URL of a migrated, empty database."""
    return postgresql.empty_database()
