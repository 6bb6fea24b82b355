"""Where the native application keeps its tokens: one JSON file, readable by its owner alone.

The file is replaced in one step and never seen half-written; a lock beside it keeps two runs of the program from
using one refresh token twice.
"""

import json
import os
import stat
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

if sys.platform != "win32":
    import fcntl

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600


class TokenFileRefused(Exception):
    """The file cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class KeptToken:
    """An access token for one resource. `expires_at` in Unix seconds."""

    value: str = field(repr=False)
    scope: tuple[str, ...]
    expires_at: int


@dataclass(frozen=True, slots=True)
class KeptSignIn:
    """Everything that the application remembers of a sign-in."""

    issuer: str
    client_id: str
    subject: str
    name: str
    auth_time: int | None
    id_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    access_tokens: dict[str, KeptToken]


class TokenFile:
    """The file at `path`. Directories that it makes are for the owner alone."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def locked(self) -> Generator[None]:
        """Only one run of the program at a time may be inside."""
        self.path.parent.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        descriptor = os.open(self.path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, FILE_MODE)
        try:
            if sys.platform != "win32":
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def load(self) -> KeptSignIn | None:
        """What was kept, or None. Raises TokenFileRefused if others can read it or it is damaged."""
        try:
            mode = stat.S_IMODE(self.path.stat().st_mode)
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        if os.name == "posix" and mode & 0o077:
            raise TokenFileRefused(f"{self.path} can be read by others (mode {mode:o}). Run: chmod 600 {self.path}")
        try:
            return _parse(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise TokenFileRefused(f"{self.path} is damaged. Sign in again to replace it.") from error

    def save(self, kept: KeptSignIn) -> None:
        """Replace the file in one step."""
        descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=".tokens-")  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                json.dump(asdict(kept), stream, indent=2)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, self.path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(temporary)
            raise

    def delete(self) -> None:
        """Remove the file if it is there. The lock stays: whoever waits for it must not wait for another file."""
        self.path.unlink(missing_ok=True)


def _parse(members: dict[str, Any]) -> KeptSignIn:
    access_tokens = {
        resource: KeptToken(token["value"], tuple(token["scope"]), int(token["expires_at"]))
        for resource, token in members["access_tokens"].items()
    }
    return KeptSignIn(**{**members, "access_tokens": access_tokens})
