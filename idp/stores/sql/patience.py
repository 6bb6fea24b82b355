"""Connections to PostgreSQL whose waits all end, whatever becomes of the server.

Its own limits (`statement_timeout`, `lock_timeout`) do not count while it is stopped or out of reach, and the kernel of
a stopped one goes on acknowledging: neither keepalives nor TCP's user timeout see anything. Hence a limit on our side.
"""

from typing import Any, TypeVar

from psycopg import Connection, OperationalError, errors
from psycopg.abc import PQGen

T = TypeVar("T")
# Below the 5 seconds in which every request is answered (R21), above the server's own limits, which say more.
SILENCE_SECONDS = 4.0
# What psycopg itself uses: how often it looks whether the program was interrupted.
LOOK_SECONDS = 0.1


class ServerSilent(OperationalError):
    """The server did not answer in time; whether it has done what it was asked is not known."""


class PatientConnection(Connection[Any]):
    """A connection that is closed when an answer takes longer than `patience_seconds`; None waits for ever."""

    patience_seconds: float | None = SILENCE_SECONDS

    def wait(self, gen: PQGen[T], interval: float = LOOK_SECONDS, timeout: float | None = None) -> T:
        """Wait for an answer. Raises `ServerSilent`."""
        if timeout is not None or self.patience_seconds is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.patience_seconds)
        except errors._WaitTimeout:  # psycopg has no public name for it.
            self.close()
            raise ServerSilent(f"the server has not answered for {self.patience_seconds:g} s") from None
