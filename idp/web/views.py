"""What each page shows: one frozen value a template. All in them is text for people; the renderer escapes it."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Something to render; `template` names its file."""

    template: ClassVar[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientView:
    """The client that a page speaks of. `host` is where it lives; `verified` says that an operator vouches for it."""

    name: str
    host: str
    policy_uri: str | None = None
    tos_uri: str | None = None
    verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn(View):
    """The sign-in page. `reason` is why it is shown (`session`, `prompt`, `max_age`, `hint`), `error` what was wrong
    with the last try (`missing`, `credentials`, `throttled`)."""

    template: ClassVar[str] = "sign_in.html"
    action: str
    flow: str
    csrf_token: str
    client: ClientView
    username: str
    reason: str | None
    error: str | None
    retry_after_seconds: int | None
    remembered_seconds: int

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
        return self.reason in {"prompt", "max_age", "hint"}


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
class AccountView:
    """One account that is signed in; `value` is what its button sends."""

    value: str
    name: str
    login: str

    @property
    def initial(self) -> str:
        """The letter in the avatar."""
        return next((letter.upper() for letter in self.name if letter.isalnum()), "?")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChooser(View):
    """The account chooser."""

    template: ClassVar[str] = "accounts.html"
    action: str
    flow: str
    csrf_token: str
    client: ClientView
    accounts: tuple[AccountView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutConfirm(View):
    """The question whether to sign out."""

    template: ClassVar[str] = "sign_out.html"
    action: str
    home: str
    flow: str
    csrf_token: str
    account_name: str
    client_name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut(View):
    """The end of a session, with the applications that were told."""

    template: ClassVar[str] = "signed_out.html"
    applications: tuple[str, ...]
    return_name: str | None
    return_uri: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage(View):
    """Any refusal that a person sees: what happened, what to do, the code for whoever helps. `continue_url` starts
    again; `developer_facts` are shown in development only."""

    template: ClassVar[str] = "error.html"
    title: str
    message: str
    advice: str
    error: str
    continue_url: str | None = None
    developer_facts: tuple[tuple[str, str], ...] = ()
    retry_after_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Home(View):
    """The page at the issuer itself."""

    template: ClassVar[str] = "home.html"
    issuer: str
    discovery_url: str
    jwks_url: str
    sign_out_url: str
    account_names: tuple[str, ...]
