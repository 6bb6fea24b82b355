"""Variants of the cases of the attack catalogue."""

from typing import Any

import pytest


def case(number: str, *values: Any) -> Any:
    """Return one variant of a case, to stand in a parametrize list; the mark is what the coverage test looks for."""
    return pytest.param(*values, marks=pytest.mark.case(number), id=f"{number} {ascii(values[0])[:40]}")
