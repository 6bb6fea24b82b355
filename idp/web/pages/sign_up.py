"""The sign-up page: asks for an e-mail address and has a link sent there.

What is done and answered is the same for every address: whether it is taken is found out when the mail is written, and
only its owner is told (LG-03). The page is one of a sign-in under way, which goes on when the link was used.
"""

from dataclasses import replace

from idp.accounts.names import checked_mailable
from idp.accounts.sign_up import PATH, Wish, request_mail
from idp.protocol import authorization
from idp.protocol import interaction as interactions
from idp.protocol.authorization import due_prompt
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.interaction import form_token
from idp.protocol.messages import Answer, Page, Request, redirect, with_query
from idp.protocol.parameters import LOGIN_HINT, Params
from idp.randomness import digest, new_handle
from idp.web.pages.flow import Form, Step, client_view, denied, flow_page, go_on, load_posted_step, load_step, reader_of
from idp.web.sign_up_views import SignUpSent, SignUpStart

CREATE = "create"
ACCOUNT_PATH = "/account"
# Enough for most mails to arrive.
RESEND_SECONDS = 60
LONGEST_HINT = 254


def handle_sign_up(request: Request, server: Server) -> Answer:
    """Show the page, or take its answer."""
    return within_unit_of_work(server, request, _answer if request.method == "POST" else _show)


def is_due(step: Step) -> bool:
    """Tell whether an account may be made at this point: where it was asked for, or a sign-in is due."""
    due = due_prompt(step.state)
    return due is not None and due[0].name in {CREATE, "login"}


def begin_own(context: Context) -> tuple[str, Context]:
    """Begin an interaction that leads to the account page, for whoever comes from nowhere or from another browser;
    return its handle, and the context of the browser that it is bound to."""
    browser = context.request.browser
    browser = replace(browser, browser_id=browser.browser_id or new_handle())
    begun = interactions.begin(Params.stored({}), digest(browser.browser_id or ""), context, own_path=ACCOUNT_PATH)
    return begun.handle, replace(context, request=replace(context.request, browser=browser))


def _show(context: Context) -> Answer:
    flow = Form(context.request.query)["flow"]
    if not flow:
        flow, known = begin_own(context)
        return redirect(with_query(context.server.url(PATH), [("flow", flow)]), browser=known.request.browser)
    step = load_step(flow, CREATE, context)
    if not is_due(step):
        return authorization.proceed(step.interaction, context)
    hint = step.state.params.get(LOGIN_HINT) or ""
    is_address = "@" in hint and len(hint) <= LONGEST_HINT and hint.isprintable()
    return _page(step, hint if is_address else "", context)


def _answer(context: Context) -> Answer:
    form = Form(context.request.form)
    step = load_posted_step(form, CREATE, context)
    if form["action"] == "cancel":
        return authorization.deny(step.interaction, denied(), context)
    if not is_due(step):
        return authorization.proceed(step.interaction, context)
    if form["action"] == "sign_in":
        # Whoever has an account after all needs none.
        return go_on(replace(step.interaction, done=step.interaction.done | {CREATE}), context)
    return _send(step, form["email"].strip(), context)


def _send(step: Step, email: str, context: Context) -> Answer:
    """Have the mail sent, unless the address is none, or too many were asked for."""
    try:
        canonical = checked_mailable(email)
    except ValueError:
        return _page(step, email, context, error="email", status=400)
    if not context.settings.sign_up.admits(email):
        return _page(step, email, context, error="domain", status=400)
    throttle, uow, now = context.server.throttle, context.uow, context.now
    # First by where it comes from: who is paused must not fill the table of counters with addresses (R18).
    wait = throttle.count_sign_up(uow, context.request.address, now)
    if wait is not None:
        return _page(step, email, context, error="throttled", status=429, retry_after_seconds=wait)
    asking = f"{context.request.browser.browser_id}\n{canonical}"
    early = throttle.count_resend(uow, asking, now, seconds=RESEND_SECONDS)
    if early is not None:
        return _sent(step, email, context, early)
    language = context.language_for(reader_of(step))
    wish = Wish(email=email, flow=step.interaction.handle)
    request_mail(uow, context.server.vault, wish, now, language=language)
    return _sent(step, email, context, None)


def _sent(step: Step, email: str, context: Context, early: int | None) -> Page:
    handle, url = step.interaction.handle, context.server.url(PATH)
    view = SignUpSent(
        action=url,
        flow=handle,
        csrf_token=form_token(handle, context.request.browser),
        email=email,
        minutes=context.settings.lifetimes.sign_up_link_seconds // 60,
        back_url=with_query(url, [("flow", handle)]),
        was_early=early is not None,
        retry_after_seconds=early,
    )
    return flow_page(view, step, 200 if early is None else 429)


def _page(
    step: Step,
    email: str,
    context: Context,
    *,
    error: str | None = None,
    status: int = 200,
    retry_after_seconds: int | None = None,
) -> Page:
    handle, sign_up = step.interaction.handle, context.settings.sign_up
    view = SignUpStart(
        action=context.server.url(PATH),
        flow=handle,
        csrf_token=form_token(handle, context.request.browser),
        client=client_view(step.checked),
        email=email[:LONGEST_HINT],
        domains=sign_up.domains if sign_up.mode == "domain" else (),
        error=error,
        retry_after_seconds=retry_after_seconds,
    )
    return flow_page(view, step, status)
