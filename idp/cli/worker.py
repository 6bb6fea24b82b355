"""One worker process, as the process that forked it sees it."""

import logging
import os
import select
import signal
import socket
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from idp.clock import monotonic

_log = logging.getLogger("idp.cli.workers")
# What the supervisor waits for, and a worker gets as usual again.
TOLD = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
_SERVES = b"s"

# Serves on a socket until told to stop; is given what it calls once it serves. Returns the exit status.
Work = Callable[[socket.socket, Callable[[], None]], int]


@dataclass(slots=True)
class Worker:
    """A process, its place, when it was started, the descriptor at which it tells that it serves; once it was asked to
    end, when it is killed."""

    pid: int
    place: int
    started_at: float
    ready: int
    killed_at: float | None = None

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal. It was not waited for yet, so the pid is still its own."""
        os.kill(self.pid, number)

    def ask_to_end(self, within_seconds: float) -> None:
        """Ask it once: asked again, a worker breaks off the requests under way."""
        if self.killed_at is None:
            self.killed_at = monotonic() + within_seconds
            self.tell(signal.SIGTERM)

    def serves(self) -> bool:
        """Tell whether it has just said so; at the end of one that died there is nothing to read."""
        readable, _, _ = select.select([self.ready], [], [], 0)
        return bool(readable) and os.read(self.ready, 1) == _SERVES

    def has_ended(self) -> bool:
        """Tell whether it has ended, and if so forget what it left."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return False
        os.close(self.ready)
        code = os.waitstatus_to_exitcode(status)
        _log.log(logging.WARNING if code else logging.INFO, "worker ended", extra={"pid": pid, "exit_code": code})
        return True


def start(place: int, places: list[socket.socket], others: Iterable[Worker], work: Work) -> Worker:
    """Fork a worker for a place. It keeps nothing of the supervisor's but its own socket."""
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ready)
        for other in others:
            os.close(other.ready)
        for number, listening in enumerate(places):
            if number != place:
                listening.close()
        _become(places[place], told, work)
    os.close(told)
    _log.info("worker started", extra={"pid": pid})
    return Worker(pid, place, monotonic(), ready)


def _become(listening: socket.socket, told: int, work: Work) -> None:
    """Be a worker, and end as one: nothing of the supervisor's may run in this process."""

    def serves() -> None:
        # A supervisor that is gone is noticed elsewhere.
        with suppress(BrokenPipeError):
            os.write(told, _SERVES)
        os.close(told)

    status = 1
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, TOLD)
        # What a terminal sends to all, the supervisor passes on; a new start is not a worker's to make.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        status = work(listening, serves)
    except BaseException:
        _log.exception("worker failed")
    finally:
        logging.shutdown()
        os._exit(status)
