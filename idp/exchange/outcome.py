"""What the import of each kind of record needs, and what may come of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from idp.accounts.sessions import Sessions
from idp.jose.sealing import KeyEncryptionKey
from idp.protocol.registry import Registry
from idp.settings import Settings

Outcome = Literal["made", "changed", "unchanged", "skipped"]
OnConflict = Literal["fail", "skip", "replace"]
_NAMES = {str: "a text", bool: "true or false", dict: "an object", list: "a list", int: "a whole number"}


class Wrong(Exception):
    """A record that cannot be taken; the text says what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Importing:
    """One import. `vault` is asked for only where a client secret serves as a key."""

    registry: Registry
    settings: Settings
    sessions: Sessions
    vault: Callable[[], KeyEncryptionKey]
    on_conflict: OnConflict
    now: int

    def may_replace(self, what: str, differences: Mapping[str, bool]) -> bool:
        """Tell whether what is there already is to be changed. Raises `Wrong` where that is a conflict."""
        if self.on_conflict == "fail":
            names = ", ".join(name for name, differs in differences.items() if differs)
            raise Wrong(f"{what} is there already and differs: {names} (--on-conflict skip or replace)")
        return self.on_conflict == "replace"


def check_members(given: Mapping[str, Any], types: Mapping[str, type], required: tuple[str, ...]) -> None:
    """Raise `Wrong` unless the members are known, of their types, and those that must be there are."""
    if unknown := sorted(set(given) - set(types)):
        raise Wrong(f"no such member: {', '.join(unknown)}; expected: {', '.join(types)}")
    if missing := [name for name in required if name not in given]:
        raise Wrong(f"{', '.join(missing)} is missing")
    for name, value in given.items():
        # JSON's true is no number, although Python's is.
        if not isinstance(value, types[name]) or (isinstance(value, bool) and types[name] is not bool):
            raise Wrong(f"{name} must be {_NAMES[types[name]]}")
