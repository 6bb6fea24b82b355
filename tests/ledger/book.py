"""The ledger: what was tried and what was acknowledged, line by line, and what is therefore true."""

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

# "maybe" is what was tried and never answered.
State = Literal["no", "maybe", "yes"]


@dataclass(slots=True)
class Life:
    """What has to be true of one person's visit, as far as anybody was told."""

    number: int
    username: str = ""
    cookies: dict[str, str] = field(default_factory=dict)
    signed_out: State = "no"
    code: str = ""
    redeemed: State = "no"
    head: str = ""
    refreshed: State = "no"
    revoked: State = "no"
    spent: list[str] = field(default_factory=list)
    client: dict[str, Any] = field(default_factory=dict)
    renaming: str = ""

    def apply(self, did: str, about: dict[str, Any]) -> None:
        """Take a line into account."""
        getattr(self, f"_{did}")(**about)

    def _signed_in(self, username: str, cookies: dict[str, str], code: str) -> None:
        self.username, self.cookies, self.code, self.redeemed = username, cookies, code, "no"

    def _redeems(self) -> None:
        self.redeemed = "maybe"

    def _redeemed(self, refresh_token: str) -> None:
        self.redeemed, self.head, self.refreshed = "yes", refresh_token, "no"

    def _refreshes(self) -> None:
        self.refreshed = "maybe"

    def _refreshed(self, refresh_token: str) -> None:
        self.spent.append(self.head)
        self.head, self.refreshed = refresh_token, "no"

    def _revokes(self) -> None:
        self.revoked = "maybe"

    def _revoked(self) -> None:
        self.revoked = "yes"

    def _signs_out(self) -> None:
        self.signed_out = "maybe"

    def _signed_out(self) -> None:
        self.signed_out = "yes"

    def _registered(self, client: dict[str, Any]) -> None:
        self.client, self.renaming = client, ""

    def _renames(self, name: str) -> None:
        self.renaming = name


class Ledger:
    """An append-only file. Safe for use by many threads."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a+", encoding="utf-8")
        self._lock, self._lives, self._read = threading.Lock(), 0, 0
        self.lines = 0

    def open_life(self) -> int:
        """Return the number of a new visit."""
        with self._lock:
            self._lives += 1
            return self._lives

    def write(self, life: int, did: str, **about: Any) -> None:
        """Append a line. What is tried is written before it is sent, what is acknowledged as soon as it is answered."""
        with self._lock:
            self._file.write(json.dumps([life, did, about]) + "\n")
            self._file.flush()
            self.lines += 1

    def lives(self) -> list[Life]:
        """Return what the lines since the last call are about."""
        found: dict[int, Life] = {}
        with self._lock:
            self._file.seek(self._read)
            for line in self._file.read().splitlines():
                number, did, about = json.loads(line)
                found.setdefault(number, Life(number)).apply(did, about)
            self._read = self._file.tell()
        return list(found.values())

    def close(self) -> None:
        """Close the file."""
        self._file.close()
