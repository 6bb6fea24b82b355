"""The demo's home: a directory with its settings, secrets, database and logs, kept between starts."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from idp.cli.demo.addresses import Address
from idp.cli.development import development_settings, write_config
from idp.cli.failures import Failure
from idp.randomness import new_bytes, new_handle

USERNAME = "demo"
# No two look alike; as there are 32, each random byte gives one without a bias.
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_LETTERS, _GROUP = 16, 4


@dataclass(frozen=True, slots=True)
class DemoHome:
    """Files of a demo, and what the person at the keyboard needs to know."""

    directory: Path

    @property
    def config(self) -> Path:
        """Settings of the provider."""
        return self.directory / "idp.toml"

    @property
    def logs(self) -> Path:
        """Directory of the logs."""
        return self.directory / "logs"

    @property
    def password_file(self) -> Path:
        """Password of the demo user."""
        return self.directory / "demo-user.password"

    def secret_file(self, client_id: str) -> Path:
        """Secret of a client."""
        return self.directory / f"{client_id}.secret"

    @property
    def username(self) -> str:
        """Name of the demo user."""
        return USERNAME

    @property
    def password(self) -> str:
        """Password of the demo user."""
        return read_secret(self.password_file)

    @property
    def python(self) -> str:
        """This Python, as it may be typed here."""
        here = f"{Path.cwd()}{os.sep}"
        return sys.executable.removeprefix(here)


def open_home(directory: Path, where: Mapping[str, Address], *, reset: bool) -> DemoHome:
    """Return the home in a directory, with what is missing made; `reset` empties it before. Raises `Failure` for a
    directory that is something else's."""
    kept = DemoHome(directory)
    is_ours = kept.config.exists() or kept.password_file.exists()
    if directory.exists() and not is_ours and any(directory.iterdir()):
        raise Failure(f"{directory} is not empty, and is no home of a demo.", next_step="name another one with --home")
    if reset and directory.exists():
        shutil.rmtree(directory)
    kept.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    _keep(kept.password_file, new_password)
    for client_id in ("shop", "bank"):
        _keep(kept.secret_file(client_id), new_handle)
    write_config(directory, development_settings(directory, where["idp"].port))
    return kept


def new_password() -> str:
    """Return a random password of 80 bits that can be read out and typed."""
    letters = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in new_bytes(_LETTERS))
    return "-".join(letters[start : start + _GROUP] for start in range(0, _LETTERS, _GROUP))


def read_secret(file: Path) -> str:
    """Return what a file of `open_home` keeps."""
    return file.read_text("utf-8").strip()


def _keep(file: Path, make: Callable[[], str]) -> None:
    """Make a secret in a file of mode 0600, unless there is one."""
    if file.exists() and read_secret(file):
        return
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(make() + "\n")
