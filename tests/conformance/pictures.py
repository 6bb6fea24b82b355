"""The pictures that modules ask for: on which page each is taken, and whether the browser goes on afterwards."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.conformance.suite import LogEntry

LOGIN, CONSENT, ACCOUNTS, CONFIRM, LOGGED_OUT, ERROR, DELIVERED, NOTHING = (
    "login",
    "consent",
    "accounts",
    "confirm",
    "logged out",
    "error",
    "delivered",
    "nothing",
)
# The client's links that its sign-in must show.
_LINKS = ("policy_uri", "tos_uri")
# The provider serves the logo from its own origin: any picture within the card is the client's.
_LOGO = "main img"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPicture:
    """A picture that the log still waits for; it is taken on the first of the pages that has the element."""

    placeholder: str
    pages: frozenset[str]
    element: str = "body"
    is_the_end: bool = True


def wanted_picture(log: Iterable[LogEntry]) -> WantedPicture | None:
    """Return the picture that is still to be taken, if there is one."""
    entries = list(log)
    waiting = next((entry for entry in entries if entry.get("upload") and not entry.get("img")), None)
    if waiting is None:
        return None
    condition, placeholder = str(waiting.get("src", "")), str(waiting["upload"])
    if "SecondLoginPage" in condition:
        return WantedPicture(placeholder=placeholder, pages=frozenset({LOGIN}), is_the_end=False)
    if "LoginPage" in condition:
        # The logo stands on the first page, the links where one decides; whichever page shows it is the one.
        element = _LOGO if "Logo" in condition else _link(entries)
        return WantedPicture(placeholder=placeholder, pages=frozenset({LOGIN, CONSENT}), element=element)
    if "SuccessfulLogout" in condition:
        return WantedPicture(placeholder=placeholder, pages=frozenset({LOGGED_OUT}))
    return WantedPicture(placeholder=placeholder, pages=frozenset({ERROR, CONFIRM}))


def _link(entries: list[LogEntry]) -> str:
    requests = (entry.get("dynamic_registration_request") for entry in entries)
    members = (request.get(name) for request in requests if isinstance(request, dict) for name in _LINKS)
    return next((f'a[href="{uri}"]' for uri in members if uri), "a[href]")
