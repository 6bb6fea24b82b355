"""Our provider as `idp serve` runs it, default settings but for address and place, filled by its own code."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Running, free_port, running
from idp.accounts.accounts import create_account
from idp.accounts.clients import create_client
from idp.app import build_registry
from idp.authentication.methods.password import Passwords
from idp.settings import Settings
from idp.settings.model import environment_name, value_of
from idp.stores.sql.storage import SqlStorage
from tests.postgresql import Server

SECRET, PASSWORD = "bench-secret", "a long enough password"
REDIRECT_URI = "https://rp.example/cb"
ALGORITHMS = ("RS256", "ES256", "EdDSA")
# More than are signed in at once: ten tries under way for one name are what the throttle allows.
ACCOUNTS = 64
# As an operator runs it: a crash loses nothing.
DURABLE = ("fsync=on", "synchronous_commit=on", "full_page_writes=on", "max_connections=100")


@dataclass(frozen=True, slots=True)
class Account:
    """Who can sign in."""

    account_id: str
    username: str


@dataclass(frozen=True, slots=True)
class Place:
    """A provider that is filled and not running: its settings, its database opened from outside, its accounts."""

    settings: Settings
    storage: SqlStorage
    accounts: Sequence[Account]
    database_pid: int | None = None

    @contextmanager
    def served(self, workers: int = 1) -> Iterator[Running]:
        """Serve it until the block ends."""
        settings = self.settings
        own = ("issuer", "home", "port", "database_url", "key_encryption_key_file")
        given = {key: str(value_of(settings, key)) for key in own} | {"workers": str(workers)}
        # As installed: pip compiles what it installs, so that no start does, whatever is usual where this runs.
        environment = {environment_name(key): value for key, value in given.items()} | {"PYTHONDONTWRITEBYTECODE": ""}
        command = [sys.executable, "-m", "idp", "serve"]
        with running(
            command, settings.port, "/health/ready", settings.home, environment, self.database_pid
        ) as provider:
            yield provider


@contextmanager
def database_server(storage: str) -> Iterator[Server | None]:
    """Have a PostgreSQL server where one is wanted."""
    if storage == "sqlite":
        yield None
        return
    server = Server.make(DURABLE)
    try:
        yield server
    finally:
        server.remove()


@contextmanager
def empty_place(folder: Path, server: Server | None) -> Iterator[Place]:
    """Have a provider with a migrated database, clients and no accounts."""
    port = free_port()
    home = folder / str(port)
    home.mkdir(parents=True)
    url = f"sqlite:///{home}/signet.sqlite3" if server is None else server.make_database()
    settings = Settings(
        issuer=f"http://127.0.0.1:{port}",
        home=home,
        database_url=url,
        key_encryption_key_file=home / "key-encryption.key",
        port=port,
    )
    with ExitStack() as opened:
        storage = SqlStorage(url)
        opened.callback(storage.close)
        storage.migrate()
        _add_clients(storage, settings)
        yield Place(settings, storage, (), server.pid if server else None)


@contextmanager
def filled_place(folder: Path, server: Server | None) -> Iterator[Place]:
    """Have one with a few accounts."""
    with empty_place(folder, server) as place:
        yield Place(place.settings, place.storage, _add_accounts(place), place.database_pid)


def password_hash(settings: Settings) -> str:
    """Return the hash of the password that all accounts have."""
    return Passwords(settings.argon2).hash(PASSWORD)


def _add_clients(storage: SqlStorage, settings: Settings) -> None:
    registry = build_registry()
    with storage.begin() as uow:
        for alg in ALGORITHMS:
            metadata = {
                "redirect_uris": [REDIRECT_URI],
                "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
                "id_token_signed_response_alg": alg,
            }
            checked = registry.check_client_metadata(metadata, settings)
            create_client(uow, client_id=alg, metadata=checked, first_party=True, secret=SECRET, now=0)


def _add_accounts(place: Place) -> list[Account]:
    hashed = password_hash(place.settings)
    with place.storage.begin() as uow:
        made = [
            create_account(uow, username=f"person{number}", roles=("customer",), password_hash=hashed, now=0)
            for number in range(ACCOUNTS)
        ]
    return [Account(account.account_id, account.username) for account in made]
