"""From what was proved to a session: all that this request and this account need has to be there first."""

from dataclasses import replace

from idp.accounts import browsers
from idp.accounts.accounts import PASSWORD
from idp.accounts.alarms import tell_of_sign_in
from idp.accounts.sessions import AuthenticationEvent, StartedSession
from idp.authentication.policy import acr_of, is_enough
from idp.protocol import authorization
from idp.protocol import interaction as interactions
from idp.protocol.assurance import needed_at_sign_in, ready_factors
from idp.protocol.context import Context
from idp.protocol.errors import UnmetAuthenticationRequirements
from idp.protocol.interaction import Proved
from idp.protocol.messages import Answer, Browser, redirect, with_query
from idp.randomness import digest
from idp.stores.records import Account
from idp.web.cookies import MOST_SESSIONS
from idp.web.devices import described
from idp.web.pages.flow import Step, go_on
from idp.web.pages.passkeys import ADD_PASSKEY_PATH, is_offered

SECOND_FACTOR_PATH = "/login/second-factor"
SET_UP_PATH = "/login/set-up"
KEEP_PATH = "/login/keep"
# A sign-in is done in one go; a page that was left open must not become a session an hour later.
PROVED_SECONDS = 600


def enter_or_ask(step: Step, proved: Proved, context: Context) -> Answer:
    """Start the session if enough was proved, or go on to what is missing; the client is told when the account
    cannot do that (OIDC Core §5.5.1.1)."""
    account = context.uow.accounts.find(proved.account_id)
    if account is None:
        raise LookupError("whoever proved something has an account")
    try:
        is_all = is_all_proved(step, account, proved, context)
    except UnmetAuthenticationRequirements as refusal:
        return authorization.deny(step.interaction, refusal, context)
    if is_all and account.delete_at is None:
        return _enter(step, account, proved, context)
    interactions.save(replace(step.interaction, proved=proved), context)
    missing = SECOND_FACTOR_PATH if ready_factors(account.account_id, context) else SET_UP_PATH
    path = KEEP_PATH if is_all else missing
    return redirect(with_query(context.server.url(path), [("flow", step.interaction.handle)]))


def is_all_proved(step: Step, account: Account, proved: Proved, context: Context) -> bool:
    """Tell whether what was proved is all that a session of this account takes. Raises
    `UnmetAuthenticationRequirements`."""
    needed = needed_at_sign_in(step.state.params, step.state.client, account, context)
    return is_enough(acr_of(proved.amr), needed.acr)


def still_proved(step: Step, context: Context) -> Proved | None:
    """Return what was proved in this flow, if it was lately and still holds: a password may have been changed since,
    or the account disabled (R7). The account is held."""
    proved = step.interaction.proved
    if proved is None or proved.authenticated_at + PROVED_SECONDS <= context.now:
        return None
    account = context.uow.accounts.hold(proved.account_id)
    is_live = account is not None and account.may_sign_in(context.now)
    return proved if is_live and _is_still_there(proved, context) else None


def _is_still_there(proved: Proved, context: Context) -> bool:
    """Tell whether what proved it is still the account's."""
    if proved.passkey_id is not None:
        passkey = context.uow.authenticators.find(proved.passkey_id)
        return passkey is not None and passkey.account_id == proved.account_id
    password = context.uow.accounts.find_credential(proved.account_id, PASSWORD)
    return password is not None and password.updated_at == proved.password_set_at


def _enter(step: Step, account: Account, proved: Proved, context: Context) -> Answer:
    """Start the session, or renew the one that this account has in this browser, always under a new handle (R16)."""
    sessions, request = context.server.sessions, context.request
    known = [(h, s) for h, s in context.browser_sessions if s.account_id == account.account_id]
    event = AuthenticationEvent(acr=acr_of(proved.amr), amr=proved.amr, authenticated_at=proved.authenticated_at)
    if known:
        started = sessions.reauthenticate(context.uow, known[0][1], event, context.now)
    else:
        started = sessions.start(
            context.uow,
            account=account,
            event=event,
            browser_hash=digest(request.browser.browser_id or ""),
            remembered=proved.remembered,
            now=context.now,
            user_agent=request.headers.get("user-agent", "")[:200],
            address=request.address,
        )
    context.audit("session.started", account_id=started.session.account_id, session_id=started.session.session_id)
    browser = browser_with_session(started, {handle for handle, _ in known}, context)
    handles = _meet_browser(account, proved, context, is_here_already=bool(known))
    browser = replace(browser, device_handles=handles)
    interaction = step.interaction.with_done("login", started.session.session_id)
    if not is_offered(proved, started.session, context):
        return go_on(interaction, context, browser)
    interactions.save(interaction, context)
    page = with_query(context.server.url(ADD_PASSKEY_PATH), [("flow", interaction.handle)])
    return redirect(page, browser=browser)


def _meet_browser(account: Account, proved: Proved, context: Context, *, is_here_already: bool) -> tuple[str, ...]:
    """Let the account know this browser again, and its owner know of one that is new; return the browser's handles."""
    request, account_id = context.request, account.account_id
    name = described(request.headers.get("user-agent", ""))
    met = browsers.meet(
        context.uow,
        account_id,
        request.browser.device_handles,
        name=name,
        now=context.now,
        remember=proved.remember_device,
    )
    if proved.remember_device:
        context.audit("device.remembered", account_id=account_id, device=name)
    if met.new and not is_here_already:
        context.audit("sign_in.new_browser", account_id=account_id, device=name)
        wait = context.server.throttle.count_sign_in_mail(context.uow, account_id, context.now)
        if context.settings.sends_mail and wait is None:
            about = {"browser_id": met.browser_id, "name": name, "address": request.address}
            tell_of_sign_in(context.uow, account, **about, now=context.now)
    return met.handles


def browser_with_session(started: StartedSession, old: set[str], context: Context) -> Browser:
    """Return the browser with a session put first, in the place of the old handles."""
    live = [(handle, session) for handle, session in context.browser_sessions if handle not in old]
    handles = (started.handle, *(handle for handle, _ in live))[:MOST_SESSIONS]
    remembered = started.session.remembered or any(session.remembered for _, session in live)
    return replace(context.request.browser, session_handles=handles, remembered=remembered)
