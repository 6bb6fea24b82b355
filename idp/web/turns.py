"""Calls that run on the event loop itself, one after the other, where a thread would cost more than they do.

Python runs one thread at a time: a second one that computes, signs and asks an embedded database takes no less of the
processor, and each of the two waits for the other at every statement. Several processes share several cores better.
"""

from asyncio import AbstractEventLoop, Lock, get_running_loop, sleep
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

from idp.clock import monotonic
from idp.protocol.errors import TemporarilyUnavailable
from idp.web.threads import LONGEST_WAIT_SECONDS, Line

# A call that takes so long waited, for a disk most of all, and everything else with it. Threads take the next ones,
# for so long.
STALL_SECONDS = 0.1
REST_SECONDS = 30.0

T = TypeVar("T")


class Turns:
    """A line of at most `most_waiting` calls. Between two of them the loop does whatever else there is to do."""

    def __init__(self, most_waiting: int) -> None:
        self._line = Line(1, most_waiting)
        # Whoever embeds the application may call it from several loops, and a lock belongs to one.
        self._turns: WeakKeyDictionary[AbstractEventLoop, Lock] = WeakKeyDictionary()
        self._rests_until = 0.0

    def are_quick(self) -> bool:
        """Tell whether no call has held up the loop of late."""
        return monotonic() >= self._rests_until

    async def run(self, call: Callable[[], T]) -> T:
        """Run a call when it is its turn. Raises `TemporarilyUnavailable` at once when too many wait or when it would
        have to wait for too long, and without running it when it did."""
        self._line.enter()
        arrived = monotonic()
        try:
            async with self._turn():
                # Others are read meanwhile, and join the line before this one holds up the loop.
                await sleep(0)
                began = monotonic()
                if began - arrived > LONGEST_WAIT_SECONDS:
                    raise TemporarilyUnavailable("The request has waited for too long.", retry_after_seconds=5)
                try:
                    return call()
                finally:
                    self._took(began)
        finally:
            self._line.leave()

    def _turn(self) -> Lock:
        loop = get_running_loop()
        turn = self._turns.get(loop)
        if turn is None:
            turn = self._turns[loop] = Lock()
        return turn

    def _took(self, began: float) -> None:
        now = monotonic()
        self._line.note(now - began)
        if now - began > STALL_SECONDS:
            self._rests_until = now + REST_SECONDS
