"""What the account pages show. All in them is text for people; the renderer escapes it."""

from dataclasses import dataclass
from typing import ClassVar

from idp.web.moments import Moment
from idp.web.views import AccountView, View


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFrame:
    """What all account pages have: their address, the one that is shown, whose account it is, the anti-forgery token of
    its forms, and what was `done` just now: one of the words that the layout knows, from the address, so any text."""

    root: str
    path: str
    account: AccountView
    csrf_token: str
    sign_out_url: str
    done: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage(View):
    """An account page."""

    frame: AccountFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview(AccountPage):
    """The first of them: who one is, and how it stands."""

    template: ClassVar[str] = "account_overview.html"
    email: str
    has_app: bool
    codes_left: int
    sessions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """One session: where it is, when it began and was last used, whether it is the one that looks."""

    session_id: str
    browser: str
    system: str
    address: str
    started: Moment
    seen: Moment
    is_this: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionList(AccountPage):
    """The sessions, this one first."""

    template: ClassVar[str] = "account_sessions.html"
    sessions: tuple[SessionView, ...]
