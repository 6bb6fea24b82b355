"""What the pages of recovery show, as in `idp.web.views`."""

from dataclasses import dataclass
from typing import ClassVar

from idp.web.views import View


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenPassword(View):
    """The page that asks whose password was forgotten. `back_url` leads back to the sign-in that it was left for, if it
    was for one; `error` is `missing`."""

    template: ClassVar[str] = "forgotten.html"
    action: str
    flow: str
    csrf_token: str
    back_url: str | None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenSent(View):
    """The answer to it, the same for every name; `name` is the one that was sent."""

    template: ClassVar[str] = "forgotten_sent.html"
    name: str
    minutes: int
    back_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPassword(View):
    """The page on which a new password is set. `error` is `missing` or a fault of
    `idp.authentication.password_rules`; passwords have `least_length` characters or more."""

    template: ClassVar[str] = "new_password.html"
    action: str
    flow: str
    csrf_token: str
    username: str
    least_length: int
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordSet(View):
    """The end of it. `is_asked_for_more` says that the next sign-in asks for a second step too."""

    template: ClassVar[str] = "password_set.html"
    username: str
    is_asked_for_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMe(View):
    """The question whether a sign-in was somebody else, with what happens then."""

    template: ClassVar[str] = "not_me.html"
    action: str
    flow: str
    csrf_token: str
    username: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMeDone(View):
    """The end of it. `forgotten_url` leads to a new password, where there is one and mail."""

    template: ClassVar[str] = "not_me_done.html"
    username: str
    forgotten_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMail:
    """One mail of development."""

    to: str
    subject: str
    words: str
    link: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMails(View):
    """The mails of development, the newest first."""

    template: ClassVar[str] = "kept_mails.html"
    mails: tuple[KeptMail, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailConfirm(View):
    """The question whether an account may have an e-mail address."""

    template: ClassVar[str] = "email_confirm.html"
    action: str
    flow: str
    csrf_token: str
    username: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailConfirmed(View):
    """The end of it."""

    template: ClassVar[str] = "email_confirmed.html"
    email: str
