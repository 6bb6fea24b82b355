"""The account chooser (`prompt=select_account`): go on with one of the accounts signed in here, or with another."""

from idp.protocol import authorization
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.interaction import form_token
from idp.protocol.messages import Answer, Request
from idp.web.pages.flow import (
    Form,
    Step,
    account_view,
    client_view,
    flow_of,
    flow_page,
    go_on,
    load_posted_step,
    load_step,
)
from idp.web.views import AccountChooser

PATH = "/accounts"
ANOTHER = "another"


def handle_accounts(request: Request, server: Server) -> Answer:
    """Show the page, or take its answer."""
    return within_unit_of_work(server, request, _answer if request.method == "POST" else _show)


def _show(context: Context) -> Answer:
    step = load_step(flow_of(context.request), "select_account", context)
    if not context.browser_sessions:
        return authorization.proceed(step.interaction, context)
    return flow_page(_view(step, context), step)


def _answer(context: Context) -> Answer:
    form = Form(context.request.form)
    step = load_posted_step(form, "select_account", context)
    chosen = {session.session_id for _, session in context.browser_sessions} & {form["account"]}
    # No session has an empty id, so the sign-in page is what comes next.
    session_id = chosen.pop() if chosen else ""
    return go_on(step.interaction.with_done("select_account", session_id), context)


def _view(step: Step, context: Context) -> AccountChooser:
    accounts = []
    for _, session in context.browser_sessions:
        account = context.uow.accounts.find(session.account_id)
        if account is not None:
            accounts.append(account_view(account, session.session_id))
    return AccountChooser(
        action=context.server.url(PATH),
        flow=step.interaction.handle,
        csrf_token=form_token(step.interaction.handle, context.request.browser),
        client=client_view(step.checked),
        accounts=tuple(accounts),
    )
