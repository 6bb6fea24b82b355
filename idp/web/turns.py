"""Calls that run on the event loop itself, one after the other, where a thread would cost more than they do.

Python runs one thread at a time: a second one that computes, signs and asks an embedded database takes no less of the
processor, and each of the two waits for the other at every statement. Several processes share several cores better.
What waits together is made durable together: to write to the disk costs as much as the rest of a call.
"""

from asyncio import AbstractEventLoop, Future, get_running_loop
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from idp.clock import monotonic
from idp.protocol.errors import TemporarilyUnavailable
from idp.stores.interfaces import Occupied
from idp.web.threads import LONGEST_WAIT_SECONDS, Line

# A call that takes so long waited, for a disk most of all, and everything else with it. Threads take the next ones,
# for so long.
STALL_SECONDS = 0.1
REST_SECONDS = 30.0
# How long the loop is held up without a look at everything else: much less than anybody notices.
LONGEST_SECONDS = 0.05
# More would gain little, and keep the writers of other processes waiting.
MOST_TOGETHER = 8
# How often one looks whether another writer is done, and how long before a thread waits for it instead.
AGAIN_SECONDS = 0.001
MOMENT_SECONDS = 0.01

G = TypeVar("G")
T = TypeVar("T")


class Turns(Generic[G]):
    """A line of at most `most_waiting` calls, which run in groups that `open_group` opens. Between them the loop does
    whatever else there is to do, for as long as they take: those who are turned away when there is too much to do must
    not keep out those who are not."""

    def __init__(self, open_group: Callable[[], AbstractContextManager[G]], most_waiting: int) -> None:
        self._open_group = open_group
        self._line = Line(1, most_waiting)
        # Whoever embeds the application may call it from several loops.
        self._queues: WeakKeyDictionary[AbstractEventLoop, deque[_Call[G]]] = WeakKeyDictionary()
        self._left_at = self._rests_until = 0.0

    def are_quick(self) -> bool:
        """Tell whether no call has held up the loop of late."""
        return monotonic() >= self._rests_until

    async def run(self, call: Callable[[G], T]) -> T:
        """Run a call when it is its turn, and return what it returned once its group has ended.

        Raises `TemporarilyUnavailable` at once when too many wait or when it would have to wait for too long, and
        without running it when it did; `Occupied` when no group could be opened in a moment; and whatever the end of
        its group raises."""
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

    def _serve(self, loop: AbstractEventLoop, queue: "deque[_Call[G]]") -> None:
        """Run who waits for as long as the rest took since the last time, one group at least."""
        now = monotonic()
        ends_at, served = now + min(now - self._left_at, LONGEST_SECONDS), 0
        try:
            while queue and (not served or monotonic() < ends_at):
                served += self._serve_group(queue)
        except Occupied as error:
            while queue and monotonic() - queue[0].arrived_at > MOMENT_SECONDS:
                queue.popleft().settle(error)
        now = monotonic()
        if served:
            self._line.note((now - self._left_at) / served)
        self._left_at = now
        if queue and served:
            loop.call_soon(self._serve, loop, queue)
        elif queue:
            loop.call_later(AGAIN_SECONDS, self._serve, loop, queue)

    def _serve_group(self, queue: "deque[_Call[G]]") -> int:
        """Run the next ones, and tell them when their group has ended; return how many they were. Raises `Occupied`
        before the first one."""
        calls: list[_Call[G]] = []
        failure: Exception | None = None
        began = monotonic()
        try:
            with self._open_group() as group:
                while queue and len(calls) < MOST_TOGETHER:
                    calls.append(queue.popleft())
                    calls[-1].run(group, began)
                    began = self._watch(began)
        except Occupied:
            raise
        except Exception as error:
            failure = error
            calls = calls or [queue.popleft()]
        # What ends a group is the disk's matter, and may stall also where it fails.
        self._watch(began)
        for call in calls:
            call.settle(failure)
        return len(calls)

    def _watch(self, began: float) -> float:
        """Return what time it is now, and rest for a while if something took too long since it began."""
        now = monotonic()
        if now - began > STALL_SECONDS:
            self._rests_until = now + REST_SECONDS
        return now


class _Call(Generic[G]):
    """A call that waits for its turn."""

    __slots__ = ("_call", "_error", "_result", "arrived_at", "outcome")

    def __init__(self, call: Callable[[G], Any], loop: AbstractEventLoop) -> None:
        self._call, self.arrived_at = call, monotonic()
        self.outcome: Future[Any] = loop.create_future()
        self._result: Any = None
        self._error: Exception | None = None

    def run(self, group: G, now: float) -> None:
        """Run the call, unless nobody waits for it any more."""
        if self.outcome.done():
            return
        if now - self.arrived_at > LONGEST_WAIT_SECONDS:
            self._error = TemporarilyUnavailable("The request has waited for too long.", retry_after_seconds=5)
            return
        try:
            self._result = self._call(group)
        except Exception as raised:
            self._error = raised

    def settle(self, failure: Exception | None) -> None:
        """Tell whoever waits what came of it; a failure of the whole group goes before its result."""
        if self.outcome.done():
            return
        error = self._error or failure
        if error is None:
            self.outcome.set_result(self._result)
        else:
            self.outcome.set_exception(error)
