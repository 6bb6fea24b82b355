"""A provider in a process of its own, as an operator starts it, and what the kernel says of it."""

import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from idp.accounts.accounts import create_account
from idp.accounts.clients import create_client
from idp.app import build_registry
from idp.authentication.methods.password import Passwords
from idp.settings import Settings
from idp.stores.sql.storage import SqlStorage
from tests.cli.processes import ROOT, clean_environment, get, wait_for
from tests.ports import answers, free_port
from tests.provider import PASSWORD, SECRET

REDIRECT_URI = "https://rp.example/cb"
# What is measured is not the throttle.
UNTHROTTLED = {f"throttle.{name}": 1_000_000_000 for name in ("per_account", "per_address", "per_client")}


@dataclass(frozen=True)
class Served:
    """A provider that serves."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def host(self) -> str:
        """The Host of its issuer."""
        return f"127.0.0.1:{self.port}"

    def megabytes(self, name: str = "VmRSS") -> float:
        """Return the resident memory, or `VmHWM`, its peak."""
        found = re.search(rf"{name}:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())
        assert found
        return int(found[1]) / 1024

    def descriptors(self) -> int:
        """Return how many files and connections it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def faults(self) -> list[str]:
        """Return the lines of its log that speak of a fault of ours."""
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return [line for line in lines if "Traceback" in line or '"unforeseen"' in line or "MemoryError" in line]


@contextmanager
def provider(*, megabytes: int | None = None, **settings: Any) -> Iterator[Served]:
    """Serve a fresh provider with the client `web` and the account `alice` until the block ends.

    `megabytes` bounds what it may write to (RLIMIT_DATA), which is more than its resident memory."""
    with tempfile.TemporaryDirectory() as folder:
        port, home = free_port(), Path(folder)
        chosen = {
            "issuer": f"http://127.0.0.1:{port}",
            "home": home,
            "key_encryption_key_file": home / "key",
            "port": port,
        }
        _fill(Settings.model_validate(chosen))
        overrides = chosen | {"log_level": "warning"} | UNTHROTTLED | settings
        options = [part for key, value in overrides.items() for part in ("--set", f"{key}={value}")]

        def bound() -> None:
            if megabytes is not None:
                resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, megabytes << 20))

        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "idp", *options, "serve"],
                env=clean_environment() | {"PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
                preexec_fn=bound,
            )
        try:
            served = Served(process, port, home / "log")
            wait_for(lambda: answers(port), "it serves")
            yield served
            assert get(port, "/health/ready", served.host).status == 200
            assert served.faults() == []
        finally:
            process.terminate()
            try:
                assert process.wait(30) == 0
            finally:
                process.kill()


def _fill(settings: Settings) -> None:
    storage = SqlStorage(settings.database_url)
    storage.migrate()
    metadata = {
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
    }
    checked = build_registry().check_client_metadata(metadata, settings)
    with storage.begin() as uow:
        create_client(uow, client_id="web", metadata=checked, first_party=True, secret=SECRET, now=0)
        hashed = Passwords(settings.argon2).hash(PASSWORD)
        create_account(uow, username="alice", roles=("customer",), password_hash=hashed, now=0)
    storage.close()
