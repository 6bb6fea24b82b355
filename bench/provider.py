"""A provider in a process of its own on loopback, with one client and one account, and what the kernel says of it."""

import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from idp.accounts.accounts import create_account
from idp.accounts.clients import create_client
from idp.app import build_registry
from idp.authentication.methods.password import Passwords
from idp.settings import Settings
from idp.stores.sql.storage import SqlStorage

CLIENT, SECRET, USERNAME, PASSWORD = "web", "bench-secret", "bench", "a long enough password"
REDIRECT_URI = "https://rp.example/cb"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Running:
    """A running provider."""

    pid: int
    port: int
    host: str
    ready_seconds: float

    def cpu_seconds(self) -> float:
        """Return the CPU time that the process has used, in user and kernel mode."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_megabytes(self) -> float:
        """Return the resident memory."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


@contextmanager
def running_provider(port: int) -> Iterator[Running]:
    """Serve a fresh provider until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        host = f"127.0.0.1:{port}"
        settings = Settings(
            issuer=f"http://{host}", home=Path(folder), key_encryption_key_file=Path(folder) / "kek", port=port
        )
        _fill(settings)
        overrides = {
            "issuer": settings.issuer,
            "home": folder,
            "port": port,
            "key_encryption_key_file": folder + "/kek",
        }
        overrides |= {"log_level": "warning", "throttle.per_address": 1_000_000, "throttle.per_account": 1_000_000}
        options = [part for key, value in overrides.items() for part in ("--set", f"{key}={value}")]
        began = time.monotonic()
        process = subprocess.Popen([sys.executable, "-m", "idp", *options, "serve"])
        try:
            _wait(port)
            yield Running(process.pid, port, host, time.monotonic() - began)
        finally:
            process.terminate()
            process.wait(20)


def _fill(settings: Settings) -> None:
    storage = SqlStorage(settings.database_url)
    storage.migrate()
    metadata = {
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
    }
    checked = build_registry().check_client_metadata(metadata, settings)
    with storage.begin() as uow:
        create_client(uow, client_id=CLIENT, metadata=checked, first_party=True, secret=SECRET, now=0)
        hashed = Passwords(settings.argon2).hash(PASSWORD)
        create_account(uow, username=USERNAME, roles=("customer",), password_hash=hashed, now=0)
    storage.close()


def _wait(port: int) -> None:
    for _ in range(600):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.01)
        finally:
            connection.close()
    raise SystemExit("the provider did not become ready")
