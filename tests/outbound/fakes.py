"""Fakes for the tests of the worker: a clock to set, and a storage that keeps an outbox only and can be taken away."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import cast

from idp.stores.interfaces import Storage, StorageUnavailable, UnitOfWork
from idp.stores.records import OutboxMessage

START = 1_800_000_000


@dataclass
class SetClock:
    """A clock that stands still until it is set."""

    at: int = START

    def now(self) -> int:
        """Return the instant that was set."""
        return self.at


@dataclass
class OutboxRows:
    """An `OutboxStore` on a dictionary."""

    rows: dict[str, OutboxMessage] = field(default_factory=dict)

    def add(self, message: OutboxMessage) -> None:
        self.rows[message.message_id] = message

    def claim(self, now: int, limit: int, lease_seconds: int) -> tuple[OutboxMessage, ...]:
        open_rows = [row for row in self.rows.values() if row.delivered_at is None and row.failed_at is None]
        due = sorted((row for row in open_rows if row.next_attempt_at <= now), key=lambda row: row.next_attempt_at)
        claimed = tuple(
            replace(row, attempts=row.attempts + 1, next_attempt_at=now + lease_seconds) for row in due[:limit]
        )
        self.rows.update({row.message_id: row for row in claimed})
        return claimed

    def mark_delivered(self, message_id: str, at: int, result: str) -> None:
        self.rows[message_id] = replace(self.rows[message_id], delivered_at=at, last_result=result)

    def mark_failed(self, message_id: str, result: str, *, next_attempt_at: int | None, at: int) -> None:
        row = replace(self.rows[message_id], last_result=result)
        self.rows[message_id] = replace(
            row,
            failed_at=at if next_attempt_at is None else None,
            next_attempt_at=row.next_attempt_at if next_attempt_at is None else next_attempt_at,
        )

    def list(self, *, client_id: str | None = None, limit: int = 100) -> tuple[OutboxMessage, ...]:
        found = [row for row in self.rows.values() if client_id in (None, row.client_id)]
        return tuple(found[-limit:][::-1])


@dataclass
class _OutboxUnit:
    outbox: OutboxRows


class OutboxStorage:
    """A storage with transactions one at a time. `is_open` tells whether one is under way on the calling thread."""

    def __init__(self) -> None:
        self.rows = OutboxRows()
        self.changed = threading.Condition()
        self.is_away = False
        self.failing: Exception | None = None
        self._within = threading.local()

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Open a unit that takes effect at its end, and tell those that wait."""
        with self.changed:
            if self.is_away:
                raise StorageUnavailable("away")
            if self.failing is not None:
                raise self.failing
            self._within.open = True
            try:
                draft = OutboxRows(dict(self.rows.rows))
                yield cast(UnitOfWork, _OutboxUnit(draft))
                self.rows = draft
            finally:
                self._within.open = False
            self.changed.notify_all()

    @property
    def is_open(self) -> bool:
        """Whether the calling thread is within a unit of work."""
        return getattr(self._within, "open", False)

    def as_storage(self) -> Storage:
        """Return it as the type that the code under test asks for."""
        return cast(Storage, self)
