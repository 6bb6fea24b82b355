"""The page that confirms an e-mail address: a link leads to it, its button does it, so that mail scanners do not."""

from idp.accounts.emails import KIND, PATH, confirm_email_change, find_email_change
from idp.accounts.mails import locale_of
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.errors import LinkExpired
from idp.protocol.interaction import check_form_token, form_token
from idp.protocol.messages import Answer, Page, Reader, Request
from idp.randomness import digest
from idp.web.pages.flow import Form
from idp.web.pages.links import load_visit, open_visit
from idp.web.recovery_views import EmailConfirm, EmailConfirmed


def handle_email_confirm(request: Request, server: Server) -> Answer:
    """Show the page, or take its answer."""
    return within_unit_of_work(server, request, _answer if request.method == "POST" else _show)


def _show(context: Context) -> Answer:
    query = Form(context.request.query)
    token_hash = digest(query["token"]) if query["token"] else load_visit(KIND, query["flow"], context)
    found = find_email_change(context.uow, token_hash, context.now)
    if found is None:
        raise LinkExpired("This link does not count any more.")
    account, email, expires_at = found
    if query["token"]:
        return open_visit(KIND, query["token"], PATH, expires_at, context)
    view = EmailConfirm(
        action=context.server.url(PATH),
        flow=query["flow"],
        csrf_token=form_token(query["flow"], context.request.browser),
        username=account.username,
        email=email,
    )
    return Page(facts=view, reader=Reader(account_locale=locale_of(account)))


def _answer(context: Context) -> Answer:
    form = Form(context.request.form)
    token_hash = load_visit(KIND, form["flow"], context)
    check_form_token(form["flow"], context.request.browser, form["csrf_token"])
    account = confirm_email_change(context.uow, token_hash, context.now, language=context.language)
    if account is None:
        raise LinkExpired("This link does not count any more.")
    context.audit("account.email_changed", account_id=account.account_id)
    view = EmailConfirmed(email=str(account.claims["email"]))
    return Page(facts=view, reader=Reader(account_locale=locale_of(account)))
