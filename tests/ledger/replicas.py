"""A pair of PostgreSQL servers, of which one follows the other and takes its place when it dies."""

import os
import shutil
import tempfile
from pathlib import Path

from tests.cli.processes import wait_for
from tests.postgresql import DURABLE, NOBODY, Server


class Pair:
    """A primary and its standby. Synchronous ones acknowledge only what both have."""

    def __init__(self, *, synchronous: bool) -> None:
        self._synchronous = synchronous
        self.primary = Server.make(DURABLE)
        self.database = self.primary.make_database()
        directory = Path(tempfile.mkdtemp(prefix="signet-standby-"))
        if os.geteuid() == 0:
            os.chown(directory, NOBODY, NOBODY)
        self.standby = Server(directory, self.primary._installation, DURABLE)
        self.follow()

    @property
    def url(self) -> str:
        """Return the database_url that names both, of which the one that can be written is used."""
        name = self.database.rpartition("/")[2]
        hosts = "&".join(f"host=127.0.0.1:{server.port}" for server in (self.primary, self.standby))
        return f"postgresql://signet@/{name}?{hosts}&target_session_attrs=read-write"

    def follow(self) -> None:
        """Throw away what the standby holds, copy the primary, and follow it."""
        shutil.rmtree(self.standby._data, ignore_errors=True)
        source = ("-h", "127.0.0.1", "-p", str(self.primary.port), "-U", "signet")
        self.standby._run("pg_basebackup", *source, "-D", str(self.standby._data), "-R", "-X", "stream", "-c", "fast")
        self.standby.start()
        if self._synchronous:
            self.primary._execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            self.primary._execute("SELECT pg_reload_conf()")
        wait_for(self._is_followed, "the standby does not follow")

    def fail_over(self) -> None:
        """Kill the primary and promote the standby, which is the primary then."""
        self.primary.stop()
        self.standby._run("pg_ctl", "promote", "-w", "-D", str(self.standby._data))
        self.primary, self.standby = self.standby, self.primary

    def remove(self) -> None:
        """Stop both, and leave nothing behind."""
        self.primary.remove()
        self.standby.remove()

    def _is_followed(self) -> bool:
        wanted = ("sync", "quorum") if self._synchronous else ("async",)
        with self.primary.connect(self.primary.url("postgres")) as connection:
            rows = connection.execute("SELECT sync_state FROM pg_stat_replication WHERE state = 'streaming'").fetchall()
        return any(row[0] in wanted for row in rows)
