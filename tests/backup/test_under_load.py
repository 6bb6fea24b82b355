"""Backups while people sign in: a short run; `python -m tests.backup.under_load` is the long one."""

from pathlib import Path

import pytest

from tests.backup.under_load import back_up_under_load
from tests.provider import House


@pytest.mark.case("OP-28")
def test_backups_under_load_are_consistent(any_house: House, tmp_path: Path) -> None:
    """Each is of one moment, later than the one before, and can be restored; no request fails meanwhile."""
    load = back_up_under_load(any_house, tmp_path, backups=2)
    assert load.failed == 0
