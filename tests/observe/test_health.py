"""Health: ready or not, without saying why to those who ask."""

import logging

import pytest

from idp.observe.health import is_ready
from idp.stores.interfaces import StorageUnavailable


def test_ready_when_every_check_returns() -> None:
    """Each check is asked."""
    asked: list[int] = []
    assert is_ready(lambda: asked.append(1), lambda: asked.append(2))
    assert asked == [1, 2]


def test_not_ready_when_one_raises(caplog: pytest.LogCaptureFixture) -> None:
    """The reason goes to the log."""

    def fail() -> None:
        raise StorageUnavailable("the disk is gone")

    with caplog.at_level(logging.WARNING, "idp.health"):
        assert is_ready(lambda: None, fail) is False
    assert "the disk is gone" in caplog.text
