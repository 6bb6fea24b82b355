"""A client that costs little: prepared requests over kept connections, as many a second as asked for."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
TICK_SECONDS = 0.01
# Beyond it nothing is waited for.
PATIENCE_SECONDS = 30.0
# The provider closes what was idle for 5 s; to send just then would be lost, as every client of HTTP/1.1 has to know.
KEPT_SECONDS = 3.0
# A request that was broken off, or never answered.
CUT = 0


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer: its status, when it was asked for, how long it took (seconds), all that came."""

    status: int
    at: float
    seconds: float
    raw: bytes

    @property
    def is_refusal(self) -> bool:
        """Tell whether it says that there is too much to do, and when to come again."""
        return self.status in {429, 503} and b"\r\nretry-after: " in self.raw.lower()


class Line(asyncio.Protocol):
    """One connection that asks for one thing at a time."""

    def __init__(self) -> None:
        self._found = b""
        self._waiting: asyncio.Future[bytes] | None = None
        self.transport: Any = None
        self.is_open, self.used_at = False, 0.0

    def connection_made(self, transport: Any) -> None:
        self.transport, self.is_open = transport, True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self._end(b"")

    def data_received(self, data: bytes) -> None:
        self._found += data
        head, blank, body = self._found.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if blank and len(body) >= (int(length[1]) if length else 0):
            if b"\r\nconnection: close" in head.lower():
                self.is_open = False
                self.transport.close()
            self._end(self._found)

    def _end(self, found: bytes) -> None:
        waiting, self._waiting, self._found = self._waiting, None, b""
        if waiting is not None and not waiting.done():
            waiting.set_result(found)

    async def ask(self, raw: bytes) -> Answered:
        """Send a request and wait for its answer."""
        began = time.monotonic()
        self._waiting = waiting = asyncio.get_running_loop().create_future()
        self.transport.write(raw)
        try:
            found = await asyncio.wait_for(waiting, PATIENCE_SECONDS)
        except TimeoutError:
            self.transport.abort()
            found = b""
        self.used_at = time.monotonic()
        return Answered(int(found[9:12]) if found else CUT, began, self.used_at - began, found)

    @property
    def is_fresh(self) -> bool:
        """Tell whether another request may be sent on it."""
        return self.is_open and time.monotonic() - self.used_at < KEPT_SECONDS


async def connect(port: int) -> Line:
    """Return a new connection. Raises OSError."""
    _, line = await asyncio.get_running_loop().create_connection(Line, "127.0.0.1", port)
    return line


async def ask_once(port: int, raw: bytes) -> Answered:
    """Ask on a connection of its own."""
    began = time.monotonic()
    try:
        line = await connect(port)
    except OSError:
        return Answered(CUT, began, time.monotonic() - began, b"")
    answer = await line.ask(raw)
    line.transport.close()
    return answer


@dataclass
class Stream:
    """Requests at a fixed rate, whether or not the answers keep up, over at most `most` connections."""

    port: int
    raw: bytes
    most: int = 900
    answers: list[Answered] = field(default_factory=list)
    # What should have been sent while every connection waited for an answer.
    held_back: int = 0

    def __post_init__(self) -> None:
        """Nothing is connected yet."""
        self._idle: list[Line] = []
        self._count = 0

    async def run(self, rate: float, seconds: float) -> None:
        """Send so many a second for so long, and wait for the last answer."""
        began, sent = time.monotonic(), 0
        tasks: set[asyncio.Task[None]] = set()
        while (passed := time.monotonic() - began) < seconds:
            while sent < passed * rate:
                sent += 1
                line = self._idle.pop() if self._idle else None
                if line is None and self._count >= self.most:
                    self.held_back += 1
                    continue
                self._count += line is None
                task = asyncio.create_task(self._ask(line))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await asyncio.sleep(TICK_SECONDS)
        await asyncio.gather(*tasks)
        for line in self._idle:
            line.transport.close()

    async def _ask(self, line: Line | None) -> None:
        if line is None or not line.is_fresh:
            if line is not None:
                line.transport.close()
            try:
                line = await connect(self.port)
            except OSError:
                self._count -= 1
                self.answers.append(Answered(CUT, time.monotonic(), 0, b""))
                return
        self.answers.append(await line.ask(self.raw))
        if line.is_open:
            self._idle.append(line)
        else:
            self._count -= 1


def percentile(answers: Sequence[Answered], share: float = 0.99) -> float:
    """Return how long the answers took, in milliseconds."""
    found = sorted(answer.seconds for answer in answers)
    return found[min(len(found) - 1, int(share * len(found)))] * 1000 if found else float("nan")


def statuses(answers: Sequence[Answered]) -> str:
    """Return how many answers have which status, as one line."""
    found = Counter(answer.status for answer in answers)
    return ", ".join(f"{number} x {status or 'cut off'}" for status, number in sorted(found.items()))
