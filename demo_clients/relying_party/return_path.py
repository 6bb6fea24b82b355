"""Where to go after sign-in: one of the application's own pages, or the front page (open redirect, RFC 9700 §4.11).

An allow-list of whole paths leaves nothing to be clever about: no `//evil.example`, no `/\\evil.example`, no
`https:evil.example`, no control characters that a browser would drop.
"""

from dataclasses import dataclass

FRONT_PAGE = "/"


@dataclass(frozen=True, slots=True)
class ReturnPath:
    """The path that is safe to use, and whether it is the one that was asked for."""

    path: str
    honoured: bool


def return_path(wanted: str | None, pages: frozenset[str]) -> ReturnPath:
    """The wanted path if it is one of `pages`, else the front page."""
    if wanted is None:
        return ReturnPath(FRONT_PAGE, honoured=True)
    return ReturnPath(wanted, honoured=True) if wanted in pages else ReturnPath(FRONT_PAGE, honoured=False)
