"""Sign-in over a migrated SQLite file, with cheap hashing and a clock that can be set."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from idp.accounts.audit import Origin
from idp.authentication.methods.password import Passwords, Verified
from idp.authentication.sign_in import Authenticated, Paused, Rejected, SignIn
from idp.authentication.throttle import Throttling
from idp.settings import Argon2, Throttle
from idp.stores.sql.storage import SqlStorage
from tests.accounts.world import NOW, World

CHEAP = Argon2(memory_kib=8, iterations=1)
LIMITS = Throttle(window_seconds=900, per_account=5, per_address=20, per_client=3)
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
PASSWORD = "correct horse battery staple"


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    at: int = NOW

    def now(self) -> int:
        """Return the set instant."""
        return self.at


class ListeningPasswords(Passwords):
    """Real passwords that say when a verification is under way, outside any unit of work."""

    def __init__(self, settings: Argon2 = CHEAP) -> None:
        super().__init__(settings)
        self.meanwhile: Callable[[], object] = lambda: None
        self.verified: list[bool] = []

    def verify(self, encoded: str | None, password: str) -> Verified:
        """Verify; then let something else happen before the result is used."""
        found = super().verify(encoded, password)
        self.verified.append(found.ok)
        self.meanwhile()
        return found


@dataclass
class Door(World):
    """A world with a way to sign in."""

    clock: Clock = field(default_factory=Clock)
    passwords: ListeningPasswords = field(default_factory=ListeningPasswords)
    throttle: Throttling = field(default_factory=lambda: Throttling(LIMITS))

    def sign_in(
        self, name: str = "alice", password: str = PASSWORD, address: str = HERE
    ) -> Authenticated | Rejected | Paused:
        """Try to sign in."""
        door = SignIn(self.storage, self.clock, self.passwords, self.throttle)
        return door.attempt(name=name, password=password, origin=Origin(address, "r-1"))

    def events(self) -> list[tuple[str, str | None]]:
        """Return the audit events, oldest first, as (name, account_id)."""
        events = self.read(lambda uow: uow.audit.list(limit=1_000))
        return [(event.name, event.account_id) for event in reversed(events)]


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A store with alice, who has a password."""
    storage = SqlStorage(f"sqlite:///{tmp_path}/signet.sqlite3")
    storage.migrate()
    made = Door(storage)
    made.account("alice", email="alice@example.org", password_hash=made.passwords.hash(PASSWORD))
    yield made
    storage.close()
