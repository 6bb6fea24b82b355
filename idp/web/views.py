"""What each page shows: one frozen value a template. All in them is text for people; the renderer escapes it.

`action` is the absolute URL that a form is sent to, `flow` the handle of what it belongs to, `csrf_token` the
anti-forgery token of both. Links are absolute URLs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from markupsafe import Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Something to render; `template` names its file, `retry_after_seconds` how long one has to wait before a retry."""

    template: ClassVar[str]
    retry_after_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientView:
    """The client that a page speaks of. `host` is where it lives; `verified` says that an operator vouches for it,
    `self_registered` that none has even seen it. `logo_url` is the address of its logo, at the client's own place: the
    browser loads it, never this server, and the page's policy lets in that one image alone. `own` says that it is one
    of our own pages that asks, and no client."""

    name: str
    host: str
    policy_uri: str | None = None
    tos_uri: str | None = None
    verified: bool = False
    self_registered: bool = False
    logo_url: str | None = None
    own: bool = False

    @property
    def initial(self) -> str:
        """The letter that stands in for a logo."""
        return initial_of(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """One account that is signed in: its name, and the user name or e-mail address it signs in with. `value` is what
    its button in the chooser sends."""

    name: str
    login: str
    value: str = ""

    @property
    def initial(self) -> str:
        """The letter in the avatar."""
        return initial_of(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn(View):
    """The sign-in page.

    `reason` is why it is shown: `session` (nobody is signed in), `prompt` (the client asks for a fresh sign-in),
    `max_age` (the last one is too old for it), `hint` (it expects someone else). `error` is what was wrong with the
    last try: `missing`, `credentials`, `passkey` or `throttled`, the last with `retry_after_seconds`. `remember` is
    the box as it was sent with that try.

    With `account`, whose session goes on, only the password is asked for; `other_url` leads to the page without it.
    `passkey_options` are those of `navigator.credentials.get()` as JSON, None where browsers allow no passkeys.
    `accounts_url` leads to the account chooser, when others are signed in; `forgotten_url` to a new password, where
    there is mail; `sign_up_url` to a new account, where anybody may make one."""

    template: ClassVar[str] = "sign_in.html"
    action: str
    flow: str
    csrf_token: str
    client: ClientView | None
    username: str
    reason: str | None
    error: str | None
    remembered_seconds: int
    remember: bool = False
    account: AccountView | None = None
    other_url: str | None = None
    passkey_options: Mapping[str, Any] | None = None
    accounts_url: str | None = None
    forgotten_url: str | None = None
    sign_up_url: str | None = None

    @property
    def remembered_days(self) -> int:
        """How long `Keep me signed in` lasts."""
        return max(1, self.remembered_seconds // 86_400)

    @property
    def retry_minutes(self) -> int:
        """How long to wait after too many tries, rounded up."""
        return -(-(self.retry_after_seconds or 60) // 60)

    @property
    def again(self) -> bool:
        """Whether someone who is signed in has to prove it afresh."""
        return self.reason in {"prompt", "max_age", "acr"}

    @property
    def host(self) -> str:
        """Where this page is, so that people learn which address may have their password."""
        return urlsplit(self.action).netloc


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor(View):
    """The page that asks for a second factor: `method` is the one asked for, `others` (method, URL) what may be sent
    instead. `codes_left` is how many recovery codes there are. `is_step_up` says that the account is signed in
    already. `remember_days` is for how long the browser can be remembered, 0 where it cannot. `mailed_to` is
    where a code by mail goes, `mail_sent` that one was asked for. `error` is `missing`, `rejected`, `throttled` or, for
    too many of those, `mails`."""

    template: ClassVar[str] = "second_factor.html"
    action: str
    flow: str
    csrf_token: str
    client: ClientView
    account: AccountView
    method: str
    others: tuple[tuple[str, str], ...]
    is_step_up: bool
    codes_left: int
    remember_days: int
    mailed_to: str = ""
    mail_sent: bool = False
    passkey_options: Mapping[str, Any] | None = None
    error: str | None = None

    @property
    def retry_minutes(self) -> int:
        """How long to wait after too many tries, rounded up."""
        return -(-(self.retry_after_seconds or 60) // 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyOffer(View):
    """The page that offers to add a passkey: `options` are those of `navigator.credentials.create()` as JSON."""

    template: ClassVar[str] = "add_passkey.html"
    action: str
    flow: str
    csrf_token: str
    client: ClientView
    account: AccountView
    options: Mapping[str, Any]
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TotpSecret:
    """The secret of an authenticator app that is being set up: as `text` in groups to be typed, as `address` to be
    scanned or to open an app on the same device, and `sealed`, which comes back with the form."""

    text: str
    address: str
    sealed: str

    @property
    def qr_code(self) -> Markup:
        """The address as SVG."""
        # Only who sets up an authenticator app pays for what draws.
        import segno

        drawn = segno.make(self.address, error="m").svg_inline(omitsize=True, dark="#000", light="#fff")
        return Markup(drawn)  # noqa: S704 - squares, in which there is no text


@dataclass(frozen=True, slots=True, kw_only=True)
class TotpSetUp(View):
    """The page that sets up an authenticator app."""

    template: ClassVar[str] = "set_up_totp.html"
    action: str
    flow: str
    csrf_token: str
    client: ClientView
    account: AccountView
    secret: TotpSecret
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodes(View):
    """Recovery codes, shown this once. `continue_url` is where it goes on."""

    template: ClassVar[str] = "recovery_codes.html"
    codes: tuple[str, ...]
    continue_url: str
    account: AccountView


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeView:
    """One thing that a client asks for, in words."""

    title: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent(View):
    """The consent page."""

    template: ClassVar[str] = "consent.html"
    action: str
    flow: str
    csrf_token: str
    client: ClientView
    account_name: str
    scopes: tuple[ScopeView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChooser(View):
    """The account chooser. The button of the last row sends `another`."""

    template: ClassVar[str] = "accounts.html"
    action: str
    flow: str
    csrf_token: str
    client: ClientView
    accounts: tuple[AccountView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutConfirm(View):
    """The question whether to sign out. `home` is where Cancel leads, `client_name` who asks, if anyone does."""

    template: ClassVar[str] = "sign_out.html"
    action: str
    home: str
    flow: str
    csrf_token: str
    account_name: str
    client_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut(View):
    """The end of a session: the applications it was used for, and the registered way back to the one that asked.

    `frame_uris` are loaded unseen; with `continue_uri` the browser then goes there by itself."""

    template: ClassVar[str] = "signed_out.html"
    applications: tuple[str, ...]
    return_name: str | None
    return_uri: str | None
    frame_uris: tuple[str, ...] = ()
    continue_uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage(View):
    """Any refusal that a person sees: what happened, what to do, the code for whoever helps. `continue_url` starts
    again; `developer_facts` (label, value) are shown in development only."""

    template: ClassVar[str] = "error.html"
    title: str
    message: str
    advice: str
    error: str
    continue_url: str | None = None
    developer_facts: tuple[tuple[str, str], ...] = ()

    @property
    def retry_minutes(self) -> int:
        """How long to wait, rounded up; worth saying from two minutes on."""
        return -(-(self.retry_after_seconds or 0) // 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Home(View):
    """The page at the issuer itself; `account_names` are the user names signed in in this browser."""

    template: ClassVar[str] = "home.html"
    issuer: str
    discovery_url: str
    jwks_url: str
    sign_out_url: str
    account_names: tuple[str, ...]
    account_url: str = "/account"


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPostView(View):
    """The form that takes an authorization response to the client: its fields, and the redirect URI as `action`."""

    template: ClassVar[str] = "form_post.html"
    action: str
    members: tuple[tuple[str, str], ...]

    @property
    def host(self) -> str:
        """Where the form leads."""
        return urlsplit(self.action).netloc


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFrameView(View):
    """The page that clients load in a frame to ask whether the sessions changed; its script reads `state_cookie`."""

    template: ClassVar[str] = "session_frame.html"
    state_cookie: str


def initial_of(name: str) -> str:
    """Return the first letter or digit of a name in upper case, or a question mark."""
    return next((character.upper()[0] for character in name if character.isalnum()), "?")
