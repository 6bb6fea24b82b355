"""Kill, recover, look into the ledger; again and again."""

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from threading import Event

from idp.clock import monotonic
from tests.ledger.book import Ledger
from tests.ledger.checking import Check
from tests.ledger.people import People, Person
from tests.ledger.site import ACCOUNTS, Site

LONGEST_SECONDS = 5.5


def run(
    directory: Path,
    *,
    kills: int,
    postgresql: bool = False,
    workers: int = 1,
    seed: int = 1,
    most_seconds: float = 1.2,
) -> Check:
    """Kill so many times, each after at most so many seconds, and return what was found; `wrong` names all that is not
    as acknowledged."""
    chance, killed = random.Random(seed), Counter[str]()
    site = Site.make(directory, postgresql=postgresql, workers=workers)
    ledger, check = Ledger(directory / "ledger"), Check(site.target)
    longest = 0.0
    try:
        for number in range(kills):
            people = People(ledger, lambda thread: site.target(f"ada{thread}"), ACCOUNTS)
            Event().wait(chance.uniform(0.2, most_seconds))
            what = site.kill(chance)
            killed[what] += 1
            began = monotonic()
            Event().wait(chance.uniform(0, 0.3))
            site.recover(what)
            longest = max(longest, monotonic() - began)
            Event().wait(0.2)
            people.stop()
            check.wrong += people.faults
            check.look_at(ledger.lives())
            if check.wrong:
                break
            if number % 10 == 9:
                print(f"{number + 1} kills, {ledger.lines} lines, {check.checked} lives", flush=True)
        check.look_at_the_dead()
    finally:
        ledger.close()
        site.close()
    if Person.slowest > LONGEST_SECONDS:
        check.wrong.append(f"a request took {Person.slowest:.1f} s")
    print(f"killed: {dict(killed)}; {ledger.lines} lines; {check.checked} lives; {len(check.dead_codes)} codes and")
    print(f"{len(check.dead_tokens)} refresh tokens stayed spent; slowest answer {Person.slowest:.2f} s;", end=" ")
    print(f"longest until ready {longest:.1f} s; wrong: {len(check.wrong)}")
    return check


def main() -> None:
    """Run by the command line; exit with 1 if anything is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ledger-") as directory:
        check = run(Path(directory), **vars(given))
    for wrong in check.wrong:
        print(wrong)
    sys.exit(bool(check.wrong))


if __name__ == "__main__":
    main()
