"""PostgreSQL is stopped under load, so that it is there and says nothing, and goes on; the provider is left alone, and
the ledger is held against it (OP-17). By hand: `python -m tests.ledger.stopped [--seconds 30]`."""

import argparse
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import httpx2

from idp.clock import monotonic
from tests.cli.processes import wait_for
from tests.ledger.book import Ledger
from tests.ledger.checking import Check
from tests.ledger.people import People, Person
from tests.ledger.site import ACCOUNTS, Site
from tests.postgresql import DURABLE, Server

FROM_MEMORY = ("/.well-known/jwks.json", "/.well-known/openid-configuration", "/health/live", "/health/ready")
ASKERS = 24


class Asked:
    """How long which status took at most, and how often it came, by path."""

    def __init__(self) -> None:
        self.slowest: dict[tuple[str, str], float] = {}
        self.count = Counter[tuple[str, str]]()

    @contextmanager
    def asking(self, origin: str) -> Iterator[None]:
        """Ask from many threads while the block runs."""
        over = Event()

        def ask(number: int) -> None:
            path = FROM_MEMORY[number] if number < len(FROM_MEMORY) else "/oauth2/authorize"
            with httpx2.Client(base_url=origin, timeout=30) as client:
                while not over.wait(0.05):
                    began = monotonic()
                    query = {"client_id": "app", "response_type": "code", "redirect_uri": "https://rp.example"}
                    try:
                        found = str(client.get(path, params=query).status_code)
                    except httpx2.HTTPError as fault:
                        found = type(fault).__name__
                    key = path, found
                    self.slowest[key] = max(self.slowest.get(key, 0.0), monotonic() - began)
                    self.count[key] += 1

        threads = [Thread(target=ask, args=(number,)) for number in range(ASKERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()


def main() -> None:
    """Run by the command line; exit with 1 if anything is wrong, or if an answer took longer than 5 seconds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=30.0)
    seconds = parser.parse_args().seconds
    server, asked = Server.make(DURABLE), Asked()
    with tempfile.TemporaryDirectory(prefix="ledger-") as directory:
        site = Site(Path(directory), server)
        ledger, check = Ledger(Path(directory) / "ledger"), Check(site.target)
        try:
            people = People(ledger, lambda thread: site.target(f"ada{thread}"), ACCOUNTS)
            Event().wait(2)
            server.signal(signal.SIGSTOP)
            with asked.asking(site.issuer):
                Event().wait(seconds)
            server.signal(signal.SIGCONT)
            began = monotonic()
            wait_for(site.instance.is_ready, "not ready again")
            print(f"ready {monotonic() - began:.2f} s after the server went on")
            Event().wait(2)
            people.stop()
            check.wrong += people.faults
            check.look_at(ledger.lives())
            check.look_at_the_dead()
        finally:
            ledger.close()
            site.close()
    for key, slowest in sorted(asked.slowest.items()):
        print(*key, f"{asked.count[key]} times, at most {slowest:.2f} s")
    print(f"{check.checked} lives, slowest answer to people {Person.slowest:.2f} s, wrong: {check.wrong}")
    sys.exit(bool(check.wrong) or max(Person.slowest, *asked.slowest.values()) > 5)


if __name__ == "__main__":
    main()
