"""Upkeep: what a provider does by itself every minute: the keys' life cycle, removing accounts that were closed long
enough, and sweeping what can no longer matter."""

import logging
import threading

from idp.accounts.deletion import remove_due
from idp.accounts.sessions import Sessions
from idp.clock import Clock, monotonic
from idp.jose.rotation import KeyLifeCycle
from idp.stores.interfaces import Storage

_log = logging.getLogger("idp.upkeep")
EVERY_SECONDS = 60.0
# Small batches: a sweep holds the write lock only for moments, and then leaves the database to requests for so many
# times as long as that took.
BATCH_ROWS = 50
REST = 3


class Upkeep:
    """A thread that keeps house; a failure is logged and tried again at the next turn."""

    def __init__(self, storage: Storage, clock: Clock, keys: KeyLifeCycle, sessions: Sessions) -> None:
        self._storage, self._clock, self._keys, self._sessions = storage, clock, keys, sessions
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin; the first turn comes after a minute, for start-up has ticked the keys already."""
        self._thread.start()

    def stop(self) -> None:
        """End after the turn under way."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def turn(self) -> None:
        """Do once what is due."""
        now = self._clock.now()
        for change in self._keys.tick(now):
            _log.info("signing key", extra={"action": change.action, "kid": change.kid})
        self.remove_accounts(now)
        self.sweep(now)

    def remove_accounts(self, now: int) -> None:
        """Remove the accounts whose time has come, until none is left or the end."""
        while removed := remove_due(self._storage, self._sessions, now, BATCH_ROWS):
            _log.info("accounts removed", extra={"count": removed})
            if self._stop.is_set():
                break

    def sweep(self, now: int) -> int:
        """Sweep until nothing is left, the next turn is due, or the end; return how many rows went. Were it less,
        the tables of a busy provider would grow for ever."""
        swept, due_at = 0, monotonic() + EVERY_SECONDS
        while (began := monotonic()) < due_at:
            batch = self._storage.sweep(now, BATCH_ROWS)
            swept += batch
            if not batch or self._stop.wait(REST * (monotonic() - began)):
                break
        return swept

    def _run(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            try:
                self.turn()
            except Exception:
                _log.exception("upkeep failed; it is tried again")
