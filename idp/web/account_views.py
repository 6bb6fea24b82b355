"""What the account pages show. All in them is text for people; the renderer escapes it."""

from collections.abc import Mapping
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(AccountPage):
    """What the account says of its owner, to be changed: `values` and `faults` by claim. The address is only shown."""

    template: ClassVar[str] = "account_profile.html"
    values: Mapping[str, str]
    faults: Mapping[str, str]
    username: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChange(AccountPage):
    """The form for a new password of at least `shortest` characters. `error` is `missing`, `current`, `throttled` (with
    `retry_after_seconds`), or of the new one `short`, `long`, `name`."""

    template: ClassVar[str] = "account_password.html"
    shortest: int
    error: str | None = None

    @property
    def retry_minutes(self) -> int:
        """How long to wait after too many tries, rounded up."""
        return -(-(self.retry_after_seconds or 60) // 60)
