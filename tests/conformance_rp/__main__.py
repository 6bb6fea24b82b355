"""`python -m tests.conformance_rp`: run the plans against a running suite and report."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.conformance_rp.plans import PLANS
from tests.conformance_rp.report import write_report
from tests.conformance_rp.results import ModuleResult
from tests.conformance_rp.runner import Runner
from tests.conformance_rp.suite import Suite
from tests.conformance_rp.surroundings import MissingSurroundings, read_surroundings

_REPORT = Path(".signet/conformance_rp/report.md")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; return 0 if all is as it is meant, 1 otherwise, 2 for wrong use."""
    wishes = _parser().parse_args(arguments)
    try:
        surroundings = read_surroundings()
    except MissingSurroundings as fault:
        print(f"{fault}; see tests/conformance_rp/README.md", file=sys.stderr)
        return 2
    wishes.report.parent.mkdir(parents=True, exist_ok=True)
    results: list[ModuleResult] = []
    with Suite(surroundings) as suite:
        runner = Runner(surroundings, suite, wishes.report.parent)
        for planned in PLANS:
            if planned.short not in wishes.plan:
                continue
            for result in runner.run(planned, wishes.module):
                print(f"{result.outcome:11} {result.plan} {result.module}: {result.reason}", flush=True)
                results.append(result)
        write_report(suite.server(), results, wishes.report)
    return 0 if results and all(result.is_meant for result in results) else 1


def _parser() -> argparse.ArgumentParser:
    names = [planned.short for planned in PLANS]
    parser = argparse.ArgumentParser(prog="python -m tests.conformance_rp", description=__doc__)
    parser.add_argument("--plan", nargs="+", choices=names, default=names, help="plans to run; all")
    parser.add_argument("--module", default="", metavar="SUBSTRING", help="only modules whose name has this in it")
    parser.add_argument("--report", type=Path, default=_REPORT, help=f"where the report goes; {_REPORT}")
    return parser


if __name__ == "__main__":
    sys.exit(main())
