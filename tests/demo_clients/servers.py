"""Real processes and real sockets for the tests that need them, on free ports of 127.0.0.1."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

ROOT = Path(__file__).parents[2]
START_SECONDS = 20


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(module: str, *arguments: str) -> subprocess.Popen[str]:
    """A module of demo_clients as a process."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", module, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str, str]:
    """Send a signal; exit status, output and errors."""
    process.send_signal(number)
    out, err = process.communicate(timeout=START_SECONDS)
    return process.returncode, out, err


def first_line(process: subprocess.Popen[str]) -> str:
    """The line that says that the process is ready."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


@contextmanager
def running(app: ASGIApp, port: int) -> Generator[None]:
    """An application served in a thread."""
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
