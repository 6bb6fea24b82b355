"""`Storage` in memory: units of work on copies of the tables."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from idp.stores.interfaces import Group, Occupied, UnitOfWork
from idp.stores.memory.authenticators import MemoryAuthenticators
from idp.stores.memory.flows import MemoryArtifacts, MemoryGrants, MemoryRefreshTokens, MemoryThrottles
from idp.stores.memory.identities import (
    MemoryAccounts,
    MemoryClients,
    MemoryConsents,
    MemoryResources,
    MemorySessions,
    MemorySubjects,
)
from idp.stores.memory.operations import MemoryAudit, MemoryOutbox, MemorySigningKeys
from idp.stores.memory.tables import KEPT, ReadOnly, Tables, first_of


class MemoryUnitOfWork:
    """The stores over one set of tables."""

    def __init__(self, tables: Tables) -> None:
        self.accounts = MemoryAccounts(tables)
        self.authenticators = MemoryAuthenticators(tables)
        self.clients = MemoryClients(tables)
        self.resources = MemoryResources(tables)
        self.sessions = MemorySessions(tables)
        self.grants = MemoryGrants(tables)
        self.refresh_tokens = MemoryRefreshTokens(tables)
        self.artifacts = MemoryArtifacts(tables)
        self.signing_keys = MemorySigningKeys(tables)
        self.consents = MemoryConsents(tables)
        self.subjects = MemorySubjects(tables)
        self.throttles = MemoryThrottles(tables)
        self.outbox = MemoryOutbox(tables)
        self.audit = MemoryAudit(tables)


class MemoryGroup:
    """`Group` in memory. `tables` are those of the group as they are so far."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Open the next unit of work."""
        tables = self.tables.copy()
        yield MemoryUnitOfWork(tables)
        self.tables = tables


class MemoryStorage:
    """`Storage` in memory."""

    is_embedded = True

    def __init__(self) -> None:
        self._tables = Tables()
        self._writing = threading.Lock()

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Open a unit of work that may write."""
        with self._writing:
            group = MemoryGroup(self._tables)
            with group.begin() as uow:
                yield uow
            self._tables = group.tables

    @contextmanager
    def group(self) -> Iterator[Group]:
        """Open a group of units of work."""
        if not self._writing.acquire(blocking=False):
            raise Occupied("another unit of work writes")
        try:
            group = MemoryGroup(self._tables)
            yield group
            self._tables = group.tables
        finally:
            self._writing.release()

    @contextmanager
    def snapshot(self) -> Iterator[UnitOfWork]:
        """Open a unit of work that only reads; writing in it raises `StorageUnavailable`, as in a database."""
        yield MemoryUnitOfWork(self._tables.copy(ReadOnly))

    def check(self) -> None:
        """Return: memory is always there."""

    def check_writing(self) -> None:
        """Return: memory can always be written."""

    def sweep(self, now: int, limit: int) -> int:
        """Delete what can no longer matter, up to `limit` records of each kind."""
        with self._writing:
            tables, swept = self._tables.copy(), 0
            for name, kept_seconds, ends_of in KEPT:
                table = getattr(tables, name)
                ends = {key: first_of(ends_of(record, tables)) for key, record in table.items()}
                over = [key for key, at in ends.items() if at < now - kept_seconds][:limit]
                for key in over:
                    del table[key]
                swept += len(over)
            self._tables = tables
        return swept

    def close(self) -> None:
        """Nothing is open."""
