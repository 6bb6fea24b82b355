"""A lane for each client: its messages go out one after the other, and no client waits for another's.

At most one message of a client is out at a time, so a relying party that does not answer holds up one thread and its
own messages only.
"""

import threading
from collections import deque
from collections.abc import Iterable

from idp.stores.records import OutboxMessage

# What waits in memory for one client; more stays in the store.
MOST_WAITING = 256


class Lanes:
    """The claimed messages that wait for a thread. Safe for use by many threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[str, deque[OutboxMessage]] = {}
        self._free: deque[str] = deque()
        self._closed = False

    def put(self, messages: Iterable[OutboxMessage]) -> tuple[OutboxMessage, ...]:
        """Take messages in and return those for which their lane has no room."""
        with self._changed:
            rejected = tuple(message for message in messages if not self._put(message))
            self._changed.notify_all()
        return rejected

    def take(self) -> OutboxMessage | None:
        """Wait for a message and return it; its lane is blocked until `release`. None once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._free or self._closed)
            return None if self._closed else self._waiting[self._free.popleft()].popleft()

    def release(self, client_id: str) -> None:
        """Let the client's next message go, behind those of the clients that wait already."""
        with self._changed:
            if self._waiting[client_id]:
                self._free.append(client_id)
                self._changed.notify()
            else:
                del self._waiting[client_id]

    def drain(self, client_id: str) -> tuple[OutboxMessage, ...]:
        """Return the client's waiting messages and forget them; for the holder of its lane."""
        with self._changed:
            drained = tuple(self._waiting[client_id])
            self._waiting[client_id].clear()
            return drained

    def close(self) -> tuple[OutboxMessage, ...]:
        """Let every `take` return None from now on, and return what waited."""
        with self._changed:
            self._closed = True
            left = tuple(message for lane in self._waiting.values() for message in lane)
            for lane in self._waiting.values():
                lane.clear()
            self._free.clear()
            self._changed.notify_all()
        return left

    def _put(self, message: OutboxMessage) -> bool:
        if self._closed:
            return False
        lane = self._waiting.get(message.client_id)
        if lane is None:
            self._waiting[message.client_id] = deque([message])
            self._free.append(message.client_id)
            return True
        if len(lane) >= MOST_WAITING:
            return False
        lane.append(message)
        return True
