"""Setting up an authenticator app, or another one in its place, after a fresh sign-in. The secret is ours: what comes
back with the form is sealed for this account, and nothing counts before a code of it was seen (MF-05)."""

from dataclasses import replace

from idp.accounts import browsers
from idp.accounts.sessions import AuthenticationEvent
from idp.authentication.methods import recovery_code, totp
from idp.authentication.policy import acr_of
from idp.jose.sealing import CannotOpen
from idp.protocol.assurance import with_factor
from idp.protocol.errors import Forbidden
from idp.protocol.messages import Answer, Browser
from idp.web.account_views import AppSetUp
from idp.web.pages.account import codes, methods
from idp.web.pages.account.visit import Fresh, Visit, visiting
from idp.web.pages.entering import browser_with_session
from idp.web.pages.set_up import secret_view

PATH = f"{methods.PATH}/app"


def _show(visit: Visit) -> Answer:
    return _page(visit, totp.new_setup(visit.account.account_id, visit.context.server.vault))


def _answer(visit: Visit) -> Answer:
    context, account_id, form = visit.context, visit.account.account_id, visit.form
    try:
        setup = totp.open_setup(form["sealed"], account_id, context.server.vault)
    except CannotOpen as fault:
        raise Forbidden("This form was not made for this account.", detail="set-up secret") from fault
    if not totp.confirm(context.uow, setup, account_id, form["code"], context.now):
        return _page(visit, setup, error="rejected", status=400)
    browsers.forget_remembered(context.uow, account_id)
    visit.audit("second_factor.set_up", method=totp.NAME)
    context.notify(visit.account, "second_factor_set_up")
    has_codes = methods.of_method(visit, recovery_code.NAME)
    answer = visit.go(methods.PATH, "app_set_up") if has_codes else codes.show_new(visit)
    return replace(answer, browser=_stepped_up(visit))


def _stepped_up(visit: Visit) -> Browser:
    """Let the code count for this session too: a new app's owner would wait for the next one at the next page."""
    context, session = visit.context, visit.session
    amr = with_factor(session.amr, totp.METHOD)
    event = AuthenticationEvent(acr=acr_of(amr), amr=amr, authenticated_at=session.authenticated_at)
    started = context.server.sessions.reauthenticate(context.uow, session, event, context.now)
    visit.audit("session.stepped_up")
    old = {handle for handle, each in context.browser_sessions if each.session_id == session.session_id}
    return browser_with_session(started, old, context)


def _page(visit: Visit, setup: totp.Setup, *, error: str | None = None, status: int = 200) -> Answer:
    view = AppSetUp(
        frame=visit.frame,
        replaces=bool(methods.of_method(visit, totp.NAME)),
        secret=secret_view(setup, visit.account, visit.context),
        error=error,
    )
    return visit.page(view, status)


handle = visiting(PATH, _show, _answer, fresh=Fresh.ALWAYS)
