"""The load: prepared requests over keep-alive connections on loopback, one thread over `epoll`.

It costs some 15 µs of processor time a request, so it is not what is measured; how much it was is part of each `Load`.
Every request is sent once, and every answer is kept, for the next kind of request is often made from it.
"""

import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Answer = tuple[int, bytes]
"""Status, and all of the answer, head included."""

SILENCE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Lane:
    """Requests for one server. With a `rate` (per second) each is due at its own time, and waits of its own making
    count as latency; without one, each connection sends again as soon as it has been answered. An `endless` lane
    begins anew when it is through, and ends when all others have."""

    port: int
    requests: Sequence[bytes]
    connections: int = 16
    rate: float | None = None
    endless: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """What came back: the answers in the order of the requests (of an endless lane, in that of their coming), in how
    many seconds, each one's latency in ms, sorted, and the client's own processor time in seconds."""

    answers: list[Answer]
    seconds: float
    latencies: list[float]
    client_seconds: float

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.answers) / self.seconds

    def percentile(self, share: float) -> float:
        """Return the latency, in ms, within which this share of the requests was answered."""
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))]


def request(method: str, path: str, host: str, *, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """Return the bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", f"host: {host}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines += ["content-type: application/x-www-form-urlencoded", f"content-length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def send_all(port: int, requests: Sequence[bytes], connections: int = 16) -> Load:
    """Send every request once over so many connections at a time. Raises `OSError`."""
    return send_lanes(Lane(port, requests, connections))[0]


def send_lanes(*lanes: Lane) -> list[Load]:
    """Send several lanes beside each other. Raises `OSError` when a connection breaks or nobody answers."""
    began, cpu = time.perf_counter(), time.process_time()
    poll = select.epoll()
    running = [_Running(lane, poll, began) for lane in lanes]
    connections = {connection.fd: connection for lane in running for connection in lane.connections}
    try:
        while not all(lane.is_over for lane in running):
            wait = min(lane.send_what_is_due() for lane in running)
            events = poll.poll(wait)
            if not events and wait == SILENCE_SECONDS:
                raise TimeoutError(f"no answer within {SILENCE_SECONDS:.0f} s")
            for fd, _ in events:
                connections[fd].receive()
    finally:
        for connection in connections.values():
            connection.close()
        poll.close()
    spent = time.process_time() - cpu
    return [lane.load(spent) for lane in running]


class _Running:
    """A lane under way."""

    def __init__(self, lane: Lane, poll: select.epoll, began: float) -> None:
        self._lane, self._began, self._ended = lane, began, began
        self._numbers = self._count()
        self._answers: dict[int, Answer] = {}
        self._latencies: list[float] = []
        count = lane.connections if lane.endless else min(lane.connections, len(lane.requests))
        self.connections = [_Connection(self, lane.port, poll) for _ in range(count)]
        self._idle = list(self.connections)
        self._next: int | None = next(self._numbers, None)

    def _count(self) -> Iterator[int]:
        number = 0
        while self._lane.endless or number < len(self._lane.requests):
            yield number
            number += 1

    @property
    def is_over(self) -> bool:
        """Whether nothing more has to be waited for."""
        return self._lane.endless or len(self._answers) == len(self._lane.requests)

    def send_what_is_due(self) -> float:
        """Send, and return for how many seconds nothing more is due."""
        while self._idle and self._next is not None:
            now = time.perf_counter()
            due = self._began + self._next / self._lane.rate if self._lane.rate else now
            if due > now:
                return due - now
            self._idle.pop().send(self._next, self._lane.requests[self._next % len(self._lane.requests)], due)
            self._next = next(self._numbers, None)
        return SILENCE_SECONDS

    def take(self, connection: "_Connection", number: int, answer: bytes, began: float) -> None:
        """Keep an answer; its connection is free again."""
        self._ended = time.perf_counter()
        self._latencies.append((self._ended - began) * 1000)
        self._answers[number] = int(answer[9:12]), answer
        self._idle.append(connection)

    def load(self, client_seconds: float) -> Load:
        """Return what there is."""
        answers = [self._answers[number] for number in sorted(self._answers)]
        return Load(answers, self._ended - self._began, sorted(self._latencies), client_seconds)


@dataclass(slots=True)
class _Connection:
    lane: _Running
    port: int
    poll: select.epoll
    fd: int = 0
    _number: int = 0
    _began: float = 0.0
    _received: bytes = b""
    _socket: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self.port), timeout=5)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.fd = self._socket.fileno()
        self.poll.register(self.fd, select.EPOLLIN)

    def send(self, number: int, raw: bytes, began: float) -> None:
        self._number, self._began, self._received = number, began, b""
        self._socket.sendall(raw)

    def receive(self) -> None:
        part = self._socket.recv(262_144)
        if not part:
            raise ConnectionError(f"the server closed a connection instead of answering; so far: {self._received!r}")
        self._received += part
        if _is_whole(self._received):
            self.lane.take(self, self._number, self._received, self._began)

    def close(self) -> None:
        self._socket.close()


def _is_whole(received: bytes) -> bool:
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = received[:end].lower()
    at = head.find(b"\r\ncontent-length:")
    # No answer that is measured is sent in chunks.
    length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
    return len(received) >= end + 4 + length
