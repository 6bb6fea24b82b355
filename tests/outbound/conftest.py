"""What the tests of the worker share: an outbox, and a worker on it that always ends with its test."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from idp.outbound.outbox import LEASE_SECONDS, Deliverer, OutboxWorker
from idp.stores.records import OutboxMessage
from tests.outbound.fakes import START, OutboxStorage, SetClock

PATIENCE_SECONDS = 5.0


class Post:
    """An outbox with a worker. It polls so rarely that a test must wake it, and never waits for time to pass."""

    def __init__(self, storage: OutboxStorage | None = None) -> None:
        self.storage = storage or OutboxStorage()
        self.clock = SetClock()
        self.workers: list[OutboxWorker] = []

    def start(self, deliver: Deliverer, *, kind: str = "notice", poll_seconds: float = 60) -> OutboxWorker:
        """Start a worker that delivers by this function."""
        worker = OutboxWorker(self.storage.as_storage(), self.clock, {kind: deliver}, poll_seconds=poll_seconds)
        self.workers.append(worker)
        worker.start()
        return worker

    def add(self, message_id: str, client_id: str = "web", **changes: Any) -> None:
        """Put a message into the outbox."""
        values: dict[str, Any] = {
            "message_id": message_id,
            "kind": "notice",
            "client_id": client_id,
            "destination": "https://rp.example/out",
            "payload": {},
            "created_at": START,
            "next_attempt_at": START,
        }
        with self.storage.begin() as uow:
            uow.outbox.add(OutboxMessage(**(values | changes)))

    def row(self, message_id: str) -> OutboxMessage:
        """Return a message as it is stored."""
        return self.storage.rows.rows[message_id]

    def wait(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds in the store, and fail if it does not come about."""
        with self.storage.changed:
            assert self.storage.changed.wait_for(condition, PATIENCE_SECONDS)

    def wait_for_result(self, message_id: str, attempts: int = 1) -> OutboxMessage:
        """Wait until the result of an attempt is stored and return the message; the clock must stand still."""
        self.wait(lambda: self.row(message_id).attempts == attempts and self._has_result(self.row(message_id)))
        return self.row(message_id)

    def _has_result(self, row: OutboxMessage) -> bool:
        is_over = row.delivered_at is not None or row.failed_at is not None
        return is_over or row.next_attempt_at != self.clock.at + LEASE_SECONDS


@pytest.fixture
def post() -> Iterator[Post]:
    """An outbox whose workers are stopped at the end."""
    found = Post()
    yield found
    for worker in found.workers:
        assert worker.stop(PATIENCE_SECONDS)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("outbox-")]
