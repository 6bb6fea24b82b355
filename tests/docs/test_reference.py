"""The reference is generated; nothing in the code may be missing from it."""

import subprocess
import sys
from pathlib import Path

import pytest

from idp.observe.events import EVENTS
from idp.settings import FIELDS
from idp.settings.model import environment_name

ROOT = Path(__file__).parents[2]


def test_the_reference_is_current() -> None:
    """`python docs/generate.py` would change nothing."""
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("key", FIELDS)
def test_every_setting_is_documented(key: str) -> None:
    """With its key, its variable and a sentence."""
    (line,) = (
        line for line in (ROOT / "docs/reference/settings.md").read_text("utf-8").splitlines() if f"| `{key}`" in line
    )
    assert f"`{environment_name(key)}`" in line
    assert (FIELDS[key].description or "nothing") in line


def test_every_event_is_documented() -> None:
    """Whoever reads the audit finds each name."""
    text = (ROOT / "docs/reference/events.md").read_text("utf-8")
    assert all(f"| `{name}` |" in text for name in EVENTS)
