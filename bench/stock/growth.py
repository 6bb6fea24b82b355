"""The same work with few accounts and with many, in turn: how much dearer and slower the many make it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.limits import cost_us
from bench.material import Material
from bench.measuring import Limit, Sample, Seen, Work, measure, middle, spread
from bench.processes import Running
from bench.provider import empty_place
from bench.run import Tell
from bench.stock.filling import TOKENS_EACH, filled_in
from bench.table import row
from bench.works import signatures
from tests.postgresql import Server

# What the goal allows, as a factor.
MOST = 1.15
# So few that waiting for one another is not what is measured.
CONNECTIONS = 2
FIGURES: tuple[tuple[str, Callable[[Sample], float], int], ...] = (
    ("CPU µs", lambda sample: sample.cpu_us + sample.database_us, 0),
    ("p50 ms", lambda sample: sample.p50_ms, 1),
    ("p99 ms", lambda sample: sample.p99_ms, 1),
)


def growth(folder: Path, server: Server | None, sizes: tuple[int, int], rounds: int, tell: Tell) -> Iterator[str]:
    """Measure with both sizes of stock, and yield the lines of a table."""
    with ExitStack() as opened:
        works: dict[int, list[Work]] = {}
        for size in sizes:
            place = opened.enter_context(empty_place(folder, server))
            place, seconds = filled_in(place, size)
            tell(f"{size} accounts and {size * TOKENS_EACH} refresh tokens in {seconds:.0f} s")
            running = opened.enter_context(place.served())
            works[size] = [*_works(running, Material(place), size)]
        in_turn = [work for pair in zip(*works.values(), strict=True) for work in pair]
        seen = measure(in_turn, rounds, 1.0, tell)
    yield from _table([work.group for work in works[sizes[0]]], seen, sizes)


def _works(running: Running, material: Material, size: int) -> Iterator[Work]:
    exchange = Work(
        name="",
        group="code exchange RS256",
        running=running,
        requests=partial(material.exchanges, "RS256"),
        limit=signatures(2, "RS256"),
        count=300,
        note="",
        connections=CONNECTIONS,
    )
    works = (
        exchange,
        replace(exchange, group="refresh RS256", requests=partial(material.refreshes, "RS256")),
        replace(exchange, group="introspection", requests=material.introspections, count=600),
        replace(
            exchange,
            group="sign-in by password",
            requests=material.sign_ins,
            limit=Limit("Argon2id", lambda: cost_us("Argon2id")),
            count=50,
            expect=303,
        ),
    )
    for work in works:
        yield replace(work, name=_name(work.group, size))


def _name(what: str, size: int) -> str:
    return f"{what}, {size:,} accounts"


def _table(kinds: list[str], seen: Seen, sizes: tuple[int, int]) -> Iterator[str]:
    few, many = sizes
    yield row(["work", *(f"{figure}: {few:,} → {many:,} accounts" for figure, _, _ in FIGURES), "within 15 %"])
    yield row(["---"] * (len(FIGURES) + 2))
    for kind in kinds:
        one, other = seen[_name(kind, few)], seen[_name(kind, many)]
        growths = [middle(other, value) / middle(one, value) for _, value, _ in FIGURES]
        cells = [
            f"{spread(one, value, digits)} → {spread(other, value, digits)}, {growth - 1:+.0%}"
            for (_, value, digits), growth in zip(FIGURES, growths, strict=True)
        ]
        yield row([kind, *cells, "yes" if max(growths) <= MOST else "no"])
