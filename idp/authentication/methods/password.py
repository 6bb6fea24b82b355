"""Passwords by Argon2id (RFC 9106).

A password is compared exactly as it was sent: what one keyboard composes and another decomposes are two passwords,
which is what the person typed, and no normalisation of a later Unicode can lock anyone out.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, HashingError, InvalidHashError, VerificationError
from argon2.low_level import error_to_str

from idp.settings import Argon2

# NIST SP 800-63B-4 §3.1.1.2 asks for at least 64; the bound keeps a huge one from costing us anything.
LONGEST = 4_096
# The reference implementation's ARGON2_MEMORY_ALLOCATION_ERROR.
NO_MEMORY = error_to_str(-22)


@dataclass(frozen=True, slots=True)
class Verified:
    """Whether the password is right, and whether its hash was made with other parameters than today's."""

    ok: bool
    needs_rehash: bool = False


class Passwords:
    """Hashes and verifies, at most `concurrent` at a time: each costs memory and a core (R18). `freed` is called when
    one has given its memory back."""

    def __init__(self, settings: Argon2, freed: Callable[[], None] = lambda: None) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.iterations, memory_cost=settings.memory_kib, parallelism=settings.parallelism
        )
        self._places, self._freed = threading.BoundedSemaphore(settings.concurrent), freed

    def hash(self, password: str) -> str:
        """Return the encoded hash. Raises ValueError for a password that is empty or too long, MemoryError."""
        if not 0 < len(password) <= LONGEST:
            raise ValueError(f"a password has 1 to {LONGEST} characters")
        with self._room(), _telling_memory():
            return self._hasher.hash(password.encode("utf-8", "surrogatepass"))

    def verify(self, encoded: str | None, password: str) -> Verified:
        """Verify a password against an encoded hash; without one, or with one too long, the same work is done against
        a decoy, so the time tells nothing (R11). Never raises for anything in the password; raises MemoryError when
        there is no room to judge it."""
        known = encoded is not None and 0 < len(password) <= LONGEST
        raw = password[:LONGEST].encode("utf-8", "surrogatepass")
        with self._room():
            against = encoded if known and encoded is not None else self._decoy
            try:
                with _telling_memory():
                    self._hasher.verify(against, raw)
            except (Argon2Error, InvalidHashError):
                return Verified(ok=False)
        return Verified(ok=known, needs_rehash=known and self._hasher.check_needs_rehash(against))

    @contextmanager
    def _room(self) -> Iterator[None]:
        with self._places:
            try:
                yield
            finally:
                self._freed()

    @cached_property
    def _decoy(self) -> str:
        with _telling_memory():
            return self._hasher.hash(b"no account has this")


@contextmanager
def _telling_memory() -> Iterator[None]:
    """Raise MemoryError where the library says by one word among others that it got none: a right password must not
    pass for a wrong one because the machine is full (R23)."""
    try:
        yield
    except (VerificationError, HashingError) as error:
        if str(error) == NO_MEMORY:
            raise MemoryError from error
        raise
