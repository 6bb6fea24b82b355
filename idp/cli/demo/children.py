"""The demo's three processes: started together, watched, and stopped together whatever happens."""

import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from idp.cli.demo.addresses import Address
from idp.cli.demo.home import DemoHome
from idp.cli.demo.progress import Progress
from idp.cli.failures import Failure
from idp.cli.healthcheck import ask
from idp.clock import monotonic

LEASH = Path(__file__).with_name("leash.py")
READY_SECONDS = 60.0
STOP_SECONDS = 8.0
_POLL_SECONDS = 0.05
_WATCH_SECONDS = 0.5
_TAIL_LINES = 12
_HEALTH = {"idp": "/health/ready", "shop": "/", "bank": "/"}


class Children:
    """The provider, the Shop and the Bank as child processes."""

    def __init__(self, kept: DemoHome, where: Mapping[str, Address]) -> None:
        self._kept, self._where = kept, where
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Start all three."""
        try:
            for name in self._where:
                self._processes[name] = self._start(name)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all three and wait for their end."""
        self._stop()

    def wait_until_ready(self, stopping: threading.Event, progress: Progress) -> None:
        """Return when all answer, or when asked to stop. Raises `Failure` if one has died or takes too long."""
        waiting, ends_at = dict(self._where), monotonic() + READY_SECONDS
        while waiting and not stopping.wait(_POLL_SECONDS):
            self._check_alive()
            for name, address in list(waiting.items()):
                if ask("127.0.0.1", address.port, _HEALTH[name], address.host) == 200:
                    progress.ready(waiting.pop(name).title)
            progress.tick()
            if monotonic() > ends_at:
                raise self._failure(next(iter(waiting)), f"did not get ready within {READY_SECONDS:.0f} s")

    def watch(self, stopping: threading.Event) -> None:
        """Return when asked to stop. Raises `Failure` when one has died."""
        while not stopping.wait(_WATCH_SECONDS):
            self._check_alive()

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        log: IO[bytes] = self._open.enter_context((self._kept.logs / f"{name}.log").open("wb"))
        return subprocess.Popen(  # noqa: S603 - our own programs, no shell
            [sys.executable, str(LEASH), *self._arguments(name)],
            # Its end is the sign for the child that this process is gone.
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for this process, which then stops the others in order.
            start_new_session=True,
        )

    def _arguments(self, name: str) -> list[str]:
        if name == "idp":
            return ["idp.cli.demo.provider", str(self._kept.directory), str(self._where["idp"].port)]
        own, peer = self._where[name], self._where["bank" if name == "shop" else "shop"]
        return [
            f"demo_clients.{name}",
            *("--issuer", self._where["idp"].url),
            *("--port", str(own.port)),
            *("--base-url", own.url),
            *("--client-id", name),
            *("--client-secret-file", str(self._kept.secret_file(name))),
            *("--peer-url", peer.url),
        ]

    def _check_alive(self) -> None:
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise self._failure(name, f"ended with status {process.returncode}")

    def _failure(self, name: str, what: str) -> Failure:
        log = self._kept.logs / f"{name}.log"
        tail = log.read_text("utf-8", "replace").splitlines()[-_TAIL_LINES:]
        said = "\n".join(f"  | {line}" for line in tail) or "  | (nothing)"
        return Failure(f"The {self._where[name].title} {what}. It said last:\n{said}", next_step=f"read {log}")

    def _stop(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin is not None:
                process.stdin.close()
        self._open.close()
