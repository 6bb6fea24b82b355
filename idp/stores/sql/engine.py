"""The engine: connections, and what SQLite has to be told on each.

WAL lets readers go on beside the one writer; `synchronous=FULL` makes a commit durable before it is answered (R8).
Transactions are begun by us, at once as writers, for a reader that turns into a writer fails with "database is locked".
"""

import os
import stat
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import QueuePool

from idp.stores.interfaces import StorageUnavailable

BUSY_MILLISECONDS = 5_000
CONNECTIONS = 16
CHECKOUT_SECONDS = 5
PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    f"PRAGMA busy_timeout={BUSY_MILLISECONDS}",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-2048",
)


def open_engine(database_url: str) -> Engine:
    """Return an engine for a `sqlite:///path` URL; nothing is opened yet. Raises `StorageUnavailable` for others."""
    url = make_url(database_url)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise StorageUnavailable("only SQLite files are supported: database_url = sqlite:///path/to/signet.sqlite3")
    _prepare_file(Path(url.database))
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=CHECKOUT_SECONDS,
        connect_args={"check_same_thread": False, "isolation_level": None},
    )
    event.listen(engine, "connect", _tell)
    return engine


def _tell(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _prepare_file(path: Path) -> None:
    """Make the file 0600 in a 0700 directory when it is new; SQLite gives its companions the same mode (R19).

    A file that exists is never opened here: closing it would drop the locks that this process holds on it (POSIX
    advisory locks belong to the process, not to the descriptor), and with them SQLite's protection."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR))
    except FileExistsError:
        return
    except OSError as error:
        raise StorageUnavailable(f"cannot open {path}: {error.strerror}") from error
