"""Several worker processes on one address: started, watched, replaced and stopped by one that serves nobody itself.

Each worker has a place with a listening socket of its own on the same port (SO_REUSEPORT): the kernel spreads
connections over the places, and those of a worker that has died wait for the next one, for the sockets belong to the
supervisor. Workers are forked once all is imported and before there is any thread or connection to a database.
"""

import logging
import os
import select
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass

from idp.clock import monotonic

_log = logging.getLogger("idp.cli.workers")
TOLD = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
# A worker that lives shorter died of its start; after so many in a row the supervisor gives up.
SHORT_LIFE_SECONDS = 5.0
MOST_SHORT_LIVES = 10
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 4.0
START_SECONDS = 30.0
# Beyond the time that requests under way have.
GRACE_SECONDS = 5.0

# Serves on a socket until told to stop; is given what it calls once it serves. Returns the exit status.
Work = Callable[[socket.socket, Callable[[], None]], int]


@dataclass(slots=True)
class Worker:
    """A process, its place, when it was started, and the descriptor at which it tells that it serves."""

    pid: int
    place: int
    started_at: float
    ready: int


class Supervisor:
    """Keeps one worker in each place."""

    def __init__(self, places: list[socket.socket], work: Work, *, shutdown_seconds: int) -> None:
        self._places, self._work = places, work
        self._stop_seconds = shutdown_seconds + GRACE_SECONDS
        self._workers: dict[int, Worker] = {}
        # When each empty place is filled again.
        self._due: dict[int, float] = dict.fromkeys(range(len(places)), 0.0)
        self._short_lives = 0

    def run(self) -> bool:
        """Serve until SIGTERM or SIGINT; SIGHUP replaces all workers, one after the other. Return whether it ended
        well: False when workers kept dying as they started, or had to be killed."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, TOLD)
        try:
            while self._short_lives < MOST_SHORT_LIVES:
                self._fill()
                match self._next_signal(self._pause()):
                    case signal.SIGTERM | signal.SIGINT:
                        return self._stop()
                    case signal.SIGHUP:
                        self._renew()
                    case _:
                        self._bury()
            _log.error("workers keep dying as they start")
            self._stop()
            return False
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _fill(self) -> None:
        now = monotonic()
        for place in [place for place, due in self._due.items() if due <= now]:
            del self._due[place]
            self._start(place)

    def _start(self, place: int) -> Worker:
        ready, told = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(ready)
            self._become(place, told)
        os.close(told)
        worker = self._workers[pid] = Worker(pid, place, monotonic(), ready)
        _log.info("worker started", extra={"pid": pid})
        return worker

    def _become(self, place: int, told: int) -> None:
        """Be a worker, and end as one: nothing of the supervisor's may run in this process."""
        status = 1
        try:
            for other, listening in enumerate(self._places):
                if other != place:
                    listening.close()
            for worker in self._workers.values():
                os.close(worker.ready)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, TOLD)
            # What a terminal sends to all, the supervisor passes on; a new start is not a worker's to make.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            status = self._work(self._places[place], lambda: os.close(told))
        except BaseException:
            _log.exception("worker failed")
        finally:
            logging.shutdown()
            os._exit(status)

    def _pause(self) -> float | None:
        return max(0.0, min(self._due.values()) - monotonic()) if self._due else None

    def _next_signal(self, seconds: float | None) -> int:
        if seconds is None:
            return int(signal.sigwait(TOLD))
        found = signal.sigtimedwait(TOLD, seconds)
        return int(found.si_signo) if found else 0

    def _bury(self) -> None:
        """Note the workers that have ended, and when their places are filled again."""
        for worker in [worker for worker in list(self._workers.values()) if self._has_ended(worker)]:
            is_short = monotonic() - worker.started_at < SHORT_LIFE_SECONDS
            self._short_lives = self._short_lives + 1 if is_short else 0
            pause = FIRST_PAUSE_SECONDS * 2 ** (self._short_lives - 1) if is_short else 0.0
            self._due[worker.place] = monotonic() + min(LONGEST_PAUSE_SECONDS, pause)

    def _has_ended(self, worker: Worker) -> bool:
        pid, status = os.waitpid(worker.pid, os.WNOHANG)
        if pid == 0:
            return False
        del self._workers[worker.pid]
        os.close(worker.ready)
        code = os.waitstatus_to_exitcode(status)
        _log.log(logging.WARNING if code else logging.INFO, "worker ended", extra={"pid": pid, "exit_code": code})
        return True

    def _renew(self) -> None:
        """Replace the workers one by one: the new one serves beside the old one before that is told to stop."""
        for old in list(self._workers.values()):
            new = self._start(old.place)
            if not self._serves(new):
                _log.error("a new worker did not start; the old ones stay", extra={"pid": new.pid})
                self._end([new])
                return
            self._end([old])

    def _serves(self, worker: Worker) -> bool:
        """Wait until the worker has closed its end, as it does when it serves; also when it dies."""
        readable, _, _ = select.select([worker.ready], [], [], START_SECONDS)
        return bool(readable) and not self._has_ended(worker)

    def _stop(self) -> bool:
        _log.info("stopping workers", extra={"count": len(self._workers)})
        return self._end(list(self._workers.values()))

    def _end(self, workers: list[Worker]) -> bool:
        """Ask workers to stop, wait as long as they may take, and kill those that are left; a second signal to the
        supervisor asks them to hurry."""
        for worker in workers:
            self._tell(worker, signal.SIGTERM)
        ends_at = monotonic() + self._stop_seconds
        while (left := [worker for worker in workers if self._lives(worker)]) and monotonic() < ends_at:
            if self._next_signal(0.2) in {signal.SIGTERM, signal.SIGINT}:
                for worker in left:
                    self._tell(worker, signal.SIGTERM)
        for worker in left:
            self._tell(worker, signal.SIGKILL)
            os.waitpid(worker.pid, 0)
            del self._workers[worker.pid]
            os.close(worker.ready)
        return not left

    def _lives(self, worker: Worker) -> bool:
        return worker.pid in self._workers and not self._has_ended(worker)

    def _tell(self, worker: Worker, number: int) -> None:
        # Not waited for yet, so the pid is still its own.
        os.kill(worker.pid, number)
