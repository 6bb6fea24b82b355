"""The page that confirms an e-mail address: a link leads to it, its button does it, so that mail scanners do not."""

from idp.accounts.emails import KIND, PATH, confirm_email_change, find_email_change
from idp.accounts.mails import locale_of
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.errors import LinkExpired
from idp.protocol.interaction import check_form_token, form_token
from idp.protocol.messages import Answer, Page, Reader, Request
from idp.stores.records import Account
from idp.web.pages.flow import Form
from idp.web.pages.links import show_link, token_hash_of
from idp.web.recovery_views import EmailConfirm, EmailConfirmed


def handle_email_confirm(request: Request, server: Server) -> Answer:
    """Show the page, or take its answer."""
    return within_unit_of_work(server, request, _answer if request.method == "POST" else _show)


def _show(context: Context) -> Answer:
    def find(token_hash: str) -> tuple[Account, str]:
        found = find_email_change(context.uow, token_hash, context.now)
        if found is None:
            raise LinkExpired("This link does not count any more.")
        return found

    return show_link(KIND, PATH, find, lambda found, query: _page(*found, query["flow"], context), context)


def _page(account: Account, email: str, flow: str, context: Context) -> Page:
    view = EmailConfirm(
        action=context.server.url(PATH),
        flow=flow,
        csrf_token=form_token(flow, context.request.browser),
        username=account.username,
        email=email,
    )
    return Page(facts=view, reader=Reader(account_locale=locale_of(account)))


def _answer(context: Context) -> Answer:
    form = Form(context.request.form)
    token_hash = token_hash_of(KIND, form, context)
    check_form_token(form["flow"], context.request.browser, form["csrf_token"])
    account = confirm_email_change(context.uow, token_hash, context.now, language=context.language)
    if account is None:
        raise LinkExpired("This link does not count any more.")
    context.audit("account.email_changed", account_id=account.account_id)
    view = EmailConfirmed(email=str(account.claims["email"]))
    return Page(facts=view, reader=Reader(account_locale=locale_of(account)))
