"""The page on which a link's bearer sets a new password. It starts no session: who has a second factor is asked for it
at the next sign-in as ever (MF-29)."""

from idp.accounts.accounts import set_password
from idp.accounts.mails import locale_of
from idp.accounts.recovery import KIND, PATH, Recovery, consume_recovery, find_recovery
from idp.authentication.methods import SECOND_FACTORS, passkey
from idp.authentication.new_passwords import NewPasswords, Owner
from idp.authentication.password_rules import shortest
from idp.protocol.assurance import ready_factors
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.errors import LinkExpired
from idp.protocol.interaction import check_form_token, form_token
from idp.protocol.messages import Answer, Page, Reader, Request
from idp.stores.records import Account
from idp.web.pages.flow import Form
from idp.web.pages.links import show_link, token_hash_of
from idp.web.recovery_views import NewPassword, PasswordSet
from idp.web.routing import Handler


def password_reset_handler(new_passwords: NewPasswords) -> Handler:
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
            return within_unit_of_work(server, request, lambda context: _again(form, fault, context))
        hashed = new_passwords.hash(form["password"])
        return within_unit_of_work(server, request, lambda context: _set(form, hashed, context))

    return handle


def _show(context: Context) -> Answer:
    def find(token_hash: str) -> Recovery:
        return _find(token_hash, context)

    return show_link(KIND, PATH, find, lambda recovery, query: _page(recovery, query["flow"], context), context)


def _check(form: Form, context: Context) -> Answer | Owner:
    """Answer what needs no look at the password, such as a link that counts no more; else return whom it is for."""
    recovery = _load(form, context)
    check_form_token(form["flow"], context.request.browser, form["csrf_token"])
    if not form["password"]:
        return _page(recovery, form["flow"], context, error="missing")
    names = (*recovery.account.names, context.settings.product_name)
    return Owner(names=names, has_second_factor=_has_second_factor(recovery, context))


def _again(form: Form, fault: str, context: Context) -> Answer:
    return _page(_load(form, context), form["flow"], context, error=fault)


def _set(form: Form, hashed: str, context: Context) -> Answer:
    recovery = _load(form, context)
    if not consume_recovery(context.uow, recovery, context.now):
        raise LinkExpired("This link was used already.")
    account, uow, now = recovery.account, context.uow, context.now
    set_password(uow, context.server.sessions, account, hashed, now)
    context.audit("recovery.used", account_id=account.account_id, by="operator" if recovery.by_operator else "mail")
    context.audit("account.password_changed", account_id=account.account_id)
    context.notify(account, "password_changed")
    if recovery.without_second_factor:
        # A passkey is more than a second factor, and a way in of its own.
        methods = [factor.name for factor in SECOND_FACTORS if factor.name != passkey.NAME]
        removed = sum(uow.authenticators.remove_all(account.account_id, method) for method in methods)
        if removed:
            context.audit("second_factor.removed", account_id=account.account_id, by="operator")
            context.notify(account, "second_factor_removed")
    more = _is_asked_for_more(recovery, context)
    return Page(facts=PasswordSet(username=account.username, is_asked_for_more=more), reader=_reader(account))


def _load(fields: Form, context: Context) -> Recovery:
    return _find(token_hash_of(KIND, fields, context), context)


def _find(token_hash: str, context: Context) -> Recovery:
    recovery = find_recovery(context.uow, token_hash, context.now)
    if recovery is None:
        raise LinkExpired("This link does not count any more.")
    return recovery


def _has_second_factor(recovery: Recovery, context: Context) -> bool:
    return not recovery.without_second_factor and _is_asked_for_more(recovery, context)


def _is_asked_for_more(recovery: Recovery, context: Context) -> bool:
    return any(factor.counts_as_set_up for factor in ready_factors(recovery.account.account_id, context))


def _page(recovery: Recovery, flow: str, context: Context, *, error: str | None = None) -> Page:
    view = NewPassword(
        action=context.server.url(PATH),
        flow=flow,
        csrf_token=form_token(flow, context.request.browser),
        username=recovery.account.username,
        least_length=shortest(has_second_factor=_has_second_factor(recovery, context)),
        error=error,
    )
    return Page(facts=view, status=400 if error else 200, reader=_reader(recovery.account))


def _reader(account: Account) -> Reader:
    return Reader(account_locale=locale_of(account))
