"""The paths of the account pages: what is not listed here does not exist."""

from idp.web.pages.account import overview, sessions
from idp.web.routing import Action

READ, BOTH = ("GET",), ("GET", "POST")


def account_actions() -> tuple[Action, ...]:
    """Return the account pages."""
    return (
        Action(path=overview.PATH, methods=READ, handle=overview.handle),
        Action(path=sessions.PATH, methods=BOTH, handle=sessions.handle),
    )
