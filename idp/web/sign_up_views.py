"""What the pages of sign-up show, as in `idp.web.views`."""

from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import urlsplit

from idp.web.views import ClientView, View


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpStart(View):
    """The page that asks for an e-mail address. `error` is `email`, `domain` (none of `domains`, of which one is needed
    where there are any), or `throttled`, with `retry_after_seconds`."""

    template: ClassVar[str] = "sign_up.html"
    action: str
    flow: str
    csrf_token: str
    client: ClientView | None
    email: str
    domains: tuple[str, ...] = ()
    error: str | None = None

    @property
    def retry_minutes(self) -> int:
        """How long to wait after too many tries, rounded up."""
        return -(-(self.retry_after_seconds or 60) // 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpSent(View):
    """The answer to it, the same for every address; the mail can be sent again when `retry_after_seconds` is over.
    `was_early` says that it was asked for before."""

    template: ClassVar[str] = "sign_up_sent.html"
    action: str
    flow: str
    csrf_token: str
    email: str
    minutes: int
    back_url: str
    was_early: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpFinish(View):
    """The page that a link leads to: a user name and a password for the account at `email`. `name_error` is `form`,
    `reserved`, `taken` or `missing`; `error` one of `idp.authentication.new_passwords`, or `missing`. With `is_taken`
    the address has an account already, and there is nothing to fill in."""

    template: ClassVar[str] = "sign_up_finish.html"
    action: str
    flow: str
    csrf_token: str
    email: str
    username: str
    least_length: int
    sign_in_url: str
    name_error: str | None = None
    error: str | None = None
    is_taken: bool = False

    @property
    def host(self) -> str:
        """Where this page is, so that people learn which address may have their password."""
        return urlsplit(self.action).netloc
