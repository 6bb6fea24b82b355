"""What became of a module: the suite's word and its log, and what the Shop showed."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.conformance_rp.plans import EXPECTED
from tests.conformance_rp.suite import LogEntry

PASSED, FAILED = "PASSED", "FAILED"
_AGAINST_US = ("WARNING", "FAILURE")
_LOGOUT_CALL = "CallRPBackChannelLogoutEndpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleResult:
    """The suite's word, unless the Shop showed what it should not."""

    plan: str
    module: str
    outcome: str
    reason: str
    seconds: float
    test_id: str

    @property
    def is_meant(self) -> bool:
        """Whether it passed, or is as expected."""
        return self.outcome == meant_outcome(self.module)


def meant_outcome(module: str) -> str:
    """The outcome that a module should have."""
    return EXPECTED[module][0] if module in EXPECTED else PASSED


def complaints(log: Iterable[LogEntry]) -> Iterator[str]:
    """The warnings and failures of a log."""
    return (f"{entry.get('src')}: {entry.get('msg')}" for entry in log if entry.get("result") in _AGAINST_US)


def logout_answers(log: Iterable[LogEntry]) -> Iterator[str]:
    """How the Shop answered to logout tokens: the status and, for a refusal, the reason that it gave."""
    for entry in log:
        answer = entry.get("backchannel_logout_endpoint_response")
        if entry.get("src") == _LOGOUT_CALL and answer:
            body = answer.get("body")
            reason = json.loads(body)["error_description"] if body else "accepted"
            yield f"logout token: {answer['status']}, {reason}"
