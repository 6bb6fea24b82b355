"""`python -m tests.overload [sign-ins|memory|flood|slow|steady]...`: all of them without a name."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.overload import scenarios
from tests.overload.provider import Served, provider

SCENARIOS: dict[str, tuple[Callable[[Served], Awaitable[None]], dict[str, Any]]] = {
    "sign-ins": (scenarios.sign_ins, {}),
    "memory": (scenarios.sign_ins, {"megabytes": 512}),
    "flood": (scenarios.flood, {}),
    "slow": (scenarios.slow, {}),
    "steady": (scenarios.steady, {}),
}


def main() -> None:
    """Run the scenarios, each against a fresh provider."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(SCENARIOS))
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    if unknown := set(options.names) - set(SCENARIOS):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    for name in options.names or SCENARIOS:
        scenario, bounds = SCENARIOS[name]
        print(f"{name}: {(scenario.__doc__ or '').partition('.')[0]}", flush=True)
        with provider(workers=options.workers, **bounds) as served:
            asyncio.run(scenario(served))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
