"""Several worker processes on one address: started, watched, replaced and stopped by one that serves nobody itself.

Each worker has a place with a listening socket of its own on the same port (SO_REUSEPORT): the kernel spreads
connections over the places, and those of a worker that has died wait for the next one, for the sockets belong to the
supervisor. Workers are forked once all is imported and before there is any thread or connection to a database.

There is one loop and one wait, also while workers are being replaced: whatever happens meanwhile is seen in time.
"""

import logging
import signal
import socket

from idp.cli.worker import TOLD, Work, Worker, start
from idp.clock import monotonic

_log = logging.getLogger("idp.cli.workers")
_STOP = {signal.SIGTERM, signal.SIGINT}
# A worker that lives shorter died of its start; after so many in a row the supervisor gives up.
SHORT_LIFE_SECONDS = 5.0
MOST_SHORT_LIVES = 10
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 4.0
START_SECONDS = 30.0
# How soon it is seen that a new worker serves.
LOOK_SECONDS = 0.05
# Beyond the time that requests under way have.
GRACE_SECONDS = 5.0


class Supervisor:
    """Keeps one worker in each place."""

    def __init__(self, places: list[socket.socket], work: Work, *, shutdown_seconds: int) -> None:
        self._places, self._work = places, work
        self._stop_seconds = shutdown_seconds + GRACE_SECONDS
        self._workers: dict[int, Worker] = {}
        # When each empty place is filled again.
        self._due: dict[int, float] = dict.fromkeys(range(len(places)), 0.0)
        self._short_lives = 0
        self._is_over = self._is_renewal_due = self._was_killing = False
        # A renewal under way: who is still to be replaced, and who comes for the first of them.
        self._old: list[Worker] = []
        self._new: Worker | None = None

    def run(self) -> bool:
        """Serve until SIGTERM or SIGINT; SIGHUP replaces all workers, one after the other. Return whether it ended
        well: False when workers kept dying as they started, or had to be killed."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, TOLD)
        try:
            while not self._is_over and self._short_lives < MOST_SHORT_LIVES:
                self._fill()
                self._renew()
                self._note(self._next_signal(self._pause()))
                self._bury()
            if not self._is_over:
                _log.error("workers keep dying as they start")
            return self._stop() and self._is_over
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _note(self, number: int) -> None:
        self._is_over = self._is_over or number in _STOP
        self._is_renewal_due = self._is_renewal_due or number == signal.SIGHUP

    def _next_signal(self, seconds: float | None) -> int:
        if seconds is None:
            return int(signal.sigwait(TOLD))
        found = signal.sigtimedwait(TOLD, seconds)
        return int(found.si_signo) if found else 0

    def _pause(self) -> float | None:
        """Return how long nothing is to be done but to wait for a signal; None for as long as it takes."""
        if self._new is not None or self._is_renewal_due:
            return LOOK_SECONDS
        due = [*self._due.values(), *(worker.killed_at for worker in self._leaving())]
        return max(0.0, min(at for at in due if at is not None) - monotonic()) if due else None

    def _leaving(self) -> list[Worker]:
        return [worker for worker in self._workers.values() if worker.killed_at is not None]

    def _start(self, place: int) -> Worker:
        worker = start(place, self._places, self._workers.values(), self._work)
        self._workers[worker.pid] = worker
        return worker

    def _fill(self) -> None:
        now = monotonic()
        for place in [place for place, due in self._due.items() if due <= now]:
            del self._due[place]
            self._start(place)

    def _bury(self) -> None:
        """Forget the workers that have ended, kill those that should have, and note when empty places are filled."""
        for worker in self._leaving():
            if worker.killed_at is not None and worker.killed_at <= monotonic():
                self._was_killing = True
                worker.killed_at = monotonic() + GRACE_SECONDS
                worker.tell(signal.SIGKILL)
        for worker in [worker for worker in self._workers.values() if worker.has_ended()]:
            del self._workers[worker.pid]
            if not self._is_over and worker.place not in self._filled():
                self._due[worker.place] = monotonic() + self._pause_after(worker)

    def _filled(self) -> set[int]:
        """Return the places that have a worker which stays, or will have one."""
        staying = {worker.place for worker in self._workers.values() if worker.killed_at is None}
        return staying | self._due.keys()

    def _pause_after(self, worker: Worker) -> float:
        if worker.killed_at is not None or monotonic() - worker.started_at >= SHORT_LIFE_SECONDS:
            self._short_lives = 0
            return 0.0
        self._short_lives += 1
        return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (self._short_lives - 1))

    def _renew(self) -> None:
        """Take the next step of a renewal: a new worker serves beside the old one before that is asked to end, and the
        next one is begun when that has ended."""
        if self._new is not None:
            self._await_new(self._new)
        elif not self._leaving() and not self._due:
            if not self._old and self._is_renewal_due:
                self._old, self._is_renewal_due = list(self._workers.values()), False
            # One that died was replaced already.
            self._old = [worker for worker in self._old if worker.pid in self._workers]
            self._new = self._start(self._old[0].place) if self._old else None

    def _await_new(self, new: Worker) -> None:
        has_died = new.pid not in self._workers
        if has_died or monotonic() - new.started_at >= START_SECONDS:
            _log.error("a new worker did not start; the old ones stay", extra={"pid": new.pid})
            self._old, self._new = [], None
            if not has_died:
                new.ask_to_end(self._stop_seconds)
        elif new.serves():
            old, self._new = self._old.pop(0), None
            if old.pid in self._workers:
                old.ask_to_end(self._stop_seconds)

    def _stop(self) -> bool:
        """Ask all workers to end, and wait as long as they may take; a second signal asks them to hurry. Return
        whether none had to be killed."""
        _log.info("stopping workers", extra={"count": len(self._workers)})
        self._was_killing, self._due = False, {}
        for worker in self._workers.values():
            worker.ask_to_end(self._stop_seconds)
        while self._workers:
            if self._next_signal(self._pause()) in _STOP:
                for worker in self._workers.values():
                    worker.tell(signal.SIGTERM)
            self._bury()
            self._due = {}
        return not self._was_killing
