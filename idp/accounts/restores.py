"""That everything was restored from a backup, and when: what was accepted shortly before may have been accepted by
then, with no trace of it left (R4)."""

from idp.randomness import digest
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Artifact

KIND = "restore"
REMEMBERED_SECONDS = 86_400
_HANDLE = digest("restore")


def note_restore(uow: UnitOfWork, now: int) -> None:
    """Remember for a day that a restore took place; there is no older note."""
    expires_at = now + REMEMBERED_SECONDS
    uow.artifacts.add(Artifact(kind=KIND, handle_hash=_HANDLE, payload={}, created_at=now, expires_at=expires_at))


def last_restore_at(uow: UnitOfWork) -> int | None:
    """Return when everything was last restored, if that is less than a day ago."""
    found = uow.artifacts.find(KIND, _HANDLE)
    return found.created_at if found else None
