"""Setting up a second factor on the way to a session that needs one: an app that makes codes, then recovery codes.

Only who has just proved the password gets here, and the secret is ours: what comes back with the form is sealed for
this account. Nothing counts before a code of it was seen.
"""

from dataclasses import replace

from idp.authentication.methods import recovery_code, totp
from idp.jose.sealing import CannotOpen
from idp.protocol import authorization
from idp.protocol import interaction as interactions
from idp.protocol.assurance import ready_factors, with_factor
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.errors import Forbidden
from idp.protocol.interaction import Proved, form_token
from idp.protocol.messages import Answer, Page, Request, with_query
from idp.stores.records import Account
from idp.web.pages.entering import SECOND_FACTOR_PATH, SET_UP_PATH, still_proved
from idp.web.pages.flow import (
    Form,
    Step,
    account_view,
    client_view,
    denied,
    flow_page,
    load_posted_step,
    load_step,
    reader_of,
)
from idp.web.views import RecoveryCodes, TotpSecret, TotpSetUp

GROUP = 4


def handle_set_up(request: Request, server: Server) -> Answer:
    """Show the page, or take its answer."""
    return within_unit_of_work(server, request, _answer if request.method == "POST" else _show)


def secret_view(setup: totp.Setup, account: Account, context: Context) -> TotpSecret:
    """Return what the pages show of a secret that is being set up."""
    groups = (setup.secret[start : start + GROUP] for start in range(0, len(setup.secret), GROUP))
    address = totp.address_of(setup, issuer=context.settings.product_name, account=account.username)
    return TotpSecret(text=" ".join(groups), address=address, sealed=setup.sealed)


def _show(context: Context) -> Answer:
    step = load_step(Form(context.request.query)["flow"], "login", context)
    account = _account(step, context)
    if account is None:
        return authorization.proceed(step.interaction, context)
    return _page(step, account, totp.new_setup(account.account_id, context.server.vault), context)


def _answer(context: Context) -> Answer:
    form = Form(context.request.form)
    step = load_posted_step(form, "login", context)
    if form["action"] == "cancel":
        return authorization.deny(step.interaction, denied(), context)
    account, proved = _account(step, context), still_proved(step, context)
    if account is None or proved is None:
        return authorization.proceed(step.interaction, context)
    try:
        setup = totp.open_setup(form["sealed"], account.account_id, context.server.vault)
    except CannotOpen as fault:
        raise Forbidden("This form was not made for this account.", detail="set-up secret") from fault
    if not totp.confirm(context.uow, setup, account.account_id, form["code"], context.now):
        return _page(step, account, setup, context, error="rejected" if form["code"] else "missing", status=400)
    context.audit("second_factor.set_up", account_id=account.account_id, method=totp.NAME)
    context.notify(account, "second_factor_set_up")
    return _codes(step, account, proved, context)


def _codes(step: Step, account: Account, proved: Proved, context: Context) -> Page:
    """Show the recovery codes; the code that was sent counts as the second factor of this sign-in."""
    amr = with_factor(proved.amr, totp.METHOD)
    interactions.save(replace(step.interaction, proved=replace(proved, amr=amr)), context)
    codes = recovery_code.make_codes(context.uow, account.account_id, context.now)
    go_on = with_query(context.server.url(SECOND_FACTOR_PATH), [("flow", step.interaction.handle)])
    view = RecoveryCodes(codes=codes, continue_url=go_on, account=account_view(account))
    return Page(facts=view, reader=reader_of(step))


def _account(step: Step, context: Context) -> Account | None:
    """Return the account that sets something up; None where another page is due."""
    proved = still_proved(step, context)
    if step.reason is None or proved is None or ready_factors(proved.account_id, context):
        return None
    return context.uow.accounts.find(proved.account_id)


def _page(
    step: Step, account: Account, setup: totp.Setup, context: Context, *, error: str | None = None, status: int = 200
) -> Page:
    handle = step.interaction.handle
    view = TotpSetUp(
        action=context.server.url(SET_UP_PATH),
        flow=handle,
        csrf_token=form_token(handle, context.request.browser),
        client=client_view(step.checked),
        account=account_view(account),
        secret=secret_view(setup, account, context),
        error=error,
    )
    return flow_page(view, step, status)
