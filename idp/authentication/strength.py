"""How soon a password is guessed: by zxcvbn, which knows words, names, rows of keys, repetitions and dates (Wheeler,
USENIX Security 2016). It judges, it does not demand: no kind of character is asked for (NIST SP 800-63B-4 §3.1.1.2).
"""

import threading
from collections.abc import Iterable
from typing import Any, Literal

# The work grows with the square of the length, and more than this is refused: 20 to 30 ms on one core.
LONGEST_JUDGED = 72
# Of 0 to 4; below are those that a million guesses find.
LEAST_SCORE = 2

# The library keeps the names of a call where other calls see them.
_ALONE = threading.Lock()

Weakness = Literal["words", "person", "keyboard", "sequence", "repeats", "dates", "guessed"]
_BY_PATTERN: dict[str, Weakness] = {
    "spatial": "keyboard",
    "sequence": "sequence",
    "repeat": "repeats",
    "regex": "dates",
    "date": "dates",
}
_BY_DICTIONARY: dict[str, Weakness] = {
    "male_names": "person",
    "female_names": "person",
    "surnames": "person",
    "passwords": "guessed",
}


def weakness_of(password: str, names: Iterable[str]) -> Weakness | None:
    """Return what makes a password easily guessed, None where it is not. `names` are what an attacker knows of the
    account. Of a long one the beginning is judged."""
    # Loaded with the first new password: its word lists take time and memory.
    from zxcvbn import zxcvbn  # type: ignore[import-untyped]

    with _ALONE:
        found = zxcvbn(password[:LONGEST_JUDGED], user_inputs=list(names))
    if found["score"] >= LEAST_SCORE:
        return None
    longest: dict[str, Any] = max(found["sequence"], key=lambda match: len(match["token"]), default={})
    return _kind_of(longest)


def _kind_of(match: dict[str, Any]) -> Weakness:
    if match.get("pattern") == "dictionary":
        return _BY_DICTIONARY.get(match["dictionary_name"], "words")
    return _BY_PATTERN.get(match.get("pattern", ""), "guessed")
