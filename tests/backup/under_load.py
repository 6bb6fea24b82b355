"""Backups while people sign in, each restored and looked through (OP-28).

By hand, for longer than the suite does: `python -m tests.backup.under_load --backups 60 [--postgresql]`."""

import argparse
import io
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idp.backup.format import Reader
from idp.clock import monotonic
from idp.stores.sql.storage import SqlStorage
from tests.backup.world import Disaster
from tests.conftest import furnished
from tests.postgresql import Server
from tests.provider import House

THREADS = 2


@dataclass
class Load:
    """People who sign in and clients that refresh, until they are told to stop."""

    house: House
    requests: int = 0
    failed: int = 0

    def __post_init__(self) -> None:
        """Nothing runs yet."""
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(THREADS)]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Load the provider while the block runs."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            # An account keeps its newest sessions only, so they must not all be of one instant.
            self.house.clock.move(1)
            try:
                browser = self.house.browser()
                tokens = browser.tokens("third", scope="openid offline_access")
                for _ in range(5):
                    tokens = browser.refresh(tokens["refresh_token"], "third").json()
                self.requests += 10
            except (AssertionError, KeyError):
                self.failed += 1


def check_consistent(file: io.BytesIO) -> int:
    """Raise AssertionError if something in a backup points to what is not in it; return how many grants it has."""
    rows = {s.table: [dict(zip(s.columns, row, strict=True)) for row in s.rows] for s in Reader(file).sections()}

    def values(table: str, column: str) -> set[Any]:
        return {row[column] for row in rows[table]}

    accounts, grants = values("accounts", "account_id"), values("grants", "grant_id")
    assert values("account_names", "account_id") == accounts
    assert values("credentials", "account_id") == accounts
    assert values("sessions", "account_id") <= accounts
    assert values("grants", "session_id") <= values("sessions", "session_id")
    assert values("refresh_tokens", "grant_id") <= grants
    # A spent code and its grant are of one transaction; so are a token and the one before it that it took the place of.
    spent = {row["grant_id"] for row in rows["artifacts"] if row["kind"] == "authorization_code" and row["consumed_at"]}
    assert spent <= grants
    live = [row["grant_id"] for row in rows["refresh_tokens"] if row["consumed_at"] is None]
    assert len(live) == len(set(live))
    return len(grants)


def back_up_under_load(house: House, directory: Path, backups: int) -> Load:
    """Make backups of a provider under load, one after the other; restore each, and sign in to it."""
    load, seen = Load(house), 0
    with load.running():
        for number in range(backups):
            done = load.requests
            while load.requests == done and not load.failed:
                threading.Event().wait(0.01)
            disaster = Disaster(house, f"sqlite:///{directory / f'restored-{number}.sqlite3'}")
            disaster.back_up()
            found = check_consistent(disaster.file)
            assert found > seen
            seen = found
            disaster.restore()
            assert disaster.restored_house().browser().tokens()["access_token"]
            disaster.close()
    return load


def main() -> None:
    """Run it once for long."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--backups", type=int, default=60)
    parser.add_argument("--postgresql", action="store_true")
    wanted = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp())
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        url = f"sqlite:///{directory / 'signet.sqlite3'}"
        if wanted.postgresql:
            server = Server.make()
            stack.callback(server.remove)
            url = server.make_database()
        storage = SqlStorage(url)
        stack.callback(storage.close)
        storage.migrate()
        began = monotonic()
        load = back_up_under_load(furnished(storage, directory / "key"), directory, wanted.backups)
        seconds = monotonic() - began
    print(f"{wanted.backups} backups in {seconds:.0f} s, each consistent and restored; sign-in worked after each;")
    print(f"{load.requests} requests meanwhile ({load.requests / seconds:.0f}/s), {load.failed} flows failed")


if __name__ == "__main__":
    main()
