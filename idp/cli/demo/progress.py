"""What is seen while the demo starts: one line that changes on a terminal, plain lines elsewhere."""

import sys
from collections.abc import Sequence

import click

from idp.clock import monotonic

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_FRAMES_A_SECOND = 12


class Progress:
    """Shows which of several things are ready."""

    def __init__(self, titles: Sequence[str]) -> None:
        self._started = monotonic()
        self._titles = titles
        self._ready: set[str] = set()
        self._is_live = sys.stdout.isatty() and sys.stdout.encoding.lower().startswith("utf")
        if not self._is_live:
            click.echo(f"Starting: {', '.join(titles)}")

    def ready(self, title: str) -> None:
        """Note that one is ready."""
        self._ready.add(title)
        if not self._is_live:
            click.echo(f"{title} is ready ({self._seconds():.1f} s)")

    def tick(self) -> None:
        """Move on; to be called several times a second."""
        if self._is_live:
            frame = _FRAMES[int(self._seconds() * _FRAMES_A_SECOND) % len(_FRAMES)]
            marks = [f"{click.style('✓', fg='green') if t in self._ready else frame} {t}" for t in self._titles]
            click.echo(f"\r\x1b[K{'   '.join(marks)}", nl=False)

    def done(self) -> None:
        """End the line."""
        self.tick()
        if self._is_live:
            click.echo(f"   {self._seconds():.1f} s\n")

    def _seconds(self) -> float:
        return monotonic() - self._started
