"""Does the time of the answer tell whether a name has an account? `python -m tests.reset_timing [SAMPLES]`.

Requests for known and unknown names alternate in random order, with the outbox at work beside them. What is told is the
area under the ROC curve: 0.5 is what guessing reaches, 1 a sure sign.
"""

import random
import shutil
import statistics
import sys
import tempfile
import time
from bisect import bisect_left, bisect_right
from pathlib import Path

from idp.stores.sql.storage import SqlStorage
from tests.mailing import Postal, postal


def area(known: list[float], unknown: list[float]) -> float:
    """Return the chance that a time of a known name is the longer one of two."""
    ordered = sorted(unknown)
    wins = sum(bisect_left(ordered, each) + bisect_right(ordered, each) for each in known)
    return wins / (2 * len(known) * len(unknown))


def measure(post: Postal, samples: int) -> tuple[list[float], list[float]]:
    """Return the seconds of the answers for known and for unknown names."""
    found: dict[bool, list[float]] = {True: [], False: []}
    kinds = [number % 2 == 0 for number in range(samples)]
    random.shuffle(kinds)
    browser = post.house.browser()
    page = browser.get("/password/forgotten")
    for number, is_known in enumerate(kinds):
        name = "alice@example.org" if is_known else f"n{number:04}@example.org"
        started = time.perf_counter()
        answer = browser.submit(page, username=name)
        found[is_known].append(time.perf_counter() - started)
        assert answer.status_code == 200, answer.text
        if number % 50 == 49:
            # So that mails are sent beside what is measured, and the address is not throttled.
            post.house.clock.move(901)
    return found[True], found[False]


def main(samples: int) -> None:
    """Measure, and print the result."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        storage = SqlStorage(f"sqlite:///{folder}/migrated")
        storage.migrate()
        storage.close()
        home = folder / "home"
        home.mkdir()
        shutil.move(folder / "migrated", folder / "migrated.sqlite3")
        with postal(home, folder / "migrated.sqlite3") as post:
            known, unknown = measure(post, samples)
    medians = (statistics.median(each) * 1_000 for each in (known, unknown))
    print("{} samples; medians {:.3f} ms known, {:.3f} ms unknown".format(samples, *medians), end="; ")
    print(f"AUC {area(known, unknown):.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_400)
