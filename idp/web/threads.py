"""Threads that run the core, and those who wait for one: how many, and for how long (R18)."""

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

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


class Threads:
    """So many threads, for which at most `most_waiting` calls wait, those under way included. To be used from one
    event loop."""

    def __init__(self, count: int, name: str, most_waiting: int) -> None:
        self._count, self._most_waiting = count, most_waiting
        self._pool = ThreadPoolExecutor(count, name)
        self._waiting = 0
        self._mean_seconds = 0.0

    def close(self) -> None:
        """Finish what is under way and end the threads."""
        self._pool.shutdown()

    async def run(self, call: Callable[[], T]) -> T:
        """Run a call in a thread. Raises `TemporarilyUnavailable` at once when too many wait or when it would have to
        wait for too long, and without running it when it did wait for too long."""
        prospect = self._waiting * self._mean_seconds / self._count
        if self._waiting >= self._most_waiting or prospect > LONGEST_PROSPECT_SECONDS:
            after = max(2, math.ceil(prospect))
            raise TemporarilyUnavailable("Too many requests are waiting.", retry_after_seconds=after)
        self._waiting += 1
        running = self._pool.submit(self._timed, call)
        # What runs already cannot be cancelled, and ends by itself: every wait of the stores is bounded.
        too_late = asyncio.get_running_loop().call_later(LONGEST_WAIT_SECONDS, running.cancel)
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            raise TemporarilyUnavailable("The request has waited for too long.", retry_after_seconds=5) from None
        finally:
            too_late.cancel()
            self._waiting -= 1

    def _timed(self, call: Callable[[], T]) -> T:
        began = monotonic()
        try:
            return call()
        finally:
            # Two threads at once may lose one of their figures, which a mean can spare.
            self._mean_seconds += NEWEST_SHARE * (monotonic() - began - self._mean_seconds)
