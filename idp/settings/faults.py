"""What is said about settings that cannot be used: every fault at once, each with its remedy."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a setting: its key, where its value came from, what is wrong, and a line to paste."""

    key: str
    source: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        """Return the fault as two lines."""
        return f"{self.key} ({self.source}): {self.problem}\n    {self.remedy}"


class BadSettings(Exception):
    """The settings cannot be used; `faults` has every reason."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))
