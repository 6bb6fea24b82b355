"""Where one is signed in: each session with its device, to end one or all others; and the browsers that are not asked
for the second factor, to be forgotten."""

from idp.accounts import browsers
from idp.protocol.errors import Forbidden
from idp.protocol.messages import Answer
from idp.stores.records import Authenticator, Session
from idp.web.account_views import RememberedView, SessionList, SessionView
from idp.web.devices import browser_of, system_of
from idp.web.pages.account.visit import ROOT, Visit, visiting

PATH = f"{ROOT}/sessions"


def _show(visit: Visit) -> Answer:
    context = visit.context
    live = context.server.sessions.list_live(context.uow, visit.account.account_id, context.now)
    ordered = sorted(live, key=lambda session: session.session_id != visit.session.session_id)
    days = context.settings.second_factor.remember_device_days
    remembered = browsers.remembered(context.uow, visit.account.account_id, context.now, days=days)
    return visit.page(
        SessionList(
            frame=visit.frame,
            sessions=tuple(_view(each, visit) for each in ordered),
            remembered=tuple(_remembered_view(each, visit) for each in remembered),
        )
    )


def _answer(visit: Visit) -> Answer:
    context, sessions = visit.context, visit.context.server.sessions
    if visit.form["action"] == "end_others":
        sessions.end_all(context.uow, visit.account.account_id, context.now, but=visit.session.session_id)
        return visit.go(PATH, "sessions_ended")
    if visit.form["action"] == "forget":
        return _forget(visit)
    found = context.uow.sessions.find(visit.form["session"])
    # Nobody learns whether the session of someone else exists (SS-03).
    if found is None or found.account_id != visit.account.account_id:
        raise Forbidden("This is no session of this account.", detail="session of another account")
    sessions.end(context.uow, found.session_id, context.now)
    return visit.go(PATH, "session_ended")


def _forget(visit: Visit) -> Answer:
    """Forget one remembered browser, or all."""
    uow, account_id, wanted = visit.context.uow, visit.account.account_id, visit.form["device"]
    mine = [each for each in uow.authenticators.list(account_id) if each.method == browsers.REMEMBERED]
    found = [each for each in mine if wanted in {"all", each.authenticator_id}]
    if not found and wanted != "all":
        raise Forbidden("This is no device of this account.", detail="device of another account")
    for each in found:
        uow.authenticators.remove(account_id, each.authenticator_id)
        visit.audit("device.forgotten", device=each.name)
    return visit.go(PATH, "device_forgotten")


def _remembered_view(each: Authenticator, visit: Visit) -> RememberedView:
    days = visit.context.settings.second_factor.remember_device_days
    return RememberedView(
        device_id=each.authenticator_id,
        name=each.name,
        since=visit.moment(each.created_at),
        until=visit.moment(each.created_at + days * 86_400),
    )


def _view(session: Session, visit: Visit) -> SessionView:
    return SessionView(
        session_id=session.session_id,
        browser=browser_of(session.user_agent),
        system=system_of(session.user_agent),
        address=session.address,
        started=visit.moment(session.created_at),
        seen=visit.moment(max(session.last_seen_at, session.created_at)),
        is_this=session.session_id == visit.session.session_id,
    )


handle = visiting(PATH, _show, _answer)
