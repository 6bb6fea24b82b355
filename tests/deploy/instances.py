"""Two instances over one PostgreSQL database, behind a proxy."""

import os
import signal
import ssl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.cli.processes import clean_environment, get, wait_for
from tests.deploy.journey import REDIRECT_URI, Target
from tests.deploy.proxies import NAME, PROXIES, Proxy
from tests.outbound.test_tls import _self_signed
from tests.ports import free_port
from tests.postgresql import Server

PASSWORD = "correct horse battery staple"


@dataclass
class Instance:
    """One `idp serve`, which can be killed and started again."""

    directory: Path
    environment: dict[str, str]
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return when it is ready."""
        with (self.directory / f"idp-{self.port}.log").open("ab") as log:
            self.process = self._run("--set", f"port={self.port}", "serve", stdout=log, stderr=log)
        wait_for(self.is_ready, f"{self.port} does not get ready")

    def is_ready(self) -> bool:
        """Tell whether it is."""
        try:
            return get(self.port, "/health/ready").status == 200
        except OSError:
            return False

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(30)

    def command(self, *arguments: str, stdin: str = "") -> None:
        """Run another command with the same settings."""
        process = self._run(*arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process.communicate(stdin.encode(), timeout=60)
        assert process.returncode == 0, arguments

    def _run(self, *arguments: str, **streams: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "idp", *arguments]
        return subprocess.Popen(command, env=self.environment, **streams)  # type: ignore[call-overload, no-any-return]


class Site:
    """A database, two instances, a proxy, an account and a client; `close` ends all of it."""

    def __init__(self, directory: Path, proxy: str, accounts: int = 1) -> None:
        self.server = Server.make()
        http, https = free_port(), free_port()
        issuer = f"https://{NAME}:{https}"
        certificate = _self_signed(directory / "certificate.pem", NAME)
        environment = clean_environment() | {
            "IDP_ISSUER": issuer,
            "IDP_DATABASE_URL": self.server.make_database("template0"),
            "IDP_KEY_ENCRYPTION_KEY_FILE": str(directory / "key"),
            "IDP_MIGRATE_ON_START": "false",
            "IDP_TRUSTED_PROXIES": "127.0.0.1",
            "IDP_THROTTLE__PER_ACCOUNT": "1000000",
            "IDP_THROTTLE__PER_ADDRESS": "1000000",
        }
        ports = (free_port(), free_port())
        self.instances = [Instance(directory, environment, port) for port in ports]
        first = self.instances[0]
        first.command("migrate")
        for number in range(accounts):
            first.command("user", "add", f"ada{number}", "--password-stdin", stdin=PASSWORD)
        secret = directory / "secret"
        first.command("client", "add", "app", "--redirect-uri", REDIRECT_URI, "--secret-file", str(secret))
        for instance in self.instances:
            instance.start()
        trust = ssl.create_default_context(cafile=str(certificate))
        self.proxy: Proxy = PROXIES[proxy](directory, certificate, (http, https), ports)
        self.proxy.start()
        self.http = http
        self.targets = [
            Target(f"https://127.0.0.1:{https}", issuer, "app", secret.read_text().strip(), f"ada{n}", PASSWORD, trust)
            for n in range(accounts)
        ]
        self.port = https
        self.environment = environment

    def close(self) -> None:
        """End what was started, by its own process ids."""
        self.proxy.stop()
        for instance in self.instances:
            if instance.process is not None and instance.process.poll() is None:
                instance.stop(signal.SIGKILL)
        self.server.remove()


def made_directory(path: Path) -> Path:
    """Make a directory into which the proxy's own user may look."""
    path.mkdir(parents=True, exist_ok=True)
    os.chmod(path, 0o755)
    return path
