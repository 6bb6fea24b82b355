"""`python -m tests.conformance`: run the plans against a running suite and report."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.conformance.campaign import Campaign, run_campaign
from tests.conformance.expected import unexplained
from tests.conformance.surroundings import MissingSurroundings, read_surroundings

_REPORT = Path(".signet/conformance/report.md")
_MODULE_SECONDS = 240.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; return 0 if all that did not pass is explained, 1 otherwise, 2 for wrong use."""
    wishes = _parser().parse_args(arguments)
    try:
        campaign = Campaign(
            surroundings=read_surroundings(),
            plans=wishes.plan,
            module_filter=wishes.module,
            registration=wishes.registration,
            revision=wishes.commit,
            report=wishes.report,
            jobs=wishes.jobs,
            module_seconds=wishes.module_seconds,
        )
        results = run_campaign(campaign)
    except (MissingSurroundings, ValueError) as fault:
        print(f"{fault}; see tests/conformance/README.md", file=sys.stderr)
        return 2
    left = unexplained(results)
    for result in left:
        print(f"not explained: {result.outcome} {result.module} {result.reason}", file=sys.stderr)
    return 1 if left or not results else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--plan", nargs="+", default=[], help="plans to run, by the suite's name or the short one")
    parser.add_argument("--module", default="", metavar="SUBSTRING", help="only modules whose name has this in it")
    parser.add_argument("--registration", choices=("static", "dynamic"), help="dynamic where the provider offers it")
    parser.add_argument("--commit", metavar="REVISION", help="run that commit's provider, not the working tree's")
    parser.add_argument("--report", type=Path, default=_REPORT, help=f"where the report goes; {_REPORT}")
    parser.add_argument("--jobs", type=int, default=1, help="plans that run at the same time; 1")
    parser.add_argument("--module-seconds", type=float, default=_MODULE_SECONDS, help="time-out of one module")
    return parser


if __name__ == "__main__":
    sys.exit(main())
