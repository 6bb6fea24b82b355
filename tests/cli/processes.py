"""Commands as processes of their own."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from idp.clock import monotonic

# Only what never happens takes as long; a machine that runs several tests at once may start slowly.
WAIT_SECONDS = 60.0
ROOT = Path(__file__).parents[2]


def get(port: int, path: str, host: str = "127.0.0.1") -> http.client.HTTPResponse:
    """Send a request and return the answer with its body still to be read."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"host": host, "connection": "close"})
    return connection.getresponse()


def wait_for(condition: Any, what: str) -> None:
    """Wait until something is so."""
    ends_at = monotonic() + WAIT_SECONDS
    while not condition():
        assert monotonic() < ends_at, what
        Event().wait(0.02)


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def children_of(pid: int) -> dict[int, str]:
    """Return the child processes with their command lines."""
    found = {}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((directory / "stat").read_text().rpartition(") ")[2].split()[1])
            command = (directory / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if parent == pid:
            found[int(directory.name)] = command
    return found


@dataclass
class Running:
    """A command that runs."""

    process: subprocess.Popen[str]
    output: Path

    def said(self) -> str:
        """Return all that it has said so far."""
        return self.output.read_text("utf-8", "replace")

    def events(self) -> list[dict[str, Any]]:
        """Return its log."""
        return [json.loads(line) for line in self.said().splitlines() if line.startswith("{")]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(WAIT_SECONDS)


@contextmanager
def running(directory: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Run `idp` in a directory until the block ends."""
    output = directory / f"output-{len(list(directory.glob('output-*')))}"
    with output.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "idp", *arguments],
            cwd=directory,
            env=clean_environment() | dict(environment or {}) | {"PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        yield Running(process, output)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def clean_environment() -> dict[str, str]:
    """Return this environment without settings of a provider."""
    return {name: value for name, value in os.environ.items() if not name.startswith("IDP_")}
