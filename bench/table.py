"""The report as Markdown."""

from collections.abc import Iterator, Sequence
from statistics import median

from bench.goals import goals
from bench.measuring import Sample, middle, spread
from bench.run import Report


def render(report: Report, machine: str) -> str:
    """Return the report; `machine` says in a line where it was made."""
    plan = report.plan
    parts = [
        f"{machine} Storage of the provider: {plan.storage}; {plan.rounds} rounds, {report.seconds / 60:.0f} minutes.",
        "Limits at the end, µs a core: "
        + ", ".join(f"{name} {cost:.0f}" for name, cost in report.limits.items())
        + ".",
        "\n".join(_works(report)),
        "\n".join(_presences(report)),
    ]
    if report.beside:
        (p50, p99), (p50_beside, p99_beside) = report.beside.alone, report.beside.beside
        parts.append(
            f"A steady stream of code exchanges: p50 {p50:.1f} ms, p99 {p99:.1f} ms alone; beside a steady stream of "
            f"sign-ins p50 {p50_beside:.1f} ms, p99 {p99_beside:.1f} ms."
        )
    parts.append("\n".join(_goals(report)))
    return "\n\n".join(part for part in parts if part) + "\n"


def _works(report: Report) -> Iterator[str]:
    has_database = any(sample.database_us for samples in report.seen.values() for sample in samples)
    head = ["work", "limit", "share of the limit", "CPU µs a request", "a CPU second"]
    head += ["database µs"] if has_database else []
    head += ["a second", "p50 ms", "p99 ms", "client µs", "what it does"]
    yield row(head)
    yield row(["---"] * len(head))
    for work in report.works:
        samples = report.seen[work.name]
        cells = [work.name, work.limit.name, spread(samples, lambda s: s.share, 2), spread(samples, _cpu, 0)]
        cells.append(f"{1e6 / middle(samples, _cpu):.0f}")
        if has_database:
            cells.append(f"{middle(samples, lambda s: s.database_us):.0f}")
        cells.append(spread(samples, lambda s: s.rate, 0))
        cells += [f"{middle(samples, lambda s: s.p50_ms):.1f}", f"{middle(samples, lambda s: s.p99_ms):.1f}"]
        cells.append(f"{middle(samples, lambda s: s.client_us):.0f}")
        yield row([*cells, work.note])


def _cpu(sample: Sample) -> float:
    return sample.cpu_us


def _presences(report: Report) -> Iterator[str]:
    yield row(["server", "start to first answer, s", "MB after start", "MB soon after the run"])
    yield row(["---"] * 4)
    for presence in report.presences:
        taken = presence.ready_seconds
        start = f"{median(taken):.2f} ({min(taken):.2f}–{max(taken):.2f})"
        yield row([presence.name, start, *(f"{megabytes:.0f}" for megabytes in presence.megabytes)])


def _goals(report: Report) -> Iterator[str]:
    yield row(["goal", "seen", "met"])
    yield row(["---"] * 3)
    for goal in goals(report):
        yield row([goal.text, goal.seen, "yes" if goal.is_met else "no"])


def row(cells: Sequence[str]) -> str:
    """Return a row of a table."""
    return "| " + " | ".join(cells) + " |"
