"""What the tests of restoring share: a provider that is backed up, lives on, and is lost."""

import io
from typing import Any

from idp.app import build_key_life_cycle
from idp.backup.checking import check_backup
from idp.backup.making import make_backup
from idp.backup.restoring import Restored, Wish, restore_backup
from idp.stores.interfaces import PortableStorage, Storage
from idp.stores.sql.storage import SqlStorage
from tests.provider import Browser, House, SettableClock, make_house


class Disaster:
    """A provider, its backup, and the database into which that is restored."""

    def __init__(self, house: House, url: str) -> None:
        self.house, self.url = house, url
        self.storage = SqlStorage(url)
        self.file = io.BytesIO()

    @property
    def clock(self) -> SettableClock:
        """The clock of both providers."""
        return self.house.clock

    def back_up(self) -> None:
        """Make the backup, while the provider serves."""
        source = self.house.storage
        assert isinstance(source, SqlStorage)
        self.file = backup_of(source, self.house)

    def restore(self, **wish: Any) -> Restored:
        """Restore it."""
        now = self.clock.now()
        return restore_backup(self.storage, self.file, check_backup(self.file), Wish(**wish), now, self._make_keys)

    def restored_house(self) -> House:
        """Return a provider over the restored database, at the same time."""
        made = make_house(self.storage, self.house.server.settings.key_encryption_key_file)
        made.clock.at = self.clock.at
        return made

    def close(self) -> None:
        """Close the database that was restored into."""
        self.storage.close()

    def _make_keys(self, storage: Storage, now: int) -> None:
        server = self.house.server
        build_key_life_cycle(server.settings, storage, server.vault).tick(now)


def backup_of(storage: PortableStorage, house: House) -> io.BytesIO:
    """Return a backup."""
    stream = io.BytesIO()
    make_backup(storage, house.server.settings.issuer, house.clock, stream)
    return stream


def tables_of(storage: SqlStorage) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables."""
    with storage.dump() as dump:
        return {table.name: [tuple(row) for page in table.pages for row in page] for table in dump.tables()}


def same_browser(browser: Browser, house: House) -> Browser:
    """Return the same browser, with its cookies, at another provider of the same address."""
    found = house.browser()
    for cookie in browser.cookies.jar:
        found.cookies.jar.set_cookie(cookie)
    return found
