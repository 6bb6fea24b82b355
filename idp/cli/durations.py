"""Durations as people write them: `90s`, `30m`, `12h`, `7d`."""

import re
from typing import Any

import click

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"([0-9]{1,9})([smhd])")


class Duration(click.ParamType[int]):
    """An option's value as whole seconds, at least one and at most `most_seconds`."""

    name = "duration"

    def __init__(self, *, most_seconds: int) -> None:
        self._most_seconds = most_seconds

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the seconds; fails with what was expected."""
        if isinstance(value, int):
            return value
        match = _DURATION.fullmatch(str(value))
        seconds = int(match.group(1)) * _SECONDS[match.group(2)] if match else 0
        if not 0 < seconds <= self._most_seconds:
            self.fail(f"{value!r} is no duration such as 30m, 12h or 1d, or is too long.", param, ctx)
        return seconds
