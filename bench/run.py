"""One run: servers up, everything measured in turn, servers down."""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.beside import Beside, measure_beside
from bench.limits import MAKERS, cost_us
from bench.material import Material
from bench.measuring import Seen, Work, measure
from bench.peer import Peer, running_peer
from bench.processes import Running, free_port, running
from bench.provider import Place, database_server, empty_place, filled_place
from bench.stock.filling import stocked
from bench.works import all_works, bare_route, of_workers
from tests.postgresql import Server

Tell = Callable[[str], None]
# What is used for a moment only has gone back to the system by then.
AFTER_SECONDS = 22.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure and how long. `only` names groups of works, all if empty; `scale` shortens the batches; `beside`
    is how many seconds a stream beside sign-ins lasts, 0 for none; `stock` is how many accounts there are already, with
    five refresh tokens each."""

    storage: str = "sqlite"
    only: tuple[str, ...] = ()
    rounds: int = 7
    scale: float = 1.0
    workers: int = 2
    peer: bool = False
    starts: int = 5
    beside: float = 5.0
    stock: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """What a server takes for being there: seconds from start to first answer, and MB after start and after the run."""

    name: str
    ready_seconds: tuple[float, ...]
    megabytes: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a run saw. `limits` are in µs, by name."""

    plan: Plan
    seconds: float
    works: tuple[Work, ...]
    seen: Seen
    limits: dict[str, float]
    presences: tuple[Presence, ...]
    beside: Beside | None


def run(plan: Plan, tell: Tell) -> Report:
    """Measure. Raises `SystemExit` when a server or an answer is not as it should be."""
    began = time.monotonic()
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        server = opened.enter_context(database_server(plan.storage))
        place = opened.enter_context(_place(folder, server, plan, tell))
        ready = _starts(place, plan.starts, tell)
        ours = opened.enter_context(place.served())
        bare = opened.enter_context(_bare(folder))
        peer = opened.enter_context(running_peer(folder)) if plan.peer else None
        material = Material(place)
        works = [*all_works(ours, material, bare, peer)]
        if plan.workers > 1 and _is_wanted("workers", plan):
            other = opened.enter_context(_place(folder, server, plan, tell))
            several = opened.enter_context(other.served(plan.workers))
            works += of_workers(ours, several, plan.workers, (material, Material(other)))
        works = [work for work in works if _is_wanted(work.group, plan)]
        idle = [server.megabytes() for server in _present(ours, peer)]
        seen = measure(works, plan.rounds, plan.scale, tell)
        time.sleep(AFTER_SECONDS)
        after = [server.megabytes() for server in _present(ours, peer)]
        beside = None
        if plan.beside and _is_wanted("sign-in", plan):
            tell("code exchanges beside sign-ins")
            beside = measure_beside(ours, material, max(1, plan.rounds // 2), plan.beside)
        readies = [(*ready, ours.ready_seconds), *([(peer.running.ready_seconds,)] if peer else [])]
        presences = tuple(
            Presence(name=name, ready_seconds=seconds, megabytes=(before, then))
            for name, seconds, before, then in zip(("one worker", "peer"), readies, idle, after, strict=False)
        )
        limits = {name: cost_us(name) for name in MAKERS} | {"bare route": bare_route(bare).cost_us()}
    return Report(
        plan=plan,
        seconds=time.monotonic() - began,
        works=tuple(works),
        seen=seen,
        limits=limits,
        presences=presences,
        beside=beside,
    )


def _present(ours: Running, peer: Peer | None) -> list[Running]:
    return [ours, *([peer.running] if peer else [])]


def _is_wanted(group: str, plan: Plan) -> bool:
    return not plan.only or group in plan.only


def _starts(place: Place, count: int, tell: Tell) -> tuple[float, ...]:
    """Return how long each of several starts took. The first one also makes the keys, and is not counted."""
    if not count:
        return ()
    tell("starting")
    taken = []
    for _ in range(count + 1):
        with place.served() as provider:
            taken.append(provider.ready_seconds)
    tell(f"  ready in {median(taken[1:]):.2f} s")
    return tuple(taken[1:])


@contextmanager
def _place(folder: Path, server: Server | None, plan: Plan, tell: Tell) -> Iterator[Place]:
    if not plan.stock:
        with filled_place(folder, server) as place:
            yield place
        return
    tell(f"making {plan.stock} accounts")
    with empty_place(folder, server) as place:
        yield stocked(place, plan.stock)


@contextmanager
def _bare(folder: Path) -> Iterator[Running]:
    port = free_port()
    with running([sys.executable, "-m", "bench.bare", str(port)], port, "/bare", folder) as bare:
        yield bare
