"""`python -m tests.overload [sign-ins|memory|killed|flood|slow|steady]...`: all of them without a name."""

import argparse
import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from tests.overload import scenarios
from tests.overload.provider import provider

SCENARIOS: dict[str, tuple[Callable[..., Coroutine[Any, Any, None]], dict[str, Any]]] = {
    "sign-ins": (scenarios.sign_ins, {}),
    "memory": (scenarios.sign_ins, {"megabytes": 512}),
    "killed": (scenarios.killed, {"workers": 2}),
    "flood": (scenarios.flood, {}),
    "slow": (scenarios.slow, {}),
    "steady": (scenarios.steady, {}),
}

LASTING = {"flood", "slow", "steady"}


def main() -> None:
    """Run the scenarios, each against a fresh provider."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(SCENARIOS))
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="how long flood, slow and steady go on: 60, 30 and 600")
    options = parser.parse_args()
    if unknown := set(options.names) - set(SCENARIOS):
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    lasting = () if options.seconds is None else (options.seconds,)
    for name in options.names or SCENARIOS:
        scenario, bounds = SCENARIOS[name]
        print(f"{name}: {(scenario.__doc__ or '').partition('.')[0]}", flush=True)
        with provider(**{"workers": options.workers} | bounds) as served:
            asyncio.run(scenario(served, *lasting) if name in LASTING else scenario(served))


if __name__ == "__main__":
    main()
