"""Variants of the cases of the attack catalogue."""

import re
from typing import Any

import pytest


def case(number: str, *values: Any) -> Any:
    """Return one variant of a case, to stand in a parametrize list; the mark is what the coverage test looks for."""
    return pytest.param(*values, marks=pytest.mark.case(number), id=f"{number} {lasting(values[0])[:40]}")


def lasting(value: Any) -> str:
    """Return a text for a test's id without what differs from process to process: keys, addresses of objects."""
    return re.sub(r"[\w-]{43,}| at 0x\w+", "", ascii(value))
