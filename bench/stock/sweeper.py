"""`python -m bench.stock.sweeper`: sweep the database of `IDP_DATABASE_URL` by the upkeep's own code, until there has
been nothing left for a while, or for SECONDS. Says when it is ready, waits for a line, and prints how many rows went.

With SECONDS it sweeps at the upkeep's own pace, else without rests and in larger batches."""

import os
import sys
import time
from collections.abc import Callable
from threading import Timer

from idp.accounts.sessions import Sessions
from idp.clock import SystemClock
from idp.jose.rotation import KeyChange, KeyLifeCycle
from idp.settings import Lifetimes
from idp.stores.sql.storage import SqlStorage
from idp.upkeep import Upkeep

IDLE_SECONDS, IDLE_PAUSE_SECONDS = 2.0, 0.1
HURRIED_ROWS = 500


class _NoKeys(KeyLifeCycle):
    """The keys are the provider's own matter."""

    def __init__(self) -> None:
        """Need nothing."""

    def tick(self, _now: int) -> tuple[KeyChange, ...]:
        """Do nothing."""
        return ()


def main() -> None:
    """Sweep."""
    storage = SqlStorage(os.environ["IDP_DATABASE_URL"])
    # Starting Python is work of its own, and not what is measured.
    storage.check()
    print("ready", flush=True)
    sys.stdin.readline()
    if len(sys.argv) > 1:
        print(_sweep_for(float(sys.argv[1]), Upkeep(storage, SystemClock(), _NoKeys(), Sessions(Lifetimes(), ()))))
    else:
        print(_sweep_all(lambda: storage.sweep(int(time.time()), HURRIED_ROWS)))
    storage.close()


def _sweep_for(seconds: float, upkeep: Upkeep) -> int:
    """Sweep until someone's time is over, and leave off where the upkeep would be told to stop."""
    Timer(seconds, upkeep.stop).start()
    return upkeep.sweep(int(time.time()))


def _sweep_all(sweep: Callable[[], int]) -> int:
    deleted, idle_since = 0, time.monotonic()
    while time.monotonic() - idle_since < IDLE_SECONDS:
        rows = sweep()
        if rows:
            deleted, idle_since = deleted + rows, time.monotonic()
        else:
            # Another one is at it, or all is done.
            time.sleep(IDLE_PAUSE_SECONDS)
    return deleted


if __name__ == "__main__":
    main()
