"""A provider that sends mail to a sink, for the tests: have what waits sent, and find the link in it."""

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idp.accounts.mails import NO_CLIENT
from idp.stores.records import OutboxMessage
from idp.stores.sql.storage import SqlStorage
from tests.mail_sink import Sink, sink
from tests.provider import Browser, House, make_house

SENDER = "login@idp.example"


def mail_settings(there: Sink) -> dict[str, Any]:
    """Return the settings of a provider whose mails go to a sink."""
    mail = {"host": "127.0.0.1", "port": there.port, "tls": "none", "sender": SENDER}
    return {"mail": mail, "allow_insecure_mail": True}


@dataclass
class Postal:
    """A provider, its mail server, and one outbox at work."""

    house: House
    sink: Sink

    def deliver(self) -> list[OutboxMessage]:
        """Have everything that is due by now sent, or tried, and return the messages, the newest first."""
        self.house.clock.move(1)
        self.house.provider.outbox.wake()
        patience = time.monotonic() + 10
        while time.monotonic() < patience:
            with self.house.storage.snapshot() as uow:
                found = list(uow.outbox.list(client_id=NO_CLIENT, limit=1_000))
            if all(m.delivered_at or m.failed_at or m.last_result for m in found):
                return found
            time.sleep(0.005)
        raise AssertionError([(m.kind, m.attempts, m.last_result) for m in found])

    def ask(self, name: str, browser: Browser | None = None) -> Any:
        """Ask for a new password, and return the answer."""
        browser = browser or self.house.browser()
        return browser.submit(browser.get("/password/forgotten"), username=name)

    def link(self, name: str = "alice") -> str:
        """Ask for a new password and return the link of the mail."""
        before = len(self.sink.mails)
        self.ask(name)
        self.deliver()
        assert len(self.sink.mails) == before + 1
        return link_in(self.sink.text())


def link_in(text: str) -> str:
    """Return the link of a mail, which is a line by itself."""
    found = re.search(r"^(https?://\S+)$", text, re.MULTILINE)
    assert found, text
    return found.group(1)


@contextmanager
def postal(folder: Path, migrated_file: Path, **settings: Any) -> Iterator[Postal]:
    """Run a provider with alice and bob, and a mail server."""
    path = folder / "signet.sqlite3"
    shutil.copyfile(migrated_file, path)
    path.chmod(0o600)
    storage = SqlStorage(f"sqlite:///{path}")
    with sink() as there:
        house = make_house(storage, folder / "key-encryption.key", **mail_settings(there), **settings)
        house.add_client("web")
        house.add_account("alice")
        house.add_account("bob")
        house.provider.outbox.start()
        yield Postal(house, there)
        assert house.provider.outbox.stop(5)
    storage.close()
