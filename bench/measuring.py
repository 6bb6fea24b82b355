"""Batches, in turn and several times: what each request cost, beside what the machine could do at that moment."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.client import Load, send_all
from bench.processes import Running

# How many batches warm up; Node.js compiles what has run for a while.
WARMING = 3


@dataclass(frozen=True, slots=True)
class Limit:
    """What a request costs at the least: its name, and what it costs now, in µs of processor time."""

    name: str
    cost_us: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One kind of request. `requests(count)` prepares a batch; `count` is how many make a batch; `note` says what a
    request comes down to."""

    name: str
    group: str
    running: Running
    requests: Callable[[int], Sequence[bytes]]
    limit: Limit
    count: int
    note: str
    expect: int = 200
    connections: int = 16


@dataclass(frozen=True, slots=True)
class Sample:
    """One batch. `cpu_us` is the server's processor time for one request, `limit_us` that of the limit, both of the
    same seconds; `database_us` is that of the database's own processes; the rate is of the clock on the wall."""

    cpu_us: float
    database_us: float
    limit_us: float
    rate: float
    p50_ms: float
    p99_ms: float
    client_us: float

    @property
    def share(self) -> float:
        """Which part of the processor's time goes into what cannot be done without."""
        return self.limit_us / self.cpu_us


Seen = Mapping[str, Sequence[Sample]]
"""By the name of the work: a sample of each round."""


def measure(works: Iterable[Work], rounds: int, scale: float, tell: Callable[[str], None]) -> Seen:
    """Measure all works in turn, so many times, after a round that only warms up. `scale` shortens the batches. Raises
    `SystemExit` for an answer that is not the one expected."""
    works = list(works)
    seen: dict[str, list[Sample]] = {work.name: [] for work in works}
    for number in range(rounds + 1):
        tell(f"round {number} of {rounds}" if number else "warming up")
        for work in works:
            sample = take(work, max(2, int(work.count * scale)) * (1 if number else WARMING))
            if number:
                seen[work.name].append(sample)
                tell(f"  {work.name}: {sample.share:.2f} of the limit, {sample.cpu_us:.0f} µs")
    return seen


def take(work: Work, count: int) -> Sample:
    """Measure one batch."""
    requests = work.requests(count)
    limit = work.limit.cost_us()
    cpu, database = work.running.cpu_seconds(), work.running.database_cpu_seconds()
    load = send_all(work.running.port, requests, work.connections)
    cpu, database = work.running.cpu_seconds() - cpu, work.running.database_cpu_seconds() - database
    limit = (limit + work.limit.cost_us()) / 2
    require(load, work.expect, work.name)
    each = 1e6 / count
    return Sample(
        cpu_us=cpu * each,
        database_us=database * each,
        limit_us=limit,
        rate=load.rate,
        p50_ms=load.percentile(0.5),
        p99_ms=load.percentile(0.99),
        client_us=load.client_seconds * each,
    )


def require(load: Load, status: int, name: str) -> None:
    """Raises `SystemExit` unless all answers have the status: what went wrong says nothing about speed."""
    wrong = [answer for answer in load.answers if answer[0] != status]
    if wrong:
        raise SystemExit(f"{name}: {len(wrong)} answers were not {status}; the first: {wrong[0][1][:600]!r}")


def middle(samples: Iterable[Sample], value: Callable[[Sample], float]) -> float:
    """Return the median of a value."""
    return median(map(value, samples))


def spread(samples: Sequence[Sample], value: Callable[[Sample], float], digits: int) -> str:
    """Return median, least and greatest as text."""
    values = [value(sample) for sample in samples]
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"


def ratios(
    over: Sequence[Sample], under: Sequence[Sample], value: Callable[[Sample], float]
) -> tuple[float, float, float]:
    """Return median, least and greatest of the quotients of two works, each of the same round."""
    quotients = [value(one) / value(other) for one, other in zip(over, under, strict=True)]
    return median(quotients), min(quotients), max(quotients)
