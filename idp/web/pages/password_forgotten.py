"""The page that sends a link to set a new password to whom a name belongs.

What is done and what is answered is the same for every name: it is looked up when the mail is written, in the outbox's
thread, after the answer (LG-03).
"""

from dataclasses import replace

from idp.accounts.recovery import request_mail
from idp.protocol.context import Context, Server, within_unit_of_work
from idp.protocol.errors import TooManyRequests
from idp.protocol.interaction import check_form_token, form_token
from idp.protocol.messages import Answer, Page, Request, with_query
from idp.randomness import new_handle
from idp.web.pages.flow import Form, reader_of_flow
from idp.web.recovery_views import ForgottenPassword, ForgottenSent

PATH = "/password/forgotten"
SIGN_IN_PATH = "/login"
# A name of an account is shorter; what is longer is cut where it is shown.
LONGEST_SHOWN = 254


def handle_forgotten(request: Request, server: Server) -> Answer:
    """Show the page, or take its answer."""
    if request.method == "GET":
        return within_unit_of_work(server, request, lambda context: _page(context, Form(request.query)), writes=False)
    return within_unit_of_work(server, request, _answer)


def _answer(context: Context) -> Answer:
    form = Form(context.request.form)
    check_form_token(PATH, context.request.browser, form["csrf_token"])
    name = form["username"].strip()
    if not name:
        return _page(context, form, error="missing")
    wait = context.server.throttle.count_reset_request(context.uow, context.request.address, context.now)
    if wait is not None:
        raise TooManyRequests("Too many requests for new passwords.", retry_after_seconds=wait)
    reader = reader_of_flow(form["flow"], context)
    language = context.language_for(reader)
    request_mail(context.uow, context.server.vault, name, context.now, language=language)
    minutes = context.settings.lifetimes.reset_link_seconds // 60
    view = ForgottenSent(name=name[:LONGEST_SHOWN], minutes=minutes, back_url=_back(form, context))
    return Page(facts=view, reader=reader)


def _page(context: Context, sent: Form, *, error: str | None = None) -> Page:
    browser = context.request.browser
    known = replace(browser, browser_id=browser.browser_id or new_handle())
    view = ForgottenPassword(
        action=context.server.url(PATH),
        flow=sent["flow"],
        csrf_token=form_token(PATH, known),
        back_url=_back(sent, context),
        error=error,
    )
    changed = known if browser.browser_id is None else None
    reader = reader_of_flow(sent["flow"], context)
    return Page(facts=view, status=400 if error else 200, browser=changed, reader=reader)


def _back(sent: Form, context: Context) -> str | None:
    """Return the way back to the sign-in that the page was opened from; whether it is still there, that one says."""
    return with_query(context.server.url(SIGN_IN_PATH), [("flow", sent["flow"])]) if sent["flow"] else None
