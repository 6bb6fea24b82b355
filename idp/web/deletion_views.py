"""What the pages about deleting an account show."""

from dataclasses import dataclass
from typing import ClassVar

from idp.web.account_views import AccountPage
from idp.web.moments import Moment
from idp.web.views import AccountView, ClientView, View


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion(AccountPage):
    """The question whether to delete the account: it could be kept for so many `days`, until `deleted`."""

    template: ClassVar[str] = "account_delete.html"
    days: int
    deleted: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepAccount(View):
    """The question whether to keep an account that was closed; `deleted` is when it is removed otherwise."""

    template: ClassVar[str] = "keep_account.html"
    action: str
    flow: str
    csrf_token: str
    client: ClientView
    account: AccountView
    deleted: Moment


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountClosed(View):
    """An account is closed, and is removed when `deleted` says; until then `keep_url` leads to keeping it."""

    template: ClassVar[str] = "account_closed.html"
    account: AccountView
    deleted: Moment
    keep_url: str
