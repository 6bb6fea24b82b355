"""What may stand in a report and why: every result that is not simply passed has a reason here, or the run fails."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.conformance.results import PASSED, REVIEW, SKIPPED, WARNING, ModuleResult
from tests.conformance.suite import ALL_MODULES


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """A result that is meant; `condition` is the one whose warning is explained (a skip has none)."""

    module: str
    outcome: str
    reason: str
    condition: str = ""


EXPECTED: Sequence[Expectation] = ()


def explain(result: ModuleResult) -> str | None:
    """Return why the result is as it should be, "" for one that needs no reason, None for one that has none."""
    if result.outcome in {PASSED, REVIEW}:
        return ""
    meant = [each for each in EXPECTED if fnmatchcase(result.module, each.module) and each.outcome == result.outcome]
    if result.outcome == SKIPPED and result.module == ALL_MODULES.name:
        return result.reason
    if result.outcome == SKIPPED and meant:
        return meant[0].reason
    if result.outcome == WARNING:
        return _explain_warnings(result, meant)
    return None


def unexplained(results: Iterable[ModuleResult]) -> list[ModuleResult]:
    """Return the results that fail a run."""
    return [result for result in results if explain(result) is None]


def _explain_warnings(result: ModuleResult, meant: Sequence[Expectation]) -> str | None:
    reasons = {each.condition: each.reason for each in meant}
    if not result.findings or any(finding.condition not in reasons for finding in result.findings):
        return None
    return " ".join(dict.fromkeys(reasons[finding.condition] for finding in result.findings))
