"""What happened to the account, in words: one's own audit events, failed tries too, paged by key. Whoever finds what
was somebody else ends everything but this session, after a fresh sign-in, and sets a new password."""

from idp.accounts.alarms import end_all_others
from idp.protocol.messages import Answer, with_query
from idp.stores.records import AuditEvent
from idp.web.account_views import Activity, EventView
from idp.web.pages.account.password import PATH as PASSWORD_PATH
from idp.web.pages.account.visit import ROOT, Fresh, Visit, visiting

PATH = f"{ROOT}/activity"
PAGE = 25
# An id of ours is shorter; a longer key is none that a page of ours had.
LONGEST_ID = 64


def _show(visit: Visit) -> Answer:
    uow, account_id = visit.context.uow, visit.account.account_id
    events = uow.audit.list_of_account(account_id, before=_before(visit), limit=PAGE + 1)
    shown, more = events[:PAGE], len(events) > PAGE
    older = with_query(
        visit.context.server.url(PATH), [("before", f"{shown[-1].at}.{shown[-1].event_id}")] if more else []
    )
    names = {event.client_id: _name(event.client_id, visit) for event in shown if event.client_id}
    views = tuple(_view(event, names.get(event.client_id or "", ""), visit) for event in shown)
    return visit.page(Activity(frame=visit.frame, events=views, older_url=older if more else None))


def _answer(visit: Visit) -> Answer:
    if visit.form["action"] != "disown":
        return visit.go(PATH)
    context, session = visit.context, visit.session
    end_all_others(
        context.uow,
        context.server.sessions,
        visit.account.account_id,
        context.now,
        session_id=session.session_id,
        handles=context.request.browser.device_handles,
    )
    visit.audit("sign_in.disowned")
    return visit.go(PASSWORD_PATH, "disowned")


def _before(visit: Visit) -> tuple[int, str] | None:
    """Return the key in the address; what is none begins with the newest."""
    at, _, event_id = visit.query["before"].partition(".")
    is_key = at.isascii() and at.isdigit() and len(at) <= 12 and 0 < len(event_id) <= LONGEST_ID
    return (int(at), event_id) if is_key else None


def _name(client_id: str, visit: Visit) -> str:
    client = visit.context.uow.clients.find(client_id)
    return client.name if client else client_id


def _view(event: AuditEvent, client: str, visit: Visit) -> EventView:
    return EventView(
        name=event.name, result=event.result, client=client, address=event.address, at=visit.moment(event.at)
    )


handle = visiting(PATH, _show, _answer, fresh=Fresh.FORMS)
