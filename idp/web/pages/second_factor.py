"""The second factor: after the password on the way to a session, or alone where a session is not strong enough yet
(RFC 9470 §4)."""

from dataclasses import dataclass, replace

from idp.accounts.mails import address_of
from idp.accounts.sessions import AuthenticationEvent
from idp.authentication.methods import mailed_code, passkey, recovery_code
from idp.authentication.methods.second_factor import SecondFactor
from idp.authentication.policy import acr_of, is_enough
from idp.authentication.second_factors import SecondFactors
from idp.authentication.sign_in import Paused, Rejected
from idp.protocol import authorization
from idp.protocol.assurance import factors_for, needed_at_sign_in, needed_by_request, wanted_by_owner, with_factor
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
    reader_of,
)
from idp.web.pages.passkeys import ceremony_of
from idp.web.routing import Handler
from idp.web.views import SecondFactor as SecondFactorView


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Whose second factor is asked for: of who proved a password just now, or else of whom the session is.
    `least` is the class that has to be reached, `methods` are those that reach it."""

    account: Account
    proved: Proved | None
    session: Session | None
    least: str | None
    methods: tuple[str, ...]


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
    if who.proved is not None and is_enough(acr_of(who.proved.amr), who.least):
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
    if form["action"] == "send" and mailed_code.NAME in who.methods:
        return _send_code(step, who, context)
    response = form["passkey"] if form["method"] == passkey.NAME else form["code"]
    if not response.strip() or form["method"] not in who.methods:
        return _page(step, who, form["method"], context, error="missing", status=400)
    outcome = second_factors.attempt(
        context.uow,
        account_id=who.account.account_id,
        method=form["method"],
        response=response,
        bound_to=form_token(step.interaction.handle, context.request.browser),
        origin=context.origin,
        now=context.now,
    )
    if isinstance(outcome, Paused):
        wait = outcome.retry_after_seconds
        return _page(step, who, form["method"], context, error="throttled", status=429, retry_after_seconds=wait)
    if isinstance(outcome, Rejected):
        return _page(step, who, form["method"], context, error="rejected", status=400)
    return _go_on(step, who, outcome, context, remember_device=form["remember_device"] == "yes")


def _who(step: Step, context: Context) -> Who | None:
    """Return whose second factor is due here; None when another page is."""
    if step.reason is None:
        return None
    proved = still_proved(step, context)
    session = step.state.session if proved is None and step.reason == "acr" else None
    had = proved or session
    account = context.uow.accounts.find(had.account_id) if had else None
    if had is None or account is None:
        return None
    need = needed_by_request if proved is None else needed_at_sign_in
    least = need(step.state.params, step.state.client, account, context).acr
    methods = tuple(each.name for each in factors_for(account.account_id, had.amr, least, context))
    return Who(account=account, proved=proved, session=session, least=least, methods=methods) if methods else None


def _send_code(step: Step, who: Who, context: Context) -> Answer:
    account, name = who.account, mailed_code.NAME
    wait = context.server.throttle.count_mailed_code(context.uow, account.account_id, context.now)
    if wait is not None:
        return _page(step, who, name, context, error="mails", status=429, retry_after_seconds=wait)
    bound_to = form_token(step.interaction.handle, context.request.browser)
    language = context.language_for(reader_of(step))
    mailed_code.ask_for_code(context.uow, account, bound_to, context.now, language=language)
    context.audit("second_factor.mailed", account_id=account.account_id)
    return _page(step, who, name, context)


def _remember_days(step: Step, who: Who, context: Context) -> int:
    """Return for how long this browser can be remembered; 0 where that would change nothing: only what the owner wants
    is waived by it."""
    if who.proved is None or wanted_by_owner(who.account.account_id, context) is None:
        return 0
    demanded = needed_by_request(step.state.params, step.state.client, who.account, context).acr
    return context.settings.second_factor.remember_device_days if is_enough(acr_of(who.proved.amr), demanded) else 0


def _go_on(step: Step, who: Who, factor: SecondFactor, context: Context, *, remember_device: bool) -> Answer:
    if who.proved is not None:
        remember = remember_device and _remember_days(step, who, context) > 0
        proved = replace(who.proved, amr=with_factor(who.proved.amr, factor), remember_device=remember)
        return enter_or_ask(step, proved, context)
    session = who.session
    if session is None:
        raise LookupError("a second factor is asked of somebody")
    # When the password was proved stays as it is: a second factor alone is no fresh sign-in (R23).
    amr = with_factor(session.amr, factor)
    event = AuthenticationEvent(acr=acr_of(amr), amr=amr, authenticated_at=session.authenticated_at)
    started = context.server.sessions.reauthenticate(context.uow, session, event, context.now)
    context.audit("session.stepped_up", account_id=session.account_id, session_id=session.session_id)
    old = {handle for handle, each in context.browser_sessions if each.session_id == session.session_id}
    interaction = replace(step.interaction, session_id=session.session_id)
    return go_on(interaction, context, browser_with_session(started, old, context))


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
    shown, ceremony = method if method in who.methods else who.methods[0], ceremony_of(handle, context)
    authenticators = context.uow.authenticators.list(account_id)
    mine = passkey.of_account(context.uow, account_id)
    view = SecondFactorView(
        action=url,
        flow=handle,
        csrf_token=form_token(handle, context.request.browser),
        client=client_view(step.checked),
        account=account_view(who.account),
        method=shown,
        others=tuple(
            (name, with_query(url, [("flow", handle), ("method", name)])) for name in who.methods if name != shown
        ),
        is_step_up=who.proved is None,
        remember_days=_remember_days(step, who, context),
        mailed_to=_masked(address_of(who.account) or "") if shown == mailed_code.NAME else "",
        mail_sent=context.request.method == "POST",
        codes_left=sum(each.method == recovery_code.NAME for each in authenticators),
        passkey_options=passkey.sign_in_options(ceremony, mine) if ceremony and shown == passkey.NAME else None,
        error=error,
        retry_after_seconds=retry_after_seconds,
    )
    return flow_page(view, step, status)


def _masked(address: str) -> str:
    """Return enough of an address for its owner: others see the page who know the password."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"
