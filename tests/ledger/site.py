"""A provider that runs over a database of its own, and what can be killed of it."""

import os
import random
import signal
import ssl
import subprocess
from pathlib import Path

from idp.app import build_provider
from idp.clock import SystemClock
from idp.settings import Settings
from idp.stores.sql.storage import SqlStorage
from tests.cli.processes import children_of, clean_environment, wait_for
from tests.deploy.instances import Instance
from tests.deploy.journey import REDIRECT_URI, Target
from tests.ports import free_port
from tests.postgresql import DURABLE, Server
from tests.provider import PASSWORD, SECRET, House, SettableClock

ACCOUNTS = 4
# There is no TLS here; a context made for each visitor would cost more than the visit.
UNUSED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
# A start that has little to make and a sign-in that has little to compute leave more to be killed in.
CHEAP = {"memory_kib": 8, "iterations": 1}
FEW: dict[str, list[str]] = {"algorithms": ["RS256"], "decryption_algorithms": []}


class Site:
    """One instance of some workers, an account for each thread, a client; `close` ends all of it."""

    def __init__(self, directory: Path, server: Server | None, workers: int = 1, url: str = "") -> None:
        self.server, self._workers = server, workers
        port = free_port()
        url = url or (server.make_database() if server else f"sqlite:///{directory}/signet.sqlite3")
        self.issuer = f"http://127.0.0.1:{port}"
        environment = clean_environment() | {
            "IDP_ISSUER": self.issuer,
            "IDP_DATABASE_URL": url,
            "IDP_KEY_ENCRYPTION_KEY_FILE": str(directory / "key"),
            "IDP_WORKERS": str(workers),
            "IDP_REGISTRATION": "open",
            **{f"IDP_KEYS__{name.upper()}": ",".join(value) for name, value in FEW.items()},
            "IDP_MOST_REGISTERED_CLIENTS": "1000000",
            "IDP_LIFETIMES__REFRESH_GRACE_SECONDS": "60",
            **{f"IDP_THROTTLE__{name}": "1000000" for name in ("PER_ACCOUNT", "PER_ADDRESS", "REGISTRATIONS")},
        }
        self.instance = Instance(directory, environment, port)
        self._furnish(url, directory / "key")
        self.instance.start()

    def _furnish(self, url: str, key_file: Path) -> None:
        """Fill the database as the commands would, which takes longer."""
        storage = SqlStorage(url)
        storage.migrate()
        given = {"issuer": self.issuer, "key_encryption_key_file": key_file, "argon2": CHEAP, "keys": FEW}
        clock = SettableClock(SystemClock().now())
        house = House(build_provider(Settings.model_validate(given), storage, clock), clock)
        for number in range(ACCOUNTS):
            house.add_account(f"ada{number}")
        house.add_client("app", redirect_uris=[REDIRECT_URI])
        storage.close()

    @classmethod
    def make(cls, directory: Path, *, postgresql: bool, workers: int = 1) -> "Site":
        """Make one with a database of its own."""
        return cls(directory, Server.make(DURABLE) if postgresql else None, workers)

    def target(self, username: str) -> Target:
        """Return how it is reached by somebody."""
        return Target(self.issuer, self.issuer, "app", SECRET, username or "ada0", PASSWORD, UNUSED)

    def kill(self, chance: random.Random) -> str:
        """Kill one of its processes as hard as can be; return which."""
        if self.server is not None and chance.random() < 0.5:
            self.server.stop()
            return "PostgreSQL"
        process = self.process
        workers = list(children_of(process.pid)) if self._workers > 1 else []
        if workers and chance.random() < 0.7:
            os.kill(chance.choice(workers), signal.SIGKILL)
            return "a worker"
        process.kill()
        process.wait()
        return "the instance"

    def recover(self, killed: str) -> None:
        """Start again what a service manager would; of the provider's own, nothing."""
        if killed == "PostgreSQL" and self.server is not None:
            self.server.start()
        elif killed == "the instance":
            self._await_workers_end()
            self.instance.start()
        wait_for(self.instance.is_ready, f"not ready after {killed} was killed")

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that is the instance."""
        assert self.instance.process is not None
        return self.instance.process

    def _await_workers_end(self) -> None:
        """Workers without a supervisor end by themselves and then give back the address."""
        if self._workers > 1:
            wait_for(lambda: not self.instance.is_ready(), "the workers of a killed supervisor do not end")

    def close(self) -> None:
        """End what was started."""
        if self.process.poll() is None:
            self.instance.stop(signal.SIGTERM)
        if self.server is not None:
            self.server.remove()
