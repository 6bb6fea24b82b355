"""Whether token requests wait for sign-ins: the same steady stream of code exchanges, alone and beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.client import Lane, send_lanes
from bench.material import Material
from bench.measuring import require
from bench.processes import Running

# Well below what one core can do, so that what is seen is waiting for someone else and not for one's own kind.
EXCHANGES_PER_SECOND = 40.0
# About half of one core's hashes.
SIGN_INS_PER_SECOND = 15.0


@dataclass(frozen=True, slots=True)
class Beside:
    """p50 and p99 of the code exchanges in ms, alone and beside sign-ins: medians over the rounds."""

    alone: tuple[float, float]
    beside: tuple[float, float]


def measure_beside(running: Running, material: Material, rounds: int, seconds: float) -> Beside:
    """Measure, alone and beside sign-ins in turn."""
    alone, beside = [], []
    for _ in range(rounds):
        alone.append(_stream(running, material, seconds, with_sign_ins=False))
        beside.append(_stream(running, material, seconds, with_sign_ins=True))
    return Beside(_medians(alone), _medians(beside))


def _stream(running: Running, material: Material, seconds: float, *, with_sign_ins: bool) -> tuple[float, float]:
    lanes = []
    if with_sign_ins:
        forms = material.sign_ins(max(1, int(SIGN_INS_PER_SECOND * seconds)))
        lanes.append(Lane(running.port, forms, connections=4, rate=SIGN_INS_PER_SECOND))
    exchanges = material.exchanges("RS256", max(2, int(EXCHANGES_PER_SECOND * seconds)))
    lanes.append(Lane(running.port, exchanges, rate=EXCHANGES_PER_SECOND))
    *sign_ins, stream = send_lanes(*lanes)
    for load in sign_ins:
        require(load, 303, "sign-ins")
    require(stream, 200, "code exchanges")
    return stream.percentile(0.5), stream.percentile(0.99)


def _medians(pairs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return median(p50 for p50, _ in pairs), median(p99 for _, p99 in pairs)
