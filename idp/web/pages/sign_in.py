"""The sign-in page: name and password, or a passkey, once, for every application.

The password is verified outside any unit of work, for Argon2id takes tens of milliseconds; what it led to is stored in
a second one, which decides the interaction anew.
"""

from collections.abc import Mapping

from idp.accounts.audit import Origin
from idp.accounts.sign_up import PATH as SIGN_UP_PATH
from idp.authentication.methods import passkey
from idp.authentication.sign_in import Authenticated, Paused, SignIn
from idp.protocol import authorization
from idp.protocol.assurance import ready_factors
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.interaction import Proved, form_token
from idp.protocol.messages import Answer, Page, Request, redirect, with_query
from idp.protocol.parameters import LOGIN_HINT
from idp.web.pages.accounts import PATH as ACCOUNTS_PATH
from idp.web.pages.entering import SECOND_FACTOR_PATH, enter_or_ask
from idp.web.pages.flow import Form, Step, account_view, client_view, denied, flow_page, load_posted_step, load_step
from idp.web.pages.passkeys import ceremony_of, count_try, prove
from idp.web.pages.password_forgotten import PATH as FORGOTTEN_PATH
from idp.web.routing import Handler
from idp.web.views import AccountView
from idp.web.views import SignIn as SignInView

PATH = "/login"
# A hint fills a field for a person; longer ones are no name.
LONGEST_HINT = 254
# Why someone who is signed in is asked for the password again.
ASKED_AGAIN = frozenset({"prompt", "max_age", "acr"})


def sign_in_handler(sign_in: SignIn) -> Handler:
    """Return the handler of the page, which verifies passwords by `sign_in`."""

    def handle(request: Request, server: Server) -> Answer:
        if request.method == "GET":
            return within_unit_of_work(server, request, _show)
        form = Form(request.form)
        early = within_unit_of_work(server, request, lambda context: _check(form, context))
        if early is not None:
            return early
        if form["action"] == "passkey":
            wait = within_unit_of_work(server, request, count_try)
            if wait is not None:
                return within_unit_of_work(server, request, lambda context: _again(form, "throttled", context, wait))
            return within_unit_of_work(server, request, lambda context: _enter_by_passkey(form, context))
        origin = Origin(address=request.address, request_id=request.request_id)
        outcome = sign_in.attempt(
            name=form["username"],
            password=form["password"],
            origin=origin,
            devices=request.browser.device_handles,
        )
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
    if step.reason == "acr" and step.state.session and ready_factors(step.state.session.account_id, context):
        # Whoever is signed in only lacks the second factor.
        return redirect(with_query(context.server.url(SECOND_FACTOR_PATH), [("flow", query["flow"])]))
    return _page(step, {"username": "" if query["other"] else _hinted_name(step)}, context)


def _check(form: Form, context: Context) -> Answer | None:
    """Answer what needs no password: a cancelled or incomplete form, an interaction that is past this page."""
    step = load_posted_step(form, "login", context)
    if form["action"] == "cancel":
        return authorization.deny(step.interaction, denied(), context)
    if step.reason is None:
        return authorization.proceed(step.interaction, context)
    if form["action"] != "passkey" and (not form["username"] or not form["password"]):
        return _page(step, form, context, error="missing", status=400)
    return None


def _enter(form: Form, authenticated: Authenticated, context: Context) -> Answer:
    """Go on with a password that was right: to a session, or to what it takes beside it."""
    if not authenticated.still_holds(context.uow):
        return _again(form, "credentials", context, None)
    step = load_posted_step(form, "login", context)
    proved = Proved(
        account_id=authenticated.account.account_id,
        amr=authenticated.amr,
        authenticated_at=context.now,
        password_set_at=authenticated.credential.updated_at,
        remembered=form["remember"] == "yes",
        can_add_passkey=form["can_add_passkey"] == "yes",
    )
    return enter_or_ask(step, proved, context)


def _enter_by_passkey(form: Form, context: Context) -> Answer:
    step = load_posted_step(form, "login", context)
    proved = prove(step, form, context)
    if proved is None:
        return _page(step, form, context, error="passkey", status=400)
    return enter_or_ask(step, proved, context)


def _again(form: Form, error: str, context: Context, paused: int | None) -> Answer:
    step = load_posted_step(form, "login", context)
    status = 400 if paused is None else 429
    return _page(step, form, context, error=error, status=status, retry_after_seconds=paused)


def _hinted_name(step: Step) -> str:
    """Return the name to fill in: of the account that has to sign in again, or the client's hint."""
    if step.state.account is not None and step.reason in ASKED_AGAIN:
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
    account, ceremony = _known_account(step, sent["username"]), ceremony_of(handle, context)
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
        passkey_options=passkey.sign_in_options(ceremony) if ceremony else None,
        accounts_url=with_query(url(ACCOUNTS_PATH), [("flow", handle)]) if others else None,
        forgotten_url=with_query(url(FORGOTTEN_PATH), [("flow", handle)]) if context.settings.sends_mail else None,
        sign_up_url=with_query(url(SIGN_UP_PATH), [("flow", handle)]) if _may_sign_up(step, context) else None,
    )
    return flow_page(view, step, status)


def _may_sign_up(step: Step, context: Context) -> bool:
    """Tell whether the page leads to the one that makes accounts: not where a certain one has to sign in again."""
    return context.settings.sign_up.is_asked_for and step.reason not in ASKED_AGAIN


def _known_account(step: Step, username: str) -> AccountView | None:
    """Return the account whose password alone is asked for: it is signed in, and nobody said to be someone else."""
    account = step.state.account
    if account is None or step.reason not in ASKED_AGAIN or account.username != username:
        return None
    return account_view(account)
