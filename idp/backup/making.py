"""Making a backup, while the provider serves."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO

from idp import __version__
from idp.backup.format import Header, Writer
from idp.clock import Clock
from idp.stores.interfaces import PortableStorage


@dataclass(frozen=True, slots=True)
class Made:
    """What is in a backup: the moment of its snapshot, and how many rows of each table."""

    made_at: int
    rows: Mapping[str, int]


def make_backup(storage: PortableStorage, issuer: str, clock: Clock, stream: IO[bytes]) -> Made:
    """Write all that the storage holds at one moment; memory does not grow with it. Raises `StorageUnavailable`,
    OSError."""
    # Taken before the snapshot: whatever is changed afterwards is not older than the backup says it is.
    made_at = clock.now()
    with storage.dump() as dump:
        header = Header(schema=dump.revision, program=__version__, made_at=made_at, issuer=issuer)
        writer = Writer(stream, header)
        for table in dump.tables():
            writer.write_table(table.name, table.columns, table.pages)
        return Made(made_at, writer.finish())
