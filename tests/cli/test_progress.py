"""What is seen while the demo starts."""

import io
import sys

import pytest

from idp.cli.demo.progress import Progress


class Terminal(io.TextIOWrapper):
    """A terminal that keeps what is written to it."""

    def __init__(self, encoding: str) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True, newline="")

    def isatty(self) -> bool:
        """Tell that it is one."""
        return True

    def written(self) -> str:
        """Return everything."""
        self.seek(0)
        return self.read()


def show(progress: Progress) -> None:
    """Go through a start."""
    progress.tick()
    progress.ready("Shop")
    progress.tick()
    progress.ready("Bank")
    progress.done()


def test_a_terminal_shows_one_line_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step overwrites the one before, and the last has every mark."""
    terminal = Terminal("utf-8")
    monkeypatch.setattr(sys, "stdout", terminal)
    show(Progress(["Shop", "Bank"]))
    written = terminal.written()
    assert written.count("\n") == 2
    last = written.rpartition("\r")[2]
    assert last.count("✓") == 2
    assert "✓" not in written.split("\r")[1]


def test_elsewhere_there_are_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """What comes first, and what is ready."""
    show(Progress(["Shop", "Bank"]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Starting: Shop, Bank"
    assert [line.partition(" (")[0] for line in lines[1:]] == ["Shop is ready", "Bank is ready"]


def test_a_terminal_without_unicode_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mark that it cannot show must not stop the start."""
    terminal = Terminal("latin-1")
    monkeypatch.setattr(sys, "stdout", terminal)
    show(Progress(["Shop", "Bank"]))
    assert "Shop is ready" in terminal.written()
