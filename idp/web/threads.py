"""Threads that run the core, and those who wait for one: how many, and for how long (R18).

The standard library's executor costs a request more than a statement of SQLite does: a future with a lock and a
condition, another one for the event loop, and callbacks between them. Here a call waits in one queue and its outcome
comes back in one step.
"""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

from idp.clock import monotonic
from idp.protocol.errors import TemporarilyUnavailable

# Every request is answered within 5 s (R21), also one that nothing has begun to work on. To begin later would only make
# the others wait as long.
LONGEST_WAIT_SECONDS = 4.5
# Who would wait for so long is told at once instead: the work on those before would be no use to anybody.
LONGEST_PROSPECT_SECONDS = 3.0
# What the newest call counts in the mean of what calls take: a change shows after fifty, one slow call among quick ones
# (a disk that stalls, a thread that had to stand back) hardly at all.
NEWEST_SHARE = 0.02

T = TypeVar("T")


class Line:
    """Who waits, and for how long that will be: at most `most_waiting` calls, those under way included, which `servers`
    run at a time."""

    def __init__(self, servers: int, most_waiting: int) -> None:
        self._servers, self._most_waiting = servers, most_waiting
        self._waiting = 0
        self._mean_seconds = 0.0

    def enter(self) -> None:
        """Wait from now on. Raises `TemporarilyUnavailable` when too many do, or when it would take too long."""
        prospect = self._waiting * self._mean_seconds / self._servers
        if self._waiting >= self._most_waiting or prospect > LONGEST_PROSPECT_SECONDS:
            after = max(2, math.ceil(prospect))
            raise TemporarilyUnavailable("Too many requests are waiting.", retry_after_seconds=after)
        self._waiting += 1

    def leave(self) -> None:
        """Wait no more."""
        self._waiting -= 1

    def note(self, seconds: float) -> None:
        """Learn how long a call took. From any thread."""
        # Two threads at once may lose one of their figures, which a mean can spare.
        self._mean_seconds += NEWEST_SHARE * (seconds - self._mean_seconds)


class Threads:
    """So many threads, for which at most `most_waiting` calls wait, those under way included. They start with the
    first call."""

    def __init__(self, count: int, name: str, most_waiting: int) -> None:
        self._count, self._name = count, name
        self._line = Line(count, most_waiting)
        self._queue: SimpleQueue[_Call[Any] | None] = SimpleQueue()
        self._threads: list[Thread] = []

    def close(self) -> None:
        """Finish what is under way and end the threads."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    async def run(self, call: Callable[[], T]) -> T:
        """Run a call in a thread. Raises `TemporarilyUnavailable` at once when too many wait or when it would have to
        wait for too long, and without running it when it did wait for too long."""
        self._line.enter()
        if not self._threads:
            self._start()
        loop = asyncio.get_running_loop()
        waiting = _Call(call, loop)
        # What runs already goes on, and ends by itself: every wait of the stores is bounded.
        too_late = loop.call_later(LONGEST_WAIT_SECONDS, waiting.give_up)
        self._queue.put(waiting)
        try:
            return await waiting.outcome
        finally:
            too_late.cancel()
            self._line.leave()

    def _start(self) -> None:
        names = [f"{self._name}_{number}" for number in range(self._count)]
        self._threads = [Thread(target=self._work, name=name, daemon=True) for name in names]
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        while (waiting := self._queue.get()) is not None:
            if not waiting.claim():
                continue
            began = monotonic()
            outcome = waiting.run()
            self._line.note(monotonic() - began)
            waiting.send_back(*outcome)


class _Call(Generic[T]):
    """A call on its way through a thread and back."""

    __slots__ = ("_call", "_claims", "_loop", "outcome")

    def __init__(self, call: Callable[[], T], loop: asyncio.AbstractEventLoop) -> None:
        self._call, self._loop = call, loop
        self.outcome: asyncio.Future[T] = loop.create_future()
        self._claims = [None]

    def claim(self) -> bool:
        """Take the call, to run it or to give it up; only one can. From any thread."""
        try:
            # One operation, so no two get it.
            self._claims.pop()
        except IndexError:
            return False
        return True

    def give_up(self) -> None:
        """Refuse the call, unless it runs. On the loop."""
        if self.claim():
            error = TemporarilyUnavailable("The request has waited for too long.", retry_after_seconds=5)
            self._settle(None, error)

    def run(self) -> tuple[T | None, BaseException | None]:
        """Run the call and return its result, or what it raised. In a thread."""
        try:
            return self._call(), None
        except BaseException as raised:
            return None, raised

    def send_back(self, result: T | None, error: BaseException | None) -> None:
        """Send the outcome to the loop. From a thread."""
        # The loop is closed where nobody waits any more.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._settle, result, error)

    def _settle(self, result: Any, error: BaseException | None) -> None:
        if self.outcome.done():
            return
        if error is None:
            self.outcome.set_result(result)
        else:
            self.outcome.set_exception(error)
