"""The page to which the mail about a new browser leads: its owner says that it was somebody else. It asks for no
sign-in, for it only takes access away, and whoever is in a hurry may have lost theirs."""

from idp.accounts.accounts import PASSWORD
from idp.accounts.alarms import KIND, PATH, Alarm, find_alarm, raise_alarm
from idp.accounts.mails import locale_of
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.errors import LinkExpired
from idp.protocol.interaction import check_form_token, form_token
from idp.protocol.messages import Answer, Page, Reader, Request
from idp.web.pages.flow import Form
from idp.web.pages.links import show_link, token_hash_of
from idp.web.pages.password_forgotten import PATH as FORGOTTEN_PATH
from idp.web.recovery_views import NotMe, NotMeDone


def handle_not_me(request: Request, server: Server) -> Answer:
    """Show the page, or take its answer."""
    return within_unit_of_work(server, request, _answer if request.method == "POST" else _show)


def _show(context: Context) -> Answer:
    def find(token_hash: str) -> Alarm:
        alarm = find_alarm(context.uow, token_hash, context.now)
        if alarm is None:
            raise LinkExpired("This link does not count any more.")
        return alarm

    return show_link(KIND, PATH, find, lambda alarm, query: _page(alarm, query["flow"], context), context)


def _page(alarm: Alarm, flow: str, context: Context) -> Page:
    view = NotMe(
        action=context.server.url(PATH),
        flow=flow,
        csrf_token=form_token(flow, context.request.browser),
        username=alarm.account.username,
    )
    return Page(facts=view, reader=Reader(account_locale=locale_of(alarm.account)))


def _answer(context: Context) -> Answer:
    form = Form(context.request.form)
    token_hash = token_hash_of(KIND, form, context)
    check_form_token(form["flow"], context.request.browser, form["csrf_token"])
    alarm = find_alarm(context.uow, token_hash, context.now)
    if alarm is None or not raise_alarm(context.uow, context.server.sessions, alarm, token_hash, context.now):
        raise LinkExpired("This link was used already.")
    account = alarm.account
    context.audit("sign_in.disowned", account_id=account.account_id)
    has_password = context.uow.accounts.find_credential(account.account_id, PASSWORD) is not None
    forgotten_url = context.server.url(FORGOTTEN_PATH) if has_password else None
    view = NotMeDone(username=account.username, forgotten_url=forgotten_url)
    return Page(facts=view, reader=Reader(account_locale=locale_of(account)))
