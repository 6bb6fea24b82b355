"""The page that a link of sign-up leads to: a user name and a password, and the account is there.

Whoever sends its form is signed in, and goes on with the sign-in that they came from where it is still open in this
browser; else to the account page. Nothing beside those two fields is read (R9, LG-39).
"""

from dataclasses import replace

from idp.accounts import sign_up as sign_ups
from idp.accounts.accounts import find_account
from idp.accounts.sign_up import FINISH_PATH, KIND, SignUp, find_sign_up, make_account, name_fault
from idp.authentication.methods import AMR
from idp.authentication.new_passwords import NewPasswords, Owner
from idp.authentication.password_rules import shortest
from idp.jose.sealing import CannotOpen
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.errors import LinkExpired, ProtocolError
from idp.protocol.interaction import Proved, check_form_token, form_token
from idp.protocol.messages import Answer, Page, Request
from idp.stores.interfaces import Duplicate
from idp.stores.records import Account
from idp.web.pages.entering import enter_or_ask
from idp.web.pages.flow import Form, Step, flow_page, load_step
from idp.web.pages.links import show_link, token_hash_of
from idp.web.pages.sign_up import ACCOUNT_PATH, CREATE, begin_own, is_due
from idp.web.routing import Handler
from idp.web.sign_up_views import SignUpFinish

PASSWORD = "password"  # noqa: S105 - the name of a method
LONGEST_SHOWN = 254


def finish_handler(new_passwords: NewPasswords) -> Handler:
    """Return the handler of the page, which judges and hashes by `new_passwords`, outside any unit of work."""

    def handle(request: Request, server: Server) -> Answer:
        if request.method == "GET":
            return within_unit_of_work(server, request, _show)
        form = Form(request.form)
        early = within_unit_of_work(server, request, lambda context: _check(form, context))
        if not isinstance(early, Owner):
            return early
        fault = new_passwords.fault_of(form["password"], early)
        if fault is not None:
            return within_unit_of_work(server, request, lambda context: _again(form, context, error=fault))
        hashed = new_passwords.hash(form["password"])
        try:
            return within_unit_of_work(server, request, lambda context: _enter(form, hashed, context))
        except Duplicate:
            # Nothing of it was kept, so the link still counts for another name.
            return within_unit_of_work(server, request, lambda context: _again(form, context, name_error="taken"))

    return handle


def _show(context: Context) -> Answer:
    def find(token_hash: str) -> SignUp:
        return _find(token_hash, context)

    return show_link(KIND, FINISH_PATH, find, lambda found, query: _page(found, query, context), context)


def _check(form: Form, context: Context) -> Answer | Owner:
    """Answer what needs no look at the password; else return whom it is for."""
    found = _load(form, context)
    check_form_token(form["flow"], context.request.browser, form["csrf_token"])
    if find_account(context.uow, found.email) is not None:
        return _page(found, form, context)
    name = form["username"].strip()
    fault = name_fault(context.uow, name, context.settings.product_name) if name else "missing"
    if fault or not form["password"]:
        error = None if form["password"] else "missing"
        return _page(found, form, context, name_error=fault, error=error)
    return Owner(names=(name, found.email, context.settings.product_name), has_second_factor=False)


def _enter(form: Form, hashed: str, context: Context) -> Answer:
    """Make the account and start its session. Raises `LinkExpired`, `Duplicate`."""
    found = _load(form, context)
    account = make_account(context.uow, found, username=form["username"], password_hash=hashed, now=context.now)
    if account is None:
        raise LinkExpired("This link was used already.")
    context.audit("account.signed_up", account_id=account.account_id, invited=found.is_invited)
    step, context = _step(found, context)
    step = replace(step, interaction=replace(step.interaction, done=step.interaction.done | {CREATE}))
    return enter_or_ask(step, _proved(account, context), context)


def _proved(account: Account, context: Context) -> Proved:
    """Return what making an account proves: its password is known, for it was just set."""
    return Proved(
        account_id=account.account_id,
        amr=(AMR[PASSWORD],),
        authenticated_at=context.now,
        password_set_at=context.now,
        remembered=False,
    )


def _step(found: SignUp, context: Context) -> tuple[Step, Context]:
    """Return the sign-in to go on with: the one that was left for the mail, or a new one to the account page."""
    step = _left_step(found, context)
    if step is not None:
        return step, context
    handle, context = begin_own(context)
    return load_step(handle, CREATE, context), context


def _left_step(found: SignUp, context: Context) -> Step | None:
    """Return the sign-in that was left for the mail; None where it is too old, was finished, or is of another browser
    than the one in which the mail was read."""
    if not found.flow:
        return None
    try:
        step = load_step(found.flow, CREATE, context)
    except ProtocolError:
        return None
    return step if is_due(step) else None


def _load(fields: Form, context: Context) -> SignUp:
    return _find(token_hash_of(KIND, fields, context), context)


def _find(token_hash: str, context: Context) -> SignUp:
    try:
        found = find_sign_up(context.uow, context.server.vault, token_hash, context.now, context.settings)
    except CannotOpen:
        found = None
    if found is None:
        raise LinkExpired("This link does not count any more.")
    return found


def _again(form: Form, context: Context, *, error: str | None = None, name_error: str | None = None) -> Answer:
    return _page(_load(form, context), form, context, error=error, name_error=name_error)


def _page(
    found: SignUp, sent: Form, context: Context, *, error: str | None = None, name_error: str | None = None
) -> Page:
    is_taken = find_account(context.uow, found.email) is not None
    view = SignUpFinish(
        action=context.server.url(sign_ups.FINISH_PATH),
        flow=sent["flow"],
        csrf_token=form_token(sent["flow"], context.request.browser),
        email=found.email,
        username=sent["username"][:LONGEST_SHOWN],
        least_length=shortest(has_second_factor=False),
        sign_in_url=context.server.url(ACCOUNT_PATH),
        name_error=name_error,
        error=error,
        is_taken=is_taken,
    )
    status = 400 if error or name_error or is_taken else 200
    step = _left_step(found, context)
    # The form may end at the client, which the page's policy has to allow.
    return flow_page(view, step, status) if step else Page(facts=view, status=status)
