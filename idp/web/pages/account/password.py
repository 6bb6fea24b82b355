"""A new password. The one that there is proves who asks, throttled as at sign-in; it is verified, and the new one
judged and hashed, outside any unit of work."""

from dataclasses import dataclass
from functools import partial

from idp.accounts.accounts import change_password
from idp.accounts.audit import Origin
from idp.accounts.sessions import AuthenticationEvent
from idp.authentication.new_passwords import NewPasswords, Owner
from idp.authentication.password_rules import shortest
from idp.authentication.sign_in import Authenticated, Paused, Rejected, SignIn
from idp.protocol.assurance import ready_factors
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.messages import Answer, Request
from idp.web.account_views import PasswordChange
from idp.web.pages.account.visit import ROOT, Visit, visit
from idp.web.pages.entering import browser_with_session
from idp.web.pages.flow import Form
from idp.web.routing import Handler

PATH = f"{ROOT}/password"


def password_handler(sign_in: SignIn, new_passwords: NewPasswords) -> Handler:
    """Return the handler of the page, which verifies by `sign_in`, and judges and hashes by `new_passwords`."""

    def handle(request: Request, server: Server) -> Answer:
        if request.method == "GET":
            return within_unit_of_work(server, request, lambda context: visit(PATH, _page, context))
        early = within_unit_of_work(server, request, lambda context: visit(PATH, _checked, context))
        if not isinstance(early, _Asked):
            return early
        origin = Origin(address=request.address, request_id=request.request_id)
        form = early.form
        fault = new_passwords.fault_of(form["new"], early.owner)
        if fault is not None:
            refuse = partial(_page, error=fault, status=400)
            return within_unit_of_work(server, request, lambda context: visit(PATH, refuse, context))
        outcome = sign_in.attempt(
            name=early.username,
            password=form["current"],
            origin=origin,
            devices=request.browser.device_handles,
        )
        fresh = new_passwords.hash(form["new"]) if isinstance(outcome, Authenticated) else ""

        def conclude(context: Context) -> Answer:
            return visit(PATH, lambda now: _concluded(now, outcome, fresh), context)

        return within_unit_of_work(server, request, conclude)

    return handle


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """A form that is whole, and whose it is."""

    form: Form
    username: str
    owner: Owner


def _checked(visit: Visit) -> _Asked | Answer:
    """Answer what needs no password."""
    form = visit.form
    if not form["current"] or not form["new"]:
        return _page(visit, error="missing", status=400)
    names = (*visit.account.names, visit.context.settings.product_name)
    owner = Owner(names=names, has_second_factor=_has_second_factor(visit))
    return _Asked(form=form, username=visit.account.username, owner=owner)


def _concluded(visit: Visit, outcome: Authenticated | Rejected | Paused, fresh: str) -> Answer:
    if isinstance(outcome, Paused):
        return _page(visit, error="throttled", status=429, retry_after_seconds=outcome.retry_after_seconds)
    context, account_id = visit.context, visit.account.account_id
    if isinstance(outcome, Rejected) or outcome.account.account_id != account_id:
        return _page(visit, error="current", status=400)
    if not outcome.still_holds(context.uow):
        return _page(visit, error="current", status=400)
    sessions, session = context.server.sessions, visit.session
    change_password(context.uow, sessions, account_id, fresh, context.now, but=session.session_id)
    # The same sign-in goes on under a new handle: an old one may be in hands that knew the old password (R16).
    event = AuthenticationEvent(acr=session.acr, amr=session.amr, authenticated_at=session.authenticated_at)
    started = sessions.reauthenticate(context.uow, session, event, context.now)
    visit.audit("account.password_changed")
    context.notify(visit.account, "password_changed")
    old = {handle for handle, each in context.browser_sessions if each.account_id == account_id}
    return visit.go(PATH, "password", browser=browser_with_session(started, old, context))


def _has_second_factor(visit: Visit) -> bool:
    return any(factor.counts_as_set_up for factor in ready_factors(visit.account.account_id, visit.context))


def _page(
    visit: Visit, *, error: str | None = None, status: int = 200, retry_after_seconds: int | None = None
) -> Answer:
    least = shortest(has_second_factor=_has_second_factor(visit))
    view = PasswordChange(frame=visit.frame, shortest=least, error=error, retry_after_seconds=retry_after_seconds)
    return visit.page(view, status)
