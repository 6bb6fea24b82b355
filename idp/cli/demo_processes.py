"""The demo's processes: the relying parties as children, the provider in this process, one clean end for all."""

import ctypes
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from types import FrameType, TracebackType
from typing import Self

import click
import uvicorn

from idp.cli.demo_state import DemoState
from idp.clock import monotonic
from idp.observe.logging import configure_logging
from idp.settings import Settings
from idp.stores.sql.storage import SqlStorage

READY_SECONDS = 30.0
STOP_SECONDS = 8.0
PR_SET_PDEATHSIG = 1


class PortTaken(Exception):
    """Another program listens where one of the three should."""


def check_ports(ports: Iterable[int]) -> None:
    """Raise `PortTaken` naming every port that another program listens on."""
    taken = [port for port in ports if _answers(port)]
    if taken:
        names = " and ".join(str(port) for port in taken)
        raise PortTaken(
            f"Another program listens on port {names}, which the demo needs.\n"
            "Is another demo running? Stop it, or find the program with: ss -ltnp"
        )


class Children:
    """The Shop and the Bank; they end with this process, however it ends."""

    def __init__(self, state: DemoState) -> None:
        self._state = state
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        """Start both."""
        where = self._state.addresses
        for name, peer in (("shop", "bank"), ("bank", "shop")):
            self._processes[name] = subprocess.Popen(  # noqa: S603 - our own programs, no shell
                [
                    *(sys.executable, "-m", f"demo_clients.{name}"),
                    *("--issuer", where["idp"].url),
                    *("--port", str(where[name].port)),
                    *("--base-url", where[name].url),
                    *("--client-id", name),
                    *("--client-secret-file", str(self._state.secret_files[name])),
                    *("--peer-url", where[peer].url),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                preexec_fn=_end_with_parent,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ask both to stop, and wait."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports of all three."""
        return tuple(address.port for address in self._state.addresses.values())

    def dead(self) -> str | None:
        """Return the name of one that has ended, or None."""
        return next((name for name, process in self._processes.items() if process.poll() is not None), None)


def serve_until_stopped(
    settings: Settings, storage: SqlStorage, children: Children, when_ready: Callable[[], None]
) -> None:
    """Serve the provider in this process until Ctrl-C or SIGTERM, or until one of the children has died."""
    from idp.app import create_app

    configure_logging(settings.log_level, settings.log_format)
    config = uvicorn.Config(
        create_app(settings, storage),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
        ws="none",
        http="h11",
    )
    server = uvicorn.Server(config)
    stopped = threading.Event()
    watcher = threading.Thread(target=_watch, args=(server, children, when_ready, stopped), daemon=True)
    signal.signal(signal.SIGTERM, _interrupt)
    watcher.start()
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        stopped.set()
        watcher.join()


def _watch(
    server: uvicorn.Server, children: Children, when_ready: Callable[[], None], stopped: threading.Event
) -> None:
    """Tell when all three answer; stop the server when a child has died."""
    deadline, told = monotonic() + READY_SECONDS, False
    while not stopped.wait(0.05 if not told else 0.5):
        dead = children.dead()
        if dead or (not told and monotonic() > deadline):
            click.echo(f"The {dead or 'demo'} did not stay up; its message is above.", err=True)
            server.should_exit = True
            return
        if not told and all(_answers(port) for port in children.ports):
            told = True
            when_ready()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _end_with_parent() -> None:
    """Have Linux end this child when its parent is killed; elsewhere a killed demo leaves its children behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        # Ctrl-C goes to the whole group; the parent stops the children in order.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
