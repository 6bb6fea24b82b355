"""Keeping an account that was closed: whoever signs in to it before it is removed is asked.

Asked, and not simply let in: a sign-in out of habit must not undo what its owner has decided, nor may a closed account
have a session. Only who has proved all that a session takes gets here.
"""

from idp.accounts.deletion import keep_account
from idp.protocol import authorization
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.interaction import Proved, form_token
from idp.protocol.messages import Answer, Page, Request
from idp.stores.records import Account
from idp.web.deletion_views import KeepAccount
from idp.web.moments import Moment, zone_of
from idp.web.pages.entering import KEEP_PATH, enter_or_ask, is_all_proved, still_proved
from idp.web.pages.flow import Form, Step, account_view, client_view, denied, flow_page, load_posted_step, load_step


def handle_keep(request: Request, server: Server) -> Answer:
    """Show the page, or take its answer."""
    return within_unit_of_work(server, request, _answer if request.method == "POST" else _show)


def _show(context: Context) -> Answer:
    step = load_step(Form(context.request.query)["flow"], "login", context)
    found = _owner(step, context)
    return _page(step, found[0], context) if found else authorization.proceed(step.interaction, context)


def _answer(context: Context) -> Answer:
    form = Form(context.request.form)
    step = load_posted_step(form, "login", context)
    found = _owner(step, context)
    if form["action"] != "keep":
        return authorization.deny(step.interaction, denied(), context)
    if found is None:
        return authorization.proceed(step.interaction, context)
    account, proved = found
    keep_account(context.uow, account, context.now)
    context.audit("account.kept", account_id=account.account_id)
    context.notify(account, "account_kept")
    return enter_or_ask(step, proved, context)


def _owner(step: Step, context: Context) -> tuple[Account, Proved] | None:
    """Return the closed account, held, and what its owner proved; None where another page is due."""
    proved = still_proved(step, context)
    account = context.uow.accounts.find(proved.account_id) if proved else None
    if step.reason is None or proved is None or account is None or account.delete_at is None:
        return None
    return (account, proved) if is_all_proved(step, account, proved, context) else None


def _page(step: Step, account: Account, context: Context) -> Page:
    handle = step.interaction.handle
    view = KeepAccount(
        action=context.server.url(KEEP_PATH),
        flow=handle,
        csrf_token=form_token(handle, context.request.browser),
        client=client_view(step.checked),
        account=account_view(account),
        deleted=Moment.of(account.delete_at or 0, zone_of(account.claims.get("zoneinfo"))),
    )
    return flow_page(view, step)
