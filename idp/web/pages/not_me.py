"""The page to which the mail about a new browser leads: its owner says that it was somebody else. It asks for no
sign-in, for it only takes access away, and whoever is in a hurry may have lost theirs."""

from idp.accounts.accounts import PASSWORD
from idp.accounts.alarms import KIND, PATH, find_alarm, raise_alarm
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.errors import LinkExpired
from idp.protocol.interaction import check_form_token, form_token
from idp.protocol.messages import Answer, Page, Request
from idp.randomness import digest
from idp.web.pages.flow import Form
from idp.web.pages.links import load_visit, open_visit
from idp.web.pages.password_forgotten import PATH as FORGOTTEN_PATH
from idp.web.recovery_views import NotMe, NotMeDone


def handle_not_me(request: Request, server: Server) -> Answer:
    """Show the page, or take its answer."""
    return within_unit_of_work(server, request, _answer if request.method == "POST" else _show)


def _show(context: Context) -> Answer:
    query = Form(context.request.query)
    token_hash = digest(query["token"]) if query["token"] else load_visit(KIND, query["flow"], context)
    alarm = find_alarm(context.uow, token_hash, context.now)
    if alarm is None:
        raise LinkExpired("This link does not count any more.")
    if query["token"]:
        return open_visit(KIND, query["token"], PATH, alarm.expires_at, context)
    view = NotMe(
        action=context.server.url(PATH),
        flow=query["flow"],
        csrf_token=form_token(query["flow"], context.request.browser),
        username=alarm.account.username,
    )
    return Page(facts=view)


def _answer(context: Context) -> Answer:
    form = Form(context.request.form)
    token_hash = load_visit(KIND, form["flow"], context)
    check_form_token(form["flow"], context.request.browser, form["csrf_token"])
    alarm = find_alarm(context.uow, token_hash, context.now)
    if alarm is None or not raise_alarm(context.uow, context.server.sessions, alarm, token_hash, context.now):
        raise LinkExpired("This link was used already.")
    account = alarm.account
    context.audit("sign_in.disowned", account_id=account.account_id)
    has_password = context.uow.accounts.find_credential(account.account_id, PASSWORD) is not None
    forgotten_url = context.server.url(FORGOTTEN_PATH) if has_password else None
    return Page(facts=NotMeDone(username=account.username, forgotten_url=forgotten_url))
