"""The sign-in page: name and password, once, for every application.

The password is verified outside any unit of work, for Argon2id takes tens of milliseconds; what it led to is stored in
a second one, which decides the interaction anew.
"""

from collections.abc import Mapping
from dataclasses import replace

from idp.accounts.audit import Origin
from idp.accounts.sessions import StartedSession
from idp.authentication.sign_in import Authenticated, Paused, SignIn
from idp.protocol import authorization
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.interaction import form_token
from idp.protocol.messages import Answer, Browser, Page, Request, with_query
from idp.protocol.parameters import LOGIN_HINT
from idp.randomness import digest
from idp.web.cookies import MOST_SESSIONS
from idp.web.pages.accounts import PATH as ACCOUNTS_PATH
from idp.web.pages.flow import Form, Step, client_view, denied, flow_page, go_on, load_posted_step, load_step
from idp.web.routing import Handler
from idp.web.views import AccountView
from idp.web.views import SignIn as SignInView

PATH = "/login"
# A hint fills a field for a person; longer ones are no name.
LONGEST_HINT = 254


def sign_in_handler(sign_in: SignIn) -> Handler:
    """Return the handler of the page, which verifies passwords by `sign_in`."""

    def handle(request: Request, server: Server) -> Answer:
        if request.method == "GET":
            return within_unit_of_work(server, request, _show)
        form = Form(request.form)
        early = within_unit_of_work(server, request, lambda context: _check(form, context))
        if early is not None:
            return early
        origin = Origin(address=request.address, request_id=request.request_id)
        outcome = sign_in.attempt(name=form["username"], password=form["password"], origin=origin)
        if isinstance(outcome, Authenticated):
            return within_unit_of_work(server, request, lambda context: _enter(form, outcome, context))
        paused = outcome.retry_after_seconds if isinstance(outcome, Paused) else None
        error = "credentials" if paused is None else "throttled"
        return within_unit_of_work(server, request, lambda context: _again(form, error, context, paused))

    return handle


def _show(context: Context) -> Answer:
    query = Form(context.request.query)
    step = load_step(query["flow"], "login", context)
    if step.reason is None:
        return authorization.proceed(step.interaction, context)
    return _page(step, {"username": "" if query["other"] else _hinted_name(step)}, context)


def _check(form: Form, context: Context) -> Answer | None:
    """Answer what needs no password: a cancelled or incomplete form, an interaction that is past this page."""
    step = load_posted_step(form, "login", context)
    if form["action"] == "cancel":
        return authorization.deny(step.interaction, denied(), context)
    if step.reason is None:
        return authorization.proceed(step.interaction, context)
    if not form["username"] or not form["password"]:
        return _page(step, form, context, error="missing", status=400)
    return None


def _enter(form: Form, authenticated: Authenticated, context: Context) -> Answer:
    """Start the session, or renew the one that this account has in this browser, always under a new handle (R16)."""
    if not authenticated.still_holds(context.uow):
        return _again(form, "credentials", context, None)
    step = load_posted_step(form, "login", context)
    sessions, request = context.server.sessions, context.request
    known = [(h, s) for h, s in context.browser_sessions if s.account_id == authenticated.account.account_id]
    if known:
        started = sessions.reauthenticate(context.uow, known[0][1], authenticated.event, context.now)
    else:
        started = sessions.start(
            context.uow,
            account=authenticated.account,
            event=authenticated.event,
            browser_hash=digest(request.browser.browser_id or ""),
            remembered=form["remember"] == "yes",
            now=context.now,
            user_agent=request.headers.get("user-agent", "")[:200],
            address=request.address,
        )
    context.audit("session.started", account_id=started.session.account_id, session_id=started.session.session_id)
    browser = _with_session(request.browser, started, {handle for handle, _ in known}, context)
    return go_on(step.interaction.with_done("login", started.session.session_id), context, browser)


def _with_session(browser: Browser, started: StartedSession, old: set[str], context: Context) -> Browser:
    live = [(handle, session) for handle, session in context.browser_sessions if handle not in old]
    handles = (started.handle, *(handle for handle, _ in live))[:MOST_SESSIONS]
    remembered = started.session.remembered or any(session.remembered for _, session in live)
    return replace(browser, session_handles=handles, remembered=remembered)


def _again(form: Form, error: str, context: Context, paused: int | None) -> Answer:
    step = load_posted_step(form, "login", context)
    status = 400 if paused is None else 429
    return _page(step, form, context, error=error, status=status, retry_after_seconds=paused)


def _hinted_name(step: Step) -> str:
    """Return the name to fill in: of the account that has to sign in again, or the client's hint."""
    if step.state.account is not None and step.reason in {"prompt", "max_age"}:
        return step.state.account.username
    hint = step.state.params.get(LOGIN_HINT) or ""
    return hint if len(hint) <= LONGEST_HINT and hint.isprintable() else ""


def _page(
    step: Step,
    sent: Mapping[str, str],
    context: Context,
    *,
    error: str | None = None,
    status: int = 200,
    retry_after_seconds: int | None = None,
) -> Page:
    handle, url = step.interaction.handle, context.server.url
    session = step.state.session
    others = [other for _, other in context.browser_sessions if session != other]
    account = _known_account(step, sent["username"])
    view = SignInView(
        action=url(PATH),
        flow=handle,
        csrf_token=form_token(handle, context.request.browser),
        client=client_view(step.checked),
        username=sent["username"],
        reason=step.reason,
        error=error,
        retry_after_seconds=retry_after_seconds,
        remembered_seconds=context.settings.lifetimes.remembered_session_seconds,
        remember=sent.get("remember") == "yes",
        account=account,
        other_url=with_query(url(PATH), [("flow", handle), ("other", "1")]) if account else None,
        accounts_url=with_query(url(ACCOUNTS_PATH), [("flow", handle)]) if others else None,
    )
    return flow_page(view, step.checked, status)


def _known_account(step: Step, username: str) -> AccountView | None:
    """Return the account whose password alone is asked for: it is signed in, and nobody said to be someone else."""
    account = step.state.account
    if account is None or step.reason not in {"prompt", "max_age"} or account.username != username:
        return None
    return AccountView(name=str(account.claims.get("name") or account.username), login=account.username)
