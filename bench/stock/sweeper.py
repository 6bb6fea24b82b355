"""`python -m bench.stock.sweeper`: sweep the database of `IDP_DATABASE_URL` as the upkeep does, but without its pauses,
until there is nothing left for a second. Prints the rows deleted, the turns, and the longest turn in ms, as JSON."""

import json
import os
import time

from idp.stores.sql.storage import SqlStorage
from idp.upkeep import BATCH_ROWS

IDLE_SECONDS, IDLE_PAUSE_SECONDS = 1.0, 0.02


def main() -> None:
    """Sweep."""
    storage = SqlStorage(os.environ["IDP_DATABASE_URL"])
    deleted = turns = 0
    longest, idle_since = 0.0, time.monotonic()
    while time.monotonic() - idle_since < IDLE_SECONDS:
        began = time.monotonic()
        rows = storage.sweep(int(time.time()), BATCH_ROWS)
        if rows:
            idle_since = time.monotonic()
            deleted, turns, longest = deleted + rows, turns + 1, max(longest, idle_since - began)
        else:
            # Another one is at it, or all is done.
            time.sleep(IDLE_PAUSE_SECONDS)
    storage.close()
    print(json.dumps({"rows": deleted, "turns": turns, "longest_ms": round(longest * 1000, 1)}))


if __name__ == "__main__":
    main()
