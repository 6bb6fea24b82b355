"""The only reader of time. Everything else is given the current instant, so tests can set it."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the current instant."""

    def now(self) -> int:
        """Return the current instant in whole Unix seconds."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Return the current instant in whole Unix seconds."""
        return int(time.time())


def monotonic() -> float:
    """Return seconds on a clock that never goes back; for measuring durations, never stored."""
    return time.monotonic()
