"""The result of verifying a token: a list of named checks, each with its outcome and its reason.

All checks that can run do run, so that a page can show them; the token is accepted only if none failed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from demo_clients.relying_party.jwks import PublicKey
from demo_clients.relying_party.jws import CompactJws


class Outcome(StrEnum):
    """What came of one check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `reason` is fixed ASCII text, so that an answer to a stranger can carry it (RFC 6750 §3).

    `found` and `expected` hold values of the token and of the verifier, for the page only.
    """

    name: str
    outcome: Outcome
    reason: str
    rule: str
    found: str = ""
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All checks of one token at one instant. `token` is None when it could not even be read."""

    checks: tuple[Check, ...]
    verified_at: int
    token: CompactJws | None = None
    key: PublicKey | None = None

    @property
    def accepted(self) -> bool:
        """True when the token was readable and no check failed."""
        return self.token is not None and self.refusal is None

    @property
    def refusal(self) -> Check | None:
        """The first check that failed."""
        return next((check for check in self.checks if check.outcome is Outcome.FAILED), None)

    @property
    def claims(self) -> Mapping[str, Any]:
        """The claims of an accepted token. Raises ValueError for any other: unverified claims are not for use."""
        if self.token is None or not self.accepted:
            raise ValueError("the token was not accepted")
        return self.token.claims


def judge(
    name: str, holds: bool, *, rule: str, good: str, bad: str, found: object = "", expected: object = ""
) -> Check:
    """A check that passed with the reason `good`, or failed with the reason `bad`."""
    outcome = Outcome.PASSED if holds else Outcome.FAILED
    return Check(name, outcome, good if holds else bad, rule, str(found), str(expected))


def not_applicable(name: str, *, rule: str, reason: str) -> Check:
    """A check that this token gives no occasion for."""
    return Check(name, Outcome.NOT_APPLICABLE, reason, rule)


def unreadable(reason: str, now: int) -> Verdict:
    """The verdict on a text that is no token at all."""
    check = Check("format", Outcome.FAILED, reason, "RFC 7515 §7.1")
    return Verdict((check,), verified_at=now)
