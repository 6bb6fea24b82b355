"""What the account pages show. All in them is text for people; the renderer escapes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from idp.web.moments import Moment
from idp.web.views import AccountView, ClientView, ScopeView, TotpSecret, View


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFrame:
    """What all account pages have: their address, the one that is shown, whose account it is, the anti-forgery token of
    its forms, the `others` that are signed in in this browser, with the token of the forms that lead to them, and what
    was `done` just now: one of the words that the layout knows, from the address, so any text."""

    root: str
    path: str
    account: AccountView
    csrf_token: str
    others: tuple[AccountView, ...]
    browser_token: str
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
class RememberedView:
    """One browser that is not asked for the second factor: its name, since when, and until when."""

    device_id: str
    name: str
    since: Moment
    until: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionList(AccountPage):
    """The sessions, this one first, and the browsers that are `remembered`."""

    template: ClassVar[str] = "account_sessions.html"
    sessions: tuple[SessionView, ...]
    remembered: tuple[RememberedView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(AccountPage):
    """What the account says of its owner, to be changed: `values` and `faults` by claim; `zones` are the time zones to
    choose from. The address is only shown; `email_url` leads to the page that changes it, where there is mail."""

    template: ClassVar[str] = "account_profile.html"
    values: Mapping[str, str]
    faults: Mapping[str, str]
    zones: tuple[str, ...]
    username: str
    email: str
    email_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChange(AccountPage):
    """The form for a new e-mail address: `email` is the one of now, `sent` what was sent and is none if it
    `is_wrong`."""

    template: ClassVar[str] = "account_email.html"
    email: str
    is_confirmed: bool
    sent: str
    is_wrong: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordChange(AccountPage):
    """The form for a new password of at least `shortest` characters. `error` is `missing`, `current`, `throttled` (with
    `retry_after_seconds`), or of the new one what `idp.authentication.new_passwords` finds."""

    template: ClassVar[str] = "account_password.html"
    shortest: int
    error: str | None = None

    @property
    def retry_minutes(self) -> int:
        """How long to wait after too many tries, rounded up."""
        return -(-(self.retry_after_seconds or 60) // 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodView:
    """One authenticator: its name, when it was added and last used."""

    authenticator_id: str
    name: str
    added: Moment
    used: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Methods(AccountPage):
    """The ways to sign in. `keeps_app` says that the app is the only second factor and the operator demands one, so
    that it can be replaced only; `keeps_passkey` that, or that the only passkey is the only way in."""

    template: ClassVar[str] = "account_methods.html"
    password_set: Moment | None
    app: MethodView | None
    codes_left: int
    passkeys: tuple[MethodView, ...]
    can_add_passkey: bool
    keeps_app: bool
    keeps_passkey: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSetUp(AccountPage):
    """The form that sets up an authenticator app, in the place of an older one if it `replaces` that."""

    template: ClassVar[str] = "account_app.html"
    replaces: bool
    secret: TotpSecret
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyAdd(AccountPage):
    """The form that adds a passkey: `options` are those of `navigator.credentials.create()` as JSON, `name` is what was
    typed already."""

    template: ClassVar[str] = "account_passkey.html"
    options: Mapping[str, Any]
    name: str
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCodes(AccountPage):
    """Recovery codes: the question whether to make new ones, of which there are `left`, or these, shown this once."""

    template: ClassVar[str] = "account_codes.html"
    left: int
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationView:
    """A client that has access: what was granted, since when, and when last; the instants are missing where only a
    consent is remembered."""

    client_id: str
    client: ClientView
    scopes: tuple[ScopeView, ...]
    first: Moment | None
    last: Moment | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applications(AccountPage):
    """The clients that have access."""

    template: ClassVar[str] = "account_applications.html"
    applications: tuple[ApplicationView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """Something that happened to the account: `name` is of the catalogue of audit events."""

    name: str
    result: str
    client: str
    address: str
    at: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity(AccountPage):
    """What happened, the newest first; `older_url` leads on."""

    template: ClassVar[str] = "account_activity.html"
    events: tuple[EventView, ...]
    older_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Data(AccountPage):
    """The form that downloads what is kept of the account."""

    template: ClassVar[str] = "account_data.html"
