"""What a new password has to be (NIST SP 800-63B-4 §3.1.1.2): long, and not one's own name; no rules of composition."""

from collections.abc import Iterable

from idp.accounts.names import canonical_name
from idp.authentication.methods.password import LONGEST

SHORTEST_ALONE = 15
SHORTEST_WITH_SECOND_FACTOR = 8


def shortest(*, has_second_factor: bool) -> int:
    """Return how many characters a new password needs."""
    return SHORTEST_WITH_SECOND_FACTOR if has_second_factor else SHORTEST_ALONE


def fault_of(password: str, *, names: Iterable[str], has_second_factor: bool) -> str | None:
    """Return what is wrong with a new password: `short`, `long`, or `name` for one of the account's own names; None
    where nothing is."""
    if len(password) < shortest(has_second_factor=has_second_factor):
        return "short"
    if len(password) > LONGEST:
        return "long"
    return "name" if canonical_name(password) in set(names) else None
