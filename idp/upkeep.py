"""Upkeep: what a provider does by itself every minute: the keys' life cycle, and sweeping what can no longer matter."""

import logging
import threading

from idp.clock import Clock
from idp.jose.rotation import KeyLifeCycle
from idp.stores.interfaces import Storage

_log = logging.getLogger("idp.upkeep")
EVERY_SECONDS = 60.0
# Small batches: a sweep holds the write lock only for moments.
BATCH_ROWS = 200
MOST_BATCHES = 50


class Upkeep:
    """A thread that keeps house; a failure is logged and tried again at the next turn."""

    def __init__(self, storage: Storage, clock: Clock, keys: KeyLifeCycle) -> None:
        self._storage, self._clock, self._keys = storage, clock, keys
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
        for _ in range(MOST_BATCHES):
            if not self._storage.sweep(now, BATCH_ROWS) or self._stop.is_set():
                return

    def _run(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            try:
                self.turn()
            except Exception:
                _log.exception("upkeep failed; it is tried again")
