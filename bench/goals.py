"""The goals, what was seen of each, and whether it was met. Nobody's test depends on them: machines are noisy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

from bench.measuring import Sample, middle, ratios
from bench.run import Report
from bench.works import workers_name

MOST_MEGABYTES, MOST_READY_SECONDS = 90.0, 1.0
# What is unhurt still differs from one time to the next.
UNHURT = 1.15


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal and what was seen of it."""

    text: str
    seen: str
    is_met: bool


def goals(report: Report) -> Iterator[Goal]:
    """Yield the goals of which the run saw something."""
    yield from _shares(report)
    yield from _algorithms(report)
    yield from _workers(report)
    yield from _beside(report)
    yield from _peer(report)
    yield from _presence(report)


def _shares(report: Report) -> Iterator[Goal]:
    durable = 0.6 if report.plan.storage == "sqlite" else 0.5
    wanted = (
        ("code exchange RS256", durable, "two signatures"),
        ("refresh RS256", durable, "two signatures"),
        ("sign-in by password", 0.85, "Argon2id"),
        ("discovery", 0.5, "a bare route"),
        ("JWKS", 0.5, "a bare route"),
        ("UserInfo", 0.25, "a bare route"),
        ("introspection", 0.25, "a bare route"),
    )
    for name, least, limit in wanted:
        samples = report.seen.get(name)
        if samples:
            share = middle(samples, lambda sample: sample.share)
            yield Goal(f"{name}: ≥ {least:.2f} of {limit}", f"{share:.2f}", share >= least)


def _algorithms(report: Report) -> Iterator[Goal]:
    for what in ("code exchange", "refresh", "client credentials"):
        text = f"{what}, ES256: ≥ 2 times the rate of RS256"
        yield from _quotient(report, text, f"{what} RS256", f"{what} ES256", _cost, 2.0)


def _workers(report: Report) -> Iterator[Goal]:
    count = report.plan.workers
    text = f"{count} workers: ≥ {0.9 * count:.1f} times one"
    yield from _quotient(report, text, workers_name(count), workers_name(1), lambda sample: sample.rate, 0.9 * count)


def _peer(report: Report) -> Iterator[Goal]:
    for name in report.seen:
        first, comma, rest = name.partition(", peer")
        if comma and first in report.seen:
            text = f"{first}: ≥ 1 times the peer's rate a core{rest.replace(', ', ', its tokens ')}"
            yield from _quotient(report, text, name, first, _cost, 1.0)


def _cost(sample: Sample) -> float:
    return sample.cpu_us


def _quotient(
    report: Report, text: str, over: str, under: str, value: Callable[[Sample], float], least: float
) -> Iterator[Goal]:
    if report.seen.get(over) and report.seen.get(under):
        middle_one, low, high = ratios(report.seen[over], report.seen[under], value)
        yield Goal(text, f"{middle_one:.2f} ({low:.2f}–{high:.2f})", middle_one >= least)


def _beside(report: Report) -> Iterator[Goal]:
    if report.beside:
        alone, beside = report.beside.alone[1], report.beside.beside[1]
        seen = f"{alone:.1f} ms alone, {beside:.1f} ms beside them"
        yield Goal("code exchange: p99 unhurt by sign-ins", seen, beside <= UNHURT * alone)


def _presence(report: Report) -> Iterator[Goal]:
    for presence in report.presences:
        if presence.name == "one worker":
            ready, most = median(presence.ready_seconds), max(presence.megabytes)
            yield Goal(f"ready in < {MOST_READY_SECONDS:.0f} s", f"{ready:.2f} s", ready < MOST_READY_SECONDS)
            yield Goal(f"memory ≤ {MOST_MEGABYTES:.0f} MB", f"{most:.0f} MB", most <= MOST_MEGABYTES)
