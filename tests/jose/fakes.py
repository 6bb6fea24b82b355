"""Fakes for the tests of keys: a clock to set, and a storage that keeps signing keys only and can be taken away."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import cast

from idp.stores.interfaces import Storage, StorageUnavailable, UnitOfWork
from idp.stores.records import SigningKey

START = 1_800_000_000


@dataclass
class SetClock:
    """A clock that stands still until it is set."""

    at: int = START

    def now(self) -> int:
        """Return the instant that was set."""
        return self.at


@dataclass
class KeyRows:
    """A `SigningKeyStore` on a dictionary."""

    rows: dict[str, SigningKey] = field(default_factory=dict)

    def list(self) -> tuple[SigningKey, ...]:
        return tuple(sorted(self.rows.values(), key=lambda key: (key.created_at, key.kid)))

    def hold(self) -> tuple[SigningKey, ...]:
        return self.list()

    def add(self, key: SigningKey) -> None:
        self.rows[key.kid] = key

    def activate(self, kid: str, activated_at: int) -> bool:
        key = self.rows.get(kid)
        if key is None or key.activated_at is not None:
            return False
        self.rows[kid] = replace(key, activated_at=activated_at)
        return True

    def retire(self, kid: str, retired_at: int, remove_at: int) -> bool:
        key = self.rows.get(kid)
        if key is None or key.activated_at is None or key.retired_at is not None:
            return False
        self.rows[kid] = replace(key, retired_at=retired_at, remove_at=remove_at)
        return True

    def remove(self, kid: str) -> bool:
        return self.rows.pop(kid, None) is not None


@dataclass
class _KeyUnit:
    signing_keys: KeyRows


class KeyStorage:
    """A storage with transactions one at a time; `is_away` makes it unavailable, `reads` counts snapshots."""

    def __init__(self) -> None:
        self.rows = KeyRows()
        self.is_away = False
        self.reads = 0
        self._lock = threading.Lock()

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Open a unit that takes effect at its end."""
        with self._lock:
            self._check()
            draft = KeyRows(dict(self.rows.rows))
            yield cast(UnitOfWork, _KeyUnit(draft))
            self.rows.rows = draft.rows

    @contextmanager
    def snapshot(self) -> Iterator[UnitOfWork]:
        """Open a unit on a copy."""
        self._check()
        self.reads += 1
        yield cast(UnitOfWork, _KeyUnit(KeyRows(dict(self.rows.rows))))

    def as_storage(self) -> Storage:
        """Return it as the type that the code under test asks for."""
        return cast(Storage, self)

    def _check(self) -> None:
        if self.is_away:
            raise StorageUnavailable("away")
