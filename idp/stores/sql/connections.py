"""The driver's connections for units of work: kept open, the one used last first, no more than so many.

SQLAlchemy's pool costs more than SQLite needs for a statement. Migrations open a connection for themselves.
"""

from collections.abc import Callable
from threading import Semaphore
from typing import Any

from sqlalchemy import Engine

from idp.stores.sql.circuit import Silent


class Connections:
    """Open connections of one kind."""

    def __init__(self, connect: Callable[[], Any], most: int, *, wait_seconds: float) -> None:
        self._connect, self._wait_seconds = connect, wait_seconds
        self._room = Semaphore(most)
        self._idle: list[Any] = []

    def take(self) -> Any:
        """Return an open connection, to be given back or dropped. Raises `Silent` when none becomes free in time, and
        whatever opening one raises."""
        if not self._room.acquire(timeout=self._wait_seconds):
            raise Silent("no connection to the database became free in time")
        try:
            # One operation, so no two threads get the same.
            return self._idle.pop()
        except IndexError:
            pass
        try:
            return self._connect()
        except BaseException:
            self._room.release()
            raise

    def give_back(self, connection: Any) -> None:
        """Keep a connection that is within no transaction for the next one."""
        self._idle.append(connection)
        self._room.release()

    def drop(self, connection: Any) -> None:
        """Close a connection that is of no use any more."""
        connection.close()
        self._room.release()

    def close(self) -> None:
        """Close what nobody uses."""
        while self._idle:
            self._idle.pop().close()


def connect_through(engine: Engine) -> Any:
    """Return a driver's connection of its own, told whatever the engine tells its connections."""
    pooled = engine.raw_connection()
    connection = pooled.driver_connection
    pooled.detach()
    return connection
