"""What is done when a database does not answer: whoever has waited in vain spares the others the wait."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from idp.stores.interfaces import StorageUnavailable


class Silent(StorageUnavailable):
    """The database did not answer in time: its server is stopped, overwhelmed, out of reach, or its file is locked."""


class Circuit:
    """Between us and one database. Once that was silent, one at a time tries whether it answers again and all others
    are refused at once: in a row behind it they would wait for minutes (R21). The first answer lets all through."""

    def __init__(self) -> None:
        self.is_broken = False
        self._trying = Lock()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Begin something within the block. Raises `Silent` without entering it while another one tries."""
        tries = self.is_broken
        if tries and not self._trying.acquire(blocking=False):
            raise Silent("the database was silent a moment ago, and is being tried again")
        try:
            yield
            if tries:
                self.is_broken = False
        except Silent:
            self.is_broken = True
            raise
        finally:
            if tries:
                self._trying.release()
