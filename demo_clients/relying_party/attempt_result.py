"""What came of one press of a button on the page "Try it"."""

from dataclasses import dataclass
from enum import StrEnum


class Ending(StrEnum):
    """How an attempt ended, in the eyes of whoever was attacked or asked."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """One result. `as_it_should` is None when the attempt could not be run."""

    title: str
    ending: Ending
    as_it_should: bool | None
    reason: str
    status: int | None = None
    www_authenticate: str = ""
    body: str = ""
    at: int = 0
