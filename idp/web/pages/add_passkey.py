"""The offer of a passkey, right after a sign-in by password: the session is there by then, so whatever comes of it, the
way goes on to the client."""

from collections.abc import Mapping
from typing import Any

from idp.authentication.ceremonies import NotAccepted
from idp.authentication.methods import passkey
from idp.authentication.methods.passkey import Ceremony
from idp.protocol import authorization
from idp.protocol.assurance import may_add_passkey
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.interaction import form_token
from idp.protocol.messages import Answer, Page, Request
from idp.stores.records import Account
from idp.web.pages.flow import Form, Step, account_view, client_view, flow_page, load_posted_step, load_step
from idp.web.pages.passkeys import ADD_PASSKEY_PATH, ceremony_of
from idp.web.views import PasskeyOffer


def handle_add_passkey(request: Request, server: Server) -> Answer:
    """Show the page, or take its answer."""
    return within_unit_of_work(server, request, _answer if request.method == "POST" else _show)


def _show(context: Context) -> Answer:
    step = load_step(Form(context.request.query)["flow"], "login", context)
    account, ceremony = _account(step, context), ceremony_of(step.interaction.handle, context)
    if account is None or ceremony is None:
        return authorization.proceed(step.interaction, context)
    return _page(step, account, ceremony, context)


def _answer(context: Context) -> Answer:
    form = Form(context.request.form)
    step = load_posted_step(form, "login", context)
    account, ceremony = _account(step, context), ceremony_of(step.interaction.handle, context)
    if form["action"] != "add" or account is None or ceremony is None:
        return authorization.proceed(step.interaction, context)
    try:
        passkey.finish_registration(
            context.uow,
            ceremony,
            account_id=account.account_id,
            response=form["passkey"],
            user_agent=context.request.headers.get("user-agent", ""),
            origin=context.origin,
        )
    except NotAccepted:
        return _page(step, account, ceremony, context, error="rejected", status=400)
    context.notify(account, "passkey_added")
    return authorization.proceed(step.interaction, context)


def _account(step: Step, context: Context) -> Account | None:
    """Return the account that may add a passkey here; None where the way goes on."""
    session = step.state.session
    return step.state.account if session is not None and may_add_passkey(session, context) else None


def _page(
    step: Step, account: Account, ceremony: Ceremony, context: Context, *, error: str | None = None, status: int = 200
) -> Page:
    handle, shown = step.interaction.handle, account_view(account)
    options: Mapping[str, Any] = passkey.begin_registration(
        ceremony,
        account_id=account.account_id,
        username=account.username,
        display_name=shown.name,
        mine=passkey.of_account(context.uow, account.account_id),
    )
    view = PasskeyOffer(
        action=context.server.url(ADD_PASSKEY_PATH),
        flow=handle,
        csrf_token=form_token(handle, context.request.browser),
        client=client_view(step.checked),
        account=shown,
        options=options,
        error=error,
    )
    return flow_page(view, step, status)
