"""Deleting one's account: asked once more, after a fresh sign-in; it is closed at once, and removed days later."""

from dataclasses import replace

from idp.accounts.deletion import DAY, close_account
from idp.protocol.messages import Answer, Page
from idp.web.deletion_views import AccountClosed, Deletion
from idp.web.pages.account.visit import ROOT, Fresh, Visit, visiting
from idp.web.pages.flow import account_view

PATH = f"{ROOT}/delete"


def _show(visit: Visit) -> Answer:
    context, days = visit.context, visit.context.settings.accounts.deletion_delay_days
    return visit.page(Deletion(frame=visit.frame, days=days, deleted=visit.moment(context.now + days * DAY)))


def _answer(visit: Visit) -> Answer:
    context, days = visit.context, visit.context.settings.accounts.deletion_delay_days
    account_id = visit.account.account_id
    closed = close_account(context.uow, context.server.sessions, visit.account, context.now, delay_days=days)
    visit.audit("account.closed", delete_at=closed.delete_at)
    context.notify(closed, "account_closed", at=closed.delete_at)
    others = tuple(handle for handle, session in context.browser_sessions if session.account_id != account_id)
    view = AccountClosed(
        account=account_view(closed),
        deleted=visit.moment(closed.delete_at or context.now),
        keep_url=context.server.url(ROOT),
    )
    return Page(facts=view, browser=replace(context.request.browser, session_handles=others))


handle = visiting(PATH, _show, _answer, fresh=Fresh.ALWAYS)
