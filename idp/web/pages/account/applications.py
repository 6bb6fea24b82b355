"""The applications that have access: what each was granted, in words, and taking it away, which ends consent, grants
and all their tokens, and is told to the application as a sign-out is."""

from collections.abc import Mapping
from itertools import groupby

from idp.accounts.grants import grant_is_live
from idp.protocol.errors import Forbidden
from idp.protocol.messages import Answer
from idp.stores.records import Client, Consent, Grant, Standing
from idp.web.account_views import Applications, ApplicationView
from idp.web.pages.account.visit import ROOT, Visit, visiting
from idp.web.pages.consent import scope_view
from idp.web.views import ClientView

PATH = f"{ROOT}/applications"


def _show(visit: Visit) -> Answer:
    uow, account_id = visit.context.uow, visit.account.account_id
    consents = {consent.client_id: consent for consent in uow.consents.list_of_account(account_id)}
    grants = _live_grants(visit)
    found = (uow.clients.find(client_id) for client_id in sorted({*consents, *grants}))
    views = [
        _view(client, consents.get(client.client_id), grants.get(client.client_id, []), visit)
        for client in found
        if client
    ]
    return visit.page(Applications(frame=visit.frame, applications=tuple(sorted(views, key=lambda v: v.client.name))))


def _answer(visit: Visit) -> Answer:
    uow, account_id, client_id = visit.context.uow, visit.account.account_id, visit.form["client"]
    # Held, so that a consent that is given at this moment comes before or after all of this.
    uow.accounts.hold(account_id)
    had_consent = uow.consents.remove(account_id, client_id)
    if not uow.grants.revoke_of_consent(account_id, client_id, visit.context.now) and not had_consent:
        raise Forbidden("This application has no access to this account.", detail="no consent and no grant")
    _tell(client_id, visit)
    visit.audit("consent.withdrawn", client_id=client_id)
    return visit.go(PATH, "withdrawn")


def _tell(client_id: str, visit: Visit) -> None:
    """Have the client told, for each session that it was used in: the sign-in that it has of it is over."""
    context = visit.context
    for session in context.uow.sessions.list_live(visit.account.account_id, context.now):
        if client_id in context.uow.grants.client_ids_of_session(session.session_id):
            for listener in context.registry.on_access_withdrawn:
                listener(context.uow, session, client_id, context.now)


def _live_grants(visit: Visit) -> Mapping[str, list[Grant]]:
    """Return the grants that count, by client, the newest first."""
    uow, now = visit.context.uow, visit.context.now
    sessions = {session.session_id: session for session in uow.sessions.list_live(visit.account.account_id, now)}

    def is_live(grant: Grant, client: Client | None) -> bool:
        session = sessions.get(grant.session_id or "")
        return grant_is_live(Standing(grant=grant, client=client, account=visit.account, session=session), now)

    mine = sorted(uow.grants.list_of_account(visit.account.account_id), key=lambda grant: grant.client_id)
    live = {}
    for client_id, theirs in groupby(mine, key=lambda grant: grant.client_id):
        client = uow.clients.find(client_id)
        if found := [grant for grant in theirs if is_live(grant, client)]:
            live[client_id] = found
    return live


def _view(client: Client, consent: Consent | None, grants: list[Grant], visit: Visit) -> ApplicationView:
    scopes = dict.fromkeys(scope for grant in grants for scope in grant.scopes)
    scopes |= dict.fromkeys(consent.scopes if consent else ())
    return ApplicationView(
        client_id=client.client_id,
        client=ClientView(name=client.name, host="", verified=client.first_party),
        scopes=tuple(scope_view(scope, visit.context) for scope in scopes),
        first=visit.moment(grants[-1].created_at) if grants else None,
        last=visit.moment(grants[0].created_at) if grants else None,
    )


handle = visiting(PATH, _show, _answer)
