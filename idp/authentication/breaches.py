"""Passwords known from breaches of others, by k-anonymity: only the first five hexadecimal digits of the password's
SHA-1 leave this machine, which hundreds of others share, and the answer is compared here.

The service only adds to what is refused. When it does not answer, the password is accepted, for otherwise its failure
would keep people from changing a password that is in other hands.
"""

import hashlib
import logging
from collections.abc import Callable

from idp.outbound.failures import OutboundFailed, OutboundRefused

_log = logging.getLogger(__name__)
PREFIX = 5
# Ranges have one to two thousand lines of some forty bytes, with the padding that hides how many.
MOST_BYTES = 256 * 1024
# Somebody waits for the page.
DEADLINE_SECONDS = 2.0


class Breaches:
    """Asks a service that speaks the range protocol of Pwned Passwords. `fetch` returns the document at a URL."""

    def __init__(self, url: str, fetch: Callable[[str], bytes]) -> None:
        self._url, self._fetch = url.rstrip("/"), fetch

    def has(self, password: str) -> bool:
        """Tell whether a password is known; False when the service does not say. Not to be called in a unit of work."""
        # SHA-1 is how the service names passwords; nothing is protected by it.
        name = hashlib.sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest().upper()
        try:
            answer = self._fetch(f"{self._url}/{name[:PREFIX]}")
        except (OutboundFailed, OutboundRefused) as fault:
            _log.warning("the breach check was left out: %s", fault.reason)
            return False
        return name[PREFIX:] in _suffixes(answer)


def _suffixes(answer: bytes) -> set[str]:
    """Return the rest of each digest that is known; lines of padding have a count of zero."""
    lines = (line.strip().partition(":") for line in answer.decode("ascii", "replace").splitlines())
    return {suffix.upper() for suffix, _, count in lines if count.strip().strip("0")}
