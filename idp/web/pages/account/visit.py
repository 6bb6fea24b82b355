"""What the account pages share: who visits, how freshly signed in, and that a form is ours.

A page is shown, and a form taken, only for the session that this browser goes on with. Everything that a sign-in for a
client needs holds here too, for it is the same flow that is asked (`authorization.visit`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, TypeVar

from idp.accounts.mails import locale_of
from idp.protocol import authorization
from idp.protocol.assurance import reachable, wanted_by_owner
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.interaction import PromptState, check_form_token, form_token
from idp.protocol.messages import Answer, Browser, Page, Reader, Request, redirect, with_query
from idp.protocol.parameters import Params
from idp.specs.oidc_core import ACR_VALUES, MAX_AGE_PARAMETER
from idp.stores.records import Account, Session
from idp.web.account_views import AccountFrame, AccountPage
from idp.web.moments import Moment, zone_of
from idp.web.pages.flow import Form, account_view
from idp.web.routing import Handler
from idp.web.views import AccountView

ROOT = "/account"
# What the forms about the accounts of this browser belong to, whichever of its sessions is the first.
BROWSER_FORM = "accounts"
# Whoever changes how an account is signed in to has proved to be its owner at most so long ago.
FRESH_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Visit:
    """Someone at one of their account pages. `account` and `session` are live; nothing is held."""

    account: Account
    session: Session
    context: Context
    path: str

    @cached_property
    def form(self) -> Form:
        """The fields that were sent. Raises `InvalidRequest` when one is repeated."""
        return Form(self.context.request.form)

    @cached_property
    def query(self) -> Form:
        """The fields of the address. Raises `InvalidRequest` when one is repeated."""
        return Form(self.context.request.query)

    @property
    def form_handle(self) -> str:
        """What forms, and a page's challenge, belong to: this session."""
        return f"account\n{self.session.session_id}"

    @property
    def frame(self) -> AccountFrame:
        """What all account pages show."""
        context = self.context
        return AccountFrame(
            root=context.server.url(ROOT),
            path=self.path,
            account=account_view(self.account),
            csrf_token=form_token(self.form_handle, context.request.browser),
            others=self._others(),
            browser_token=form_token(BROWSER_FORM, context.request.browser),
            sign_out_url=context.registry.server_metadata(context.settings)["end_session_endpoint"],
            done=self.query["done"] if context.request.method == "GET" else "",
        )

    def _others(self) -> tuple[AccountView, ...]:
        """The accounts that are signed in here too, each with its session as the value."""
        here = ((s.session_id, self.context.uow.accounts.find(s.account_id)) for _, s in self.context.browser_sessions)
        mine = self.account.account_id
        return tuple(account_view(each, value) for value, each in here if each and each.account_id != mine)

    def moment(self, at: int) -> Moment:
        """Return an instant as this account's owner reads it."""
        return Moment.of(at, zone_of(self.account.claims.get("zoneinfo")))

    def page(self, view: AccountPage, status: int = 200) -> Page:
        """Return a page."""
        return Page(facts=view, status=status, reader=Reader(account_locale=locale_of(self.account)))

    def go(self, path: str, done: str = "", *, browser: Browser | None = None) -> Answer:
        """Go on to one of the account pages, which tells what was `done`."""
        return redirect(with_query(self.context.server.url(path), [("done", done)] if done else []), browser=browser)

    def audit(self, name: str, **about: Any) -> None:
        """Append an audit event about this account and session."""
        self.context.audit(name, account_id=self.account.account_id, session_id=self.session.session_id, **about)


T = TypeVar("T")
Step = Callable[[Visit], Answer]


class Fresh(Enum):
    """What asks for a new sign-in, unless there was one within five minutes: nothing, the forms, or all of a page; and
    that for all of it the sign-in must have been the strongest that the account can do."""

    NEVER = 0
    FORMS = 1
    ALWAYS = 2
    STRONGEST = 3


def visiting(path: str, show: Step, answer: Step | None = None, *, fresh: Fresh = Fresh.NEVER) -> Handler:
    """Return the handler of a page that `show` shows and whose forms `answer` takes, each in one unit of work."""

    def handle(request: Request, server: Server) -> Answer:
        is_form = request.method == "POST"
        step = answer if is_form and answer is not None else show
        must = fresh if fresh is not Fresh.FORMS or is_form else Fresh.NEVER
        return within_unit_of_work(server, request, lambda context: visit(path, step, context, fresh=must))

    return handle


def visit(path: str, step: Callable[[Visit], T], context: Context, *, fresh: Fresh = Fresh.NEVER) -> T | Answer:
    """Take a step for whoever is signed in; lead anybody else to the sign-in page and back. Raises `Forbidden` for a
    form that is not ours, or is of another session (R16)."""
    asked = {} if fresh is Fresh.NEVER else {MAX_AGE_PARAMETER.name: [str(FRESH_SECONDS)]}
    found = authorization.visit(path, Params.stored(asked), context)
    if fresh is not Fresh.NEVER and isinstance(found, PromptState) and found.session is not None:
        # Only of who is known it is known what they can do. A remembered device is not enough here.
        least = reachable if fresh is Fresh.STRONGEST else wanted_by_owner
        acr = least(found.session.account_id, context)
        found = authorization.visit(path, Params.stored(asked | ({ACR_VALUES.name: [acr]} if acr else {})), context)
    if not isinstance(found, PromptState):
        return found
    if found.session is None or found.account is None:
        raise LookupError("no prompt asked for a session")
    context.server.sessions.touch(context.uow, found.session, context.now)
    visitor = Visit(account=found.account, session=found.session, context=context, path=path)
    if context.request.method == "POST":
        check_form_token(visitor.form_handle, context.request.browser, visitor.form["csrf_token"])
    return step(visitor)
