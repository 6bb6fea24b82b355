"""What a new password must be (NIST SP 800-63B-4 §3.1.1.2): long enough, and none that is tried first. Nothing is asked
of its characters, for such rules make passwords weaker.
"""

import gzip
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Literal

from idp.authentication.methods.password import LONGEST

# Alone it has to resist guessing by itself; beside a second factor it is one of two.
SHORTEST_ALONE = 15
SHORTEST_WITH_SECOND_FACTOR = 8
# A shorter piece that is only repeated is as quickly tried as the piece.
_LONGEST_REPEATED = 8

Fault = Literal["short", "long", "common", "name", "repeated"]


def shortest(*, has_second_factor: bool) -> int:
    """Return how many characters a password has at least."""
    return SHORTEST_WITH_SECOND_FACTOR if has_second_factor else SHORTEST_ALONE


def fault_of(password: str, *, names: Iterable[str], has_second_factor: bool) -> Fault | None:
    """Return what is wrong with a new password, None where nothing is. `names` are what an attacker knows: those of the
    account and of the product."""
    if len(password) < shortest(has_second_factor=has_second_factor):
        return "short"
    if len(password) > LONGEST:
        return "long"
    folded = password.casefold()
    if folded in common_passwords():
        return "common"
    known = {name.casefold() for name in names}
    known |= {name.partition("@")[0] for name in known}
    if any(_is_made_of(folded, name) for name in known if name):
        return "name"
    return "repeated" if _period(folded) <= _LONGEST_REPEATED < len(folded) else None


@cache
def common_passwords() -> frozenset[str]:
    """Return the most common passwords of eight characters or more, in lower case."""
    packed = files("idp.authentication").joinpath("common_passwords.txt.gz").read_bytes()
    return frozenset(gzip.decompress(packed).decode().split("\n"))


def _is_made_of(password: str, name: str) -> bool:
    """Tell whether a password is a name, over and over, with nothing but digits and signs around."""
    rest = password.replace(name, "")
    return rest != password and not any(character.isalpha() for character in rest)


def _period(text: str) -> int:
    """Return the length of the shortest piece that the text is a repetition of, a last one cut off included."""
    return next(length for length in range(1, len(text) + 1) if text[length:] == text[: len(text) - length])
