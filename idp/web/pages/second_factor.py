"""The second factor: after the password on the way to a session, or alone where a session is not strong enough yet
(RFC 9470 §4)."""

from dataclasses import dataclass, replace

from idp.accounts.sessions import AuthenticationEvent
from idp.authentication.methods import recovery_code
from idp.authentication.methods.second_factor import SecondFactor
from idp.authentication.policy import acr_of
from idp.authentication.second_factors import SecondFactors
from idp.authentication.sign_in import Paused, Rejected
from idp.protocol import authorization
from idp.protocol.assurance import ready_factors
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.interaction import Proved, form_token
from idp.protocol.messages import Answer, Page, Request, with_query
from idp.stores.records import Account, Session
from idp.web.pages.entering import SECOND_FACTOR_PATH, browser_with_session, enter_or_ask, still_proved
from idp.web.pages.flow import (
    Form,
    Step,
    account_view,
    client_view,
    denied,
    flow_page,
    go_on,
    load_posted_step,
    load_step,
)
from idp.web.routing import Handler
from idp.web.views import SecondFactor as SecondFactorView


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Whose second factor is asked for: of who proved a password just now, or else of whom the session is."""

    account: Account
    proved: Proved | None
    session: Session | None


def second_factor_handler(second_factors: SecondFactors) -> Handler:
    """Return the handler of the page, which judges by `second_factors`."""

    def handle(request: Request, server: Server) -> Answer:
        if request.method == "GET":
            return within_unit_of_work(server, request, _show)
        return within_unit_of_work(server, request, lambda context: _answer(second_factors, context))

    return handle


def _show(context: Context) -> Answer:
    query = Form(context.request.query)
    step = load_step(query["flow"], "login", context)
    who = _who(step, context)
    if who is None:
        return authorization.proceed(step.interaction, context)
    if who.proved is not None and "mfa" in who.proved.amr:
        # It was set up a moment ago, and proved with that.
        return enter_or_ask(step, who.proved, context)
    return _page(step, who, query["method"], context)


def _answer(second_factors: SecondFactors, context: Context) -> Answer:
    form = Form(context.request.form)
    step = load_posted_step(form, "login", context)
    if form["action"] == "cancel":
        return authorization.deny(step.interaction, denied(), context)
    who = _who(step, context)
    if who is None:
        return authorization.proceed(step.interaction, context)
    if not form["code"].strip():
        return _page(step, who, form["method"], context, error="missing", status=400)
    outcome = second_factors.attempt(
        context.uow,
        account_id=who.account.account_id,
        method=form["method"],
        response=form["code"],
        origin=context.origin,
        now=context.now,
    )
    if isinstance(outcome, Paused):
        wait = outcome.retry_after_seconds
        return _page(step, who, form["method"], context, error="throttled", status=429, retry_after_seconds=wait)
    if isinstance(outcome, Rejected):
        return _page(step, who, form["method"], context, error="rejected", status=400)
    return _go_on(step, who, outcome, context)


def _who(step: Step, context: Context) -> Who | None:
    """Return whose second factor is due here; None when another page is."""
    proved, session, account = still_proved(step, context), None, None
    if step.reason is None:
        return None
    if proved is not None:
        account = context.uow.accounts.find(proved.account_id)
    elif step.reason == "acr":
        session, account = step.state.session, step.state.account
    if account is None or not ready_factors(account.account_id, context):
        return None
    return Who(account=account, proved=proved, session=session)


def _go_on(step: Step, who: Who, factor: SecondFactor, context: Context) -> Answer:
    if who.proved is not None:
        proved = replace(who.proved, amr=_with(who.proved.amr, factor))
        return enter_or_ask(step, proved, context)
    session = who.session
    if session is None:
        raise LookupError("a second factor is asked of somebody")
    # When the password was proved stays as it is: a second factor alone is no fresh sign-in (R23).
    amr = _with(session.amr, factor)
    event = AuthenticationEvent(acr=acr_of(amr), amr=amr, authenticated_at=session.authenticated_at)
    started = context.server.sessions.reauthenticate(context.uow, session, event, context.now)
    context.audit("session.stepped_up", account_id=session.account_id, session_id=session.session_id)
    old = {handle for handle, each in context.browser_sessions if each.session_id == session.session_id}
    interaction = replace(step.interaction, session_id=session.session_id)
    return go_on(interaction, context, browser_with_session(started, old, context))


def _with(amr: tuple[str, ...], factor: SecondFactor) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*amr, *factor.amr, "mfa")))


def _page(
    step: Step,
    who: Who,
    method: str,
    context: Context,
    *,
    error: str | None = None,
    status: int = 200,
    retry_after_seconds: int | None = None,
) -> Page:
    account_id, handle, url = who.account.account_id, step.interaction.handle, context.server.url(SECOND_FACTOR_PATH)
    ready = [factor.name for factor in ready_factors(account_id, context)]
    shown = method if method in ready else ready[0]
    authenticators = context.uow.authenticators.list(account_id)
    view = SecondFactorView(
        action=url,
        flow=handle,
        csrf_token=form_token(handle, context.request.browser),
        client=client_view(step.checked),
        account=account_view(who.account),
        method=shown,
        others=tuple((name, with_query(url, [("flow", handle), ("method", name)])) for name in ready if name != shown),
        is_step_up=who.proved is None,
        codes_left=sum(each.method == recovery_code.NAME for each in authenticators),
        error=error,
        retry_after_seconds=retry_after_seconds,
    )
    return flow_page(view, step.checked, status)
