"""Restoring a backup: into a database in which nothing is, or in place of what is there; all of it or nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from idp.accounts.audit import record
from idp.accounts.restores import note_restore
from idp.backup.carrying import Carried, carry_over
from idp.backup.checking import Checked
from idp.backup.format import Reader, Section, UnusableBackup
from idp.backup.rules import RULES, Change, keep
from idp.stores.interfaces import Group, Load, PortableStorage, Storage, UnitOfWork


class NotEmpty(Exception):
    """The database holds something; `args[0]` names a table with rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How to restore. `moves`: nothing has happened since the backup, because the provider was stopped before it was
    made, so everything lives on. `without_secrets`: the key-encryption key is lost, and with it the client secrets that
    serve as keys. `after`: the old database, for what was changed since."""

    replaces: bool = False
    moves: bool = False
    without_secrets: bool = False
    after: Storage | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored, by table; what was left out; and what was carried over."""

    rows: Mapping[str, int]
    left_out: Mapping[str, int]
    carried: Carried | None


class OneUnitOfWork:
    """A storage that is nothing but a unit of work that is open already: what is done with it lasts if that does."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Give the unit of work."""
        yield self._uow

    snapshot = begin

    @contextmanager
    def group(self) -> Iterator[Group]:
        """Give the unit of work to whoever asks the group for one."""
        yield self

    is_embedded = True

    def check(self) -> None:
        """It answers."""

    def check_writing(self) -> None:
        """It may write."""

    def sweep(self, now: int, limit: int) -> int:  # noqa: ARG002
        """Sweep nothing."""
        return 0

    def close(self) -> None:
        """Whoever opened it closes it."""


# Makes the signing keys that a storage lacks, at a moment.
MakeKeys = Callable[[Storage, int], object]


def restore_backup(
    storage: PortableStorage, stream: IO[bytes], checked: Checked, wish: Wish, now: int, make_keys: MakeKeys
) -> Restored:
    """Fill the database from a backup that was checked. The schema is made as the backup knew it, filled, and then
    migrated. Unless it moves, it gets new signing keys.

    Raises `NotEmpty`, `UnusableBackup`, `StorageUnavailable`."""
    header = checked.header
    if not storage.knows(header.schema):
        raise UnusableBackup(f"it is of schema {header.schema}, which is newer than this program")
    with storage.load() as (load, uow):
        occupied = load.find_rows()
        if occupied is not None and not wish.replaces:
            raise NotEmpty(occupied)
        load.begin(header.schema)
        filling = _Filling(load, wish, now)
        for section in Reader(stream).sections():
            filling.fill(section)
        load.finish()
        carried = _settle(uow, checked, wish, now, make_keys)
        return Restored(filling.rows, filling.left_out, carried)


def _settle(uow: UnitOfWork, checked: Checked, wish: Wish, now: int, make_keys: MakeKeys) -> Carried | None:
    carried = None
    if wish.after is not None:
        with wish.after.snapshot() as old:
            carried = carry_over(old, uow, checked.header.made_at)
    if not wish.moves:
        note_restore(uow, now)
        # Here and not at the next start: by then a missing key-encryption key would look like a new installation's.
        make_keys(OneUnitOfWork(uow), now)
    how = "moved" if wish.moves else "restored"
    record(uow, "backup.restored", now=now, how=how, made_at=checked.header.made_at, schema=checked.header.schema)
    return carried


class _Filling:
    """Puts the sections into the database by the rules, and counts."""

    def __init__(self, load: Load, wish: Wish, now: int) -> None:
        self._load, self._wish, self._now = load, wish, now
        self.rows: dict[str, int] = {}
        self.left_out: dict[str, int] = {}

    def fill(self, section: Section) -> None:
        self.rows[section.table] = self.left_out[section.table] = 0
        change = self._change(section.table, section.columns)
        self._load.put(section.table, section.columns, self._changed(section, change))

    def _changed(self, section: Section, change: Change) -> Iterator[Sequence[Any]]:
        for row in section.rows:
            changed = change(row)
            if changed is None:
                self.left_out[section.table] += 1
                continue
            self.rows[section.table] += 1
            yield changed

    def _change(self, table: str, columns: Sequence[str]) -> Change:
        rule = RULES.get(table)
        if rule is None:
            raise UnusableBackup(f"it has a table {table} that this program does not know")
        change = (keep if self._wish.moves else rule)(columns, self._now)
        return _without_secrets(columns, change) if table == "clients" and self._wish.without_secrets else change


def _without_secrets(columns: Sequence[str], change: Change) -> Change:
    places = [columns.index(n) for n in ("sealed_secret", "previous_sealed_secret") if n in columns]

    def without(row: list[Any]) -> list[Any] | None:
        for place in places:
            row[place] = None
        return change(row)

    return without
