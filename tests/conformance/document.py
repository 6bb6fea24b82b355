"""`python -m tests.conformance.document RUN.json...`: the documentation's page from one or several runs."""

import sys
from collections.abc import Sequence
from functools import reduce
from pathlib import Path

from tests.conformance.report import Report, render_document


def main(paths: Sequence[str] | None = None) -> int:
    """Print the page for the runs' JSON files; return 2 without any."""
    names = sys.argv[1:] if paths is None else paths
    if not names:
        print(__doc__, file=sys.stderr)
        return 2
    reports = [Report.read(Path(name)) for name in names]
    sys.stdout.write(render_document(reduce(Report.merged, reports)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
