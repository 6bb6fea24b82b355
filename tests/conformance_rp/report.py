"""The report of a run: Markdown for people, JSON for machines."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.conformance_rp.results import ModuleResult


def write_report(server: Mapping[str, Any], results: Sequence[ModuleResult], path: Path) -> None:
    """Write the table to the path, and the same as JSON beside it."""
    suite = f"{server.get('version')}, revision {server.get('revision')}"
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"suite": suite, "results": [asdict(result) for result in results]}
    path.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    counts = ", ".join(f"{count} {outcome}" for outcome, count in Counter(each.outcome for each in results).items())
    lines = [
        "# The Shop against the conformance suite",
        "",
        f"Suite {suite}. {len(results)} modules: {counts}.",
        "",
        "| Plan | Module | Result | Reason |",
        "|---|---|---|---|",
        *(_row(each.plan, each.module, each.outcome, each.reason) for each in results),
    ]
    path.write_text("\n".join(lines) + "\n")


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
