"""`python -m bench.stock.sweeper`: sweep the database of `IDP_DATABASE_URL` by the upkeep's own code, until there has
been nothing left for a while. Prints how many rows went."""

import os
import time

from idp.clock import SystemClock
from idp.jose.rotation import KeyChange, KeyLifeCycle
from idp.stores.sql.storage import SqlStorage
from idp.upkeep import Upkeep

IDLE_SECONDS, IDLE_PAUSE_SECONDS = 2.0, 0.1


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
    upkeep = Upkeep(storage, SystemClock(), _NoKeys())
    deleted, idle_since = 0, time.monotonic()
    while time.monotonic() - idle_since < IDLE_SECONDS:
        rows = upkeep.sweep(int(time.time()))
        if rows:
            deleted, idle_since = deleted + rows, time.monotonic()
        else:
            # Another one is at it, or all is done.
            time.sleep(IDLE_PAUSE_SECONDS)
    storage.close()
    print(deleted)


if __name__ == "__main__":
    main()
