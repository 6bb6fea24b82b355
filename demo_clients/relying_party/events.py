"""Telling open pages at once that their session ended: server-sent events (HTML Living Standard, 9.2).

The browser reconnects by itself after `RETRY_MILLISECONDS`; a page whose session ended meanwhile, or whose server
was restarted, learns it from the first event of the new connection.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

SIGNED_OUT = "signed-out"
REPLACED = "replaced"
RETRY_MILLISECONDS = 1000
HEARTBEAT_SECONDS = 15.0
"""A comment now and then, so that dead connections are noticed and proxies do not close living ones."""
MAX_STREAMS = 3
"""Streams of one session. Browsers open six connections to a host: more tabs than that must not starve each other."""

_CLOSE = ""


class EventBroker:
    """Passes events on to the open pages of a session. For one event loop."""

    def __init__(self) -> None:
        self._queues: dict[str, list[asyncio.Queue[str]]] = defaultdict(list)

    @property
    def is_idle(self) -> bool:
        """Whether no page is listening."""
        return not self._queues

    def publish(self, session_id: str, event: str) -> None:
        """Send an event to all open pages of the session."""
        for queue in self._queues.get(session_id, ()):
            queue.put_nowait(event)

    def close(self) -> None:
        """End all streams, so that the server can stop."""
        for queues in self._queues.values():
            for queue in queues:
                queue.put_nowait(_CLOSE)

    async def stream(self, session_id: str, *, signed_in: bool) -> AsyncIterator[bytes]:
        """The body of a text/event-stream answer; ends after the first event."""
        yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
        if not signed_in:
            yield _encoded(SIGNED_OUT)
            return
        queue = self._subscribe(session_id)
        try:
            while (event := await _next_event(queue)) is None:
                yield b": still here\n\n"
            if event != _CLOSE:
                yield _encoded(event)
        finally:
            self._unsubscribe(session_id, queue)

    def _subscribe(self, session_id: str) -> asyncio.Queue[str]:
        queues = self._queues[session_id]
        if len(queues) >= MAX_STREAMS:
            queues[0].put_nowait(REPLACED)
            del queues[0]
        queue: asyncio.Queue[str] = asyncio.Queue()
        queues.append(queue)
        return queue

    def _unsubscribe(self, session_id: str, queue: asyncio.Queue[str]) -> None:
        remaining = [known for known in self._queues.get(session_id, ()) if known is not queue]
        if remaining:
            self._queues[session_id] = remaining
        else:
            self._queues.pop(session_id, None)


async def _next_event(queue: asyncio.Queue[str]) -> str | None:
    try:
        async with asyncio.timeout(HEARTBEAT_SECONDS):
            return await queue.get()
    except TimeoutError:
        return None


def _encoded(event: str) -> bytes:
    return f"event: {event}\ndata: {{}}\n\n".encode()
