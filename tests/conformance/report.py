"""The report of a run: JSON for machines, Markdown for people, and the page of the documentation."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from tests.conformance.expected import explain
from tests.conformance.results import OUTCOMES, PASSED, REVIEW, ModuleResult, variant_text


@dataclass(frozen=True, slots=True)
class Report:
    """The results of a run and what they were won with."""

    facts: Mapping[str, str]
    results: tuple[ModuleResult, ...]

    def as_json(self) -> dict[str, Any]:
        """Return a value that `json` can write."""
        return {"facts": dict(self.facts), "results": [result.as_json() for result in self.results]}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what `write_report` wrote."""
        value = json.loads(path.read_text())
        return cls(value["facts"], tuple(map(ModuleResult.from_json, value["results"])))

    def merged(self, later: "Report") -> "Report":
        """Return this report with what a later run found in place of the same modules' earlier results."""
        by_key = {result.key: result for result in self.results}
        by_key |= {result.key: result for result in later.results}
        if later.facts["provider"] == self.facts["provider"]:
            return Report(later.facts, tuple(by_key.values()))
        again = ", ".join(sorted({result.module for result in later.results}))
        provider = f"{self.facts['provider']}; {again} again at {later.facts['provider']}"
        return Report({**later.facts, "provider": provider}, tuple(by_key.values()))


def describe_surroundings(server: Mapping[str, Any], provider: str) -> dict[str, str]:
    """Return the suite's version and commit, ours, and the date."""
    return {
        "suite": f"{server.get('version')}, commit {server.get('revision')}",
        "provider": provider,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def write_report(report: Report, path: Path) -> None:
    """Write the report as Markdown to the path and as JSON beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix(".json").write_text(json.dumps(report.as_json(), indent=1) + "\n")
    path.write_text(render_report(report))


def render_report(report: Report) -> str:
    """Return every module of every plan with its result and the reason."""
    lines = ["# Conformance run", "", *_facts(report), "", *_overview(report.results)]
    for _, rows in _by_plan(report.results):
        lines += ["", f"## {_title(rows[0])}", "", "| Module | Variant | Result | Reason |", "|---|---|---|---|"]
        lines += [_row(result.module, variant_text(result.variant), result.outcome, result.reason) for result in rows]
    return "\n".join(lines) + "\n"


def render_document(report: Report) -> str:
    """Return the page of the documentation: what was run, the counts, and the reason of all that was not passed."""
    lines = [
        "<!-- Written by tests/conformance from a run; do not edit. -->",
        "",
        "# Conformance",
        "",
        "The OpenID Foundation's conformance suite against Signet, every page driven in a real browser",
        "([how to run it](../tests/conformance/README.md)). `REVIEW` is the suite's word for a module that passed and",
        "whose screenshot a person looks at. This is our own run, not a certification. The plans of logout and of",
        "sign-in begun elsewhere take one response type, which is `code` here.",
        "",
        *_facts(report),
        "",
        *_overview(report.results),
        *_meant(report.results),
        *_pictured(report.results),
    ]
    return "\n".join(lines) + "\n"


def _facts(report: Report) -> list[str]:
    facts = report.facts
    return [
        f"- Suite: {facts['suite']}",
        f"- Signet: {facts['provider']}",
        f"- Date: {facts['date']}",
    ]


def _overview(results: Sequence[ModuleResult]) -> Iterator[str]:
    counts = Counter(result.outcome for result in results)
    total = ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome])
    yield from (f"**{len(results)} modules: {total}.**", "")
    yield _row("Plan", "Variant", *OUTCOMES)
    yield "|---|---|" + "---:|" * len(OUTCOMES)
    for _, rows in _by_plan(results):
        plan_counts = Counter(result.outcome for result in rows)
        first = rows[0]
        yield _row(first.plan, variant_text(first.plan_variant), *(str(plan_counts[each] or "") for each in OUTCOMES))


def _meant(results: Sequence[ModuleResult]) -> Iterator[str]:
    found: dict[tuple[str, str, str], int] = {}
    for result in results:
        reason = explain(result)
        if result.outcome != PASSED and reason != "":
            key = (result.module, result.outcome, reason if reason is not None else result.reason)
            found[key] = found.get(key, 0) + 1
    if found:
        yield from (
            "",
            "## Not simply passed, and why",
            "",
            _row("Module", "Result", "Times", "Reason"),
            "|---|---|---:|---|",
        )
        yield from (_row(module, outcome, str(times), why) for (module, outcome, why), times in sorted(found.items()))


def _pictured(results: Sequence[ModuleResult]) -> Iterator[str]:
    found = Counter((result.module, "; ".join(result.notes)) for result in results if result.outcome == REVIEW)
    if found:
        yield from ("", "## Screenshots", "", _row("Module", "Times", "What it shows"), "|---|---:|---|")
        yield from (_row(module, str(times), notes) for (module, notes), times in sorted(found.items()))


def _by_plan(results: Iterable[ModuleResult]) -> Iterator[tuple[tuple[str, str], list[ModuleResult]]]:
    by_plan: dict[tuple[str, str], list[ModuleResult]] = {}
    for result in results:
        by_plan.setdefault((result.plan, variant_text(result.plan_variant)), []).append(result)
    yield from by_plan.items()


def _title(result: ModuleResult) -> str:
    variant = variant_text(result.plan_variant)
    return f"{result.plan} ({variant})" if variant else result.plan


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
