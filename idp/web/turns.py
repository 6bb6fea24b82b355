"""Calls that run on the event loop itself, one after the other, where a thread would cost more than they do.

Python runs one thread at a time: a second one that computes, signs and asks an embedded database takes no less of the
processor, and each of the two waits for the other at every statement. Several processes share several cores better.
"""

from asyncio import AbstractEventLoop, Future, get_running_loop
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from idp.clock import monotonic
from idp.protocol.errors import TemporarilyUnavailable
from idp.web.threads import LONGEST_WAIT_SECONDS, Line

# A call that takes so long waited, for a disk most of all, and everything else with it. Threads take the next ones,
# for so long.
STALL_SECONDS = 0.1
REST_SECONDS = 30.0
# How long the loop is held up without a look at everything else: much less than anybody notices.
LONGEST_SECONDS = 0.05

T = TypeVar("T")


class Turns:
    """A line of at most `most_waiting` calls. Between them the loop does whatever else there is to do, for as long as
    they take: those who are turned away when there is too much to do must not keep out those who are not."""

    def __init__(self, most_waiting: int) -> None:
        self._line = Line(1, most_waiting)
        # Whoever embeds the application may call it from several loops.
        self._queues: WeakKeyDictionary[AbstractEventLoop, deque[_Call]] = WeakKeyDictionary()
        self._left_at = self._rests_until = 0.0

    def are_quick(self) -> bool:
        """Tell whether no call has held up the loop of late."""
        return monotonic() >= self._rests_until

    async def run(self, call: Callable[[], T]) -> T:
        """Run a call when it is its turn. Raises `TemporarilyUnavailable` at once when too many wait or when it would
        have to wait for too long, and without running it when it did."""
        self._line.enter()
        try:
            loop = get_running_loop()
            queue = self._queues.setdefault(loop, deque())
            waiting = _Call(call, loop)
            queue.append(waiting)
            if len(queue) == 1:
                # Others are read first, and join the line before this one holds up the loop.
                self._left_at = waiting.arrived_at
                loop.call_soon(self._serve, loop, queue)
            outcome: T = await waiting.outcome
            return outcome
        finally:
            self._line.leave()

    def _serve(self, loop: AbstractEventLoop, queue: "deque[_Call]") -> None:
        """Run who waits for as long as the rest took since the last time, at least one of them."""
        now = monotonic()
        ends_at, served = now + min(now - self._left_at, LONGEST_SECONDS), 0
        while queue and (now < ends_at or not served):
            began, served = now, served + 1
            queue.popleft().run(began)
            now = monotonic()
            if now - began > STALL_SECONDS:
                self._rests_until = now + REST_SECONDS
        self._line.note((now - self._left_at) / served)
        self._left_at = now
        if queue:
            loop.call_soon(self._serve, loop, queue)


class _Call:
    """A call that waits for its turn."""

    __slots__ = ("_call", "arrived_at", "outcome")

    def __init__(self, call: Callable[[], Any], loop: AbstractEventLoop) -> None:
        self._call, self.arrived_at = call, monotonic()
        self.outcome: Future[Any] = loop.create_future()

    def run(self, now: float) -> None:
        """Run the call, unless nobody waits for it any more."""
        if self.outcome.done():
            return
        if now - self.arrived_at > LONGEST_WAIT_SECONDS:
            error = TemporarilyUnavailable("The request has waited for too long.", retry_after_seconds=5)
            self.outcome.set_exception(error)
            return
        try:
            self.outcome.set_result(self._call())
        except Exception as raised:
            self.outcome.set_exception(raised)
