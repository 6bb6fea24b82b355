"""New passwords: judged by all rules, then hashed. Both take time, and one may ask another party, so they are never
done within a unit of work."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from idp.authentication import password_rules
from idp.authentication.methods.password import Passwords
from idp.authentication.strength import Weakness, weakness_of

Fault = password_rules.Fault | Weakness | Literal["breached"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Whom a password is for: the names that others know, the product's too, and whether there is a second factor."""

    names: tuple[str, ...]
    has_second_factor: bool


class NewPasswords:
    """Judges and hashes. `is_breached` asks whether a password is known from a breach of others, where that is set."""

    def __init__(self, passwords: Passwords, is_breached: Callable[[str], bool] | None = None) -> None:
        self._passwords, self._is_breached = passwords, is_breached

    def fault_of(self, password: str, owner: Owner) -> Fault | None:
        """Return what is wrong with a new password, None where nothing is."""
        fault = password_rules.fault_of(password, names=owner.names, has_second_factor=owner.has_second_factor)
        if fault is not None:
            return fault
        weakness = weakness_of(password, owner.names)
        if weakness is not None:
            return weakness
        return "breached" if self._is_breached is not None and self._is_breached(password) else None

    def hash(self, password: str) -> str:
        """Return the hash of a password that has no fault. Raises ValueError, MemoryError."""
        return self._passwords.hash(password)
