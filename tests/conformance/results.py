"""What became of a module: the suite's verdict, and what in its log speaks against us."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from tests.conformance.suite import LogEntry

PASSED, WARNING, FAILED, REVIEW, SKIPPED = "PASSED", "WARNING", "FAILED", "REVIEW", "SKIPPED"
INTERRUPTED = "INTERRUPTED"
OUTCOMES = (PASSED, REVIEW, SKIPPED, WARNING, FAILED, INTERRUPTED)
_AGAINST_US = ("WARNING", "FAILURE")
# Members of a log entry that say where it stands, not what happened.
_FRAME = {"_id", "testId", "testOwner", "src", "msg", "result", "time", "requirements", "blockId", "upload", "img"}
_LONGEST_DETAIL = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A condition that was not met."""

    severity: str
    condition: str
    message: str
    block: str = ""
    requirements: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.condition}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleResult:
    """A module's verdict with its findings; `notes` are the driver's own words."""

    plan: str
    plan_variant: Mapping[str, str]
    module: str
    variant: Mapping[str, str]
    outcome: str
    seconds: float
    test_id: str = ""
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells this result from all others of a run."""
        return self.plan, variant_text(self.plan_variant), self.module, variant_text(self.variant)

    @property
    def reason(self) -> str:
        """Why it is as it is, in one line."""
        return "; ".join((*map(str, self.findings), *self.notes))

    def as_json(self) -> dict[str, Any]:
        """Return a value that `json` can write."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return what `as_json` wrote."""
        findings = tuple(Finding(**{**each, "requirements": tuple(each["requirements"])}) for each in value["findings"])
        return cls(**{**value, "findings": findings, "notes": tuple(value["notes"])})


def variant_text(variant: Mapping[str, str]) -> str:
    """Return a variant as people read it."""
    return ", ".join(f"{name}={variant[name]}" for name in sorted(variant))


def read_findings(log: Iterable[LogEntry]) -> tuple[Finding, ...]:
    """Return the warnings and failures of a log, each with the block in which it stands."""
    blocks: dict[str, str] = {}
    found = []
    for entry in log:
        if entry.get("startBlock"):
            blocks[str(entry.get("blockId"))] = str(entry.get("msg", ""))
        if entry.get("result") in _AGAINST_US:
            found.append(_finding(entry, blocks.get(str(entry.get("blockId")), "")))
    return tuple(found)


def read_outcome(status: str, result: str) -> str:
    """Return one word for a test's status and result."""
    if status == "INTERRUPTED":
        return INTERRUPTED if result != FAILED else FAILED
    return result if result in OUTCOMES else INTERRUPTED


def read_skip_reason(log: Iterable[LogEntry]) -> str:
    """Return what the suite says of a module that it skipped: its last words."""
    messages = [str(entry["msg"]) for entry in log if entry.get("result") == SKIPPED or entry.get("skipped")]
    return messages[-1] if messages else ""


def _finding(entry: LogEntry, block: str) -> Finding:
    return Finding(
        severity=entry["result"],
        condition=str(entry.get("src", "")),
        message=str(entry.get("msg", "")),
        block=block,
        requirements=tuple(map(str, entry.get("requirements") or ())),
        details={name: str(value)[:_LONGEST_DETAIL] for name, value in entry.items() if name not in _FRAME},
    )
