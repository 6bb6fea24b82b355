"""The primary of two PostgreSQL servers is killed under load and the standby promoted, there and back; the provider
goes on by itself, and the ledger is held against it (OP-16).

By hand: `python -m tests.ledger.fail_over [--asynchronous]`.

Asynchronous ones may lose what the standby had not got yet: how much of it is counted, and is not a fault.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from threading import Event

from idp.clock import monotonic
from tests.cli.processes import wait_for
from tests.ledger.book import Ledger
from tests.ledger.checking import Check
from tests.ledger.people import People, Person
from tests.ledger.replicas import Pair
from tests.ledger.site import ACCOUNTS, Site

LOAD_SECONDS = 3.0


def run(directory: Path, *, times: int, synchronous: bool) -> Check:
    """Fail over so many times and return what was found."""
    pair = Pair(synchronous=synchronous)
    site = Site(directory, None, url=pair.url)
    ledger, check = Ledger(directory / "ledger"), Check(site.target)
    pid = site.process.pid
    try:
        for number in range(times):
            people = People(ledger, lambda thread: site.target(f"ada{thread}"), ACCOUNTS)
            Event().wait(LOAD_SECONDS)
            began = monotonic()
            pair.fail_over()
            promoted = monotonic()
            wait_for(site.instance.is_ready, "the provider does not find the new primary")
            print(f"fail-over {number + 1}: promoted after {promoted - began:.1f} s,", end=" ")
            print(f"ready {monotonic() - promoted:.1f} s later")
            Event().wait(LOAD_SECONDS)
            people.stop()
            check.wrong += people.faults
            check.look_at(ledger.lives())
            pair.follow()
        check.look_at_the_dead()
        assert site.process.pid == pid
        assert site.process.poll() is None
    finally:
        ledger.close()
        site.close()
        pair.remove()
    print(
        f"{ledger.lines} lines, {check.checked} lives, slowest answer {Person.slowest:.2f} s, wrong {len(check.wrong)}"
    )
    return check


def main() -> None:
    """Run by the command line; exit with 1 if anything that was acknowledged by both servers is lost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=4)
    parser.add_argument("--asynchronous", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ledger-") as directory:
        check = run(Path(directory), times=given.times, synchronous=not given.asynchronous)
    for wrong in check.wrong:
        print(wrong[:300])
    sys.exit(bool(check.wrong) and not given.asynchronous)


if __name__ == "__main__":
    main()
