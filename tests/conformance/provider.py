"""The provider under test: `idp serve` as a process of its own, in a home that is made for the run."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import httpx2

from tests.conformance import accounts
from tests.conformance.surroundings import Surroundings

_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_COMMAND_SECONDS = 60.0
_ROTATION_SECONDS = 15.0
# So many tries that no run reaches them: all sign-ins come from one address and for one name.
_TRIES = "1000000"


@dataclass(frozen=True, slots=True)
class Provider:
    """A running provider and what belongs to it."""

    surroundings: Surroundings
    source: Path
    home: Path
    environment: dict[str, str]
    password: str

    @property
    def issuer(self) -> str:
        """The issuer identifier."""
        return self.surroundings.issuer

    def run_idp(self, *arguments: str, stdin: str | None = None) -> str:
        """Run an `idp` command against this home and return what it prints. Raises RuntimeError with what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "idp", *arguments],
            cwd=self.source,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
        )
        if done.returncode:
            raise RuntimeError(f"idp {' '.join(arguments[:2])}: {done.stderr or done.stdout}")
        return done.stdout

    def metadata(self) -> dict[str, Any]:
        """Return the discovery document."""
        return self._fetch(f"{self.issuer}/.well-known/openid-configuration")

    def rotate_keys(self) -> None:
        """Rotate the signing key and wait until the JWKS shows a key that was not there."""
        jwks_uri = self.metadata()["jwks_uri"]
        before = self._kids(jwks_uri)
        self.run_idp("keys", "rotate")
        _wait(lambda: bool(self._kids(jwks_uri) - before), _ROTATION_SECONDS, "a new key in the JWKS")

    def _kids(self, jwks_uri: str) -> set[str]:
        return {key["kid"] for key in self._fetch(jwks_uri)["keys"]}

    def _fetch(self, url: str) -> dict[str, Any]:
        with httpx2.Client(verify=self.surroundings.trust(), trust_env=False) as http:
            document: dict[str, Any] = http.get(url).raise_for_status().json()
        return document


@contextmanager
def running_provider(surroundings: Surroundings, source: Path, home: Path, log: Path) -> Iterator[Provider]:
    """Run the provider whose code lies in `source` until the block ends; what it logs goes to the file."""
    home.mkdir(parents=True, exist_ok=True)
    provider = Provider(surroundings, source, home, _environment(surroundings, home), secrets.token_urlsafe(24))
    provider.run_idp("migrate")
    claims = json.dumps(accounts.CLAIMS)
    new_user = ("user", "add", accounts.USERNAME, "--email", accounts.EMAIL, "--claims", claims, "--password-stdin")
    provider.run_idp(*new_user, stdin=provider.password)
    with log.open("w") as sink, _served(provider, sink):
        yield provider


@contextmanager
def _served(provider: Provider, sink: IO[str]) -> Iterator[None]:
    if _answers(provider):
        raise RuntimeError(f"something answers at {provider.issuer} already; it would be tested instead")
    command = [sys.executable, "-m", "idp", "serve"]
    process = subprocess.Popen(
        command, cwd=provider.source, env=provider.environment, stdout=sink, stderr=subprocess.STDOUT
    )
    try:
        _wait(lambda: process.poll() is not None or _answers(provider), _START_SECONDS, f"{provider.issuer} to answer")
        if process.poll() is not None:
            raise RuntimeError(f"`idp serve` ended at once with {process.returncode}; see {sink.name}")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _answers(provider: Provider) -> bool:
    try:
        return bool(provider.metadata())
    except httpx2.HTTPError:
        return False


def _environment(surroundings: Surroundings, home: Path) -> dict[str, str]:
    """Return the settings; none of the caller's own, nor of a file in the working directory, comes through."""
    issuer = urlsplit(surroundings.issuer)
    config = home / "idp.toml"
    config.touch()
    settings = {
        "CONFIG": config,
        "ISSUER": surroundings.issuer,
        "HOME": home,
        "KEY_ENCRYPTION_KEY_FILE": home / "key-encryption.key",
        "PORT": issuer.port or 443,
        "TLS_CERTIFICATE_FILE": surroundings.certificate,
        "TLS_KEY_FILE": surroundings.key,
        "OUTBOUND_CA_FILE": surroundings.ca,
        "OUTBOUND_HOSTS": surroundings.suite_host,
        "PROFILE": "oidc_legacy",
        "LOG_FORMAT": "json",
        "THROTTLE__PER_ACCOUNT": _TRIES,
        "THROTTLE__PER_ADDRESS": _TRIES,
        "THROTTLE__PER_CLIENT": _TRIES,
        "THROTTLE__REGISTRATIONS": _TRIES,
        "REGISTRATION": "open",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("IDP_")}
    return inherited | {f"IDP_{name}": str(value) for name, value in settings.items()}


def _wait(until: Callable[[], bool], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(0.1)
