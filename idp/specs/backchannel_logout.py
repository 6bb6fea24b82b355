"""OIDC Back-Channel Logout 1.0: when a session ends, every client that was given a grant in it is told.

The notices go to the outbox in the unit of work that ends the session; a worker signs and delivers them, so no
relying party's slowness holds up a sign-out, and none is lost in a crash.
"""

from collections.abc import Mapping
from typing import Any

from idp.accounts.subjects import subject_of
from idp.protocol.client_metadata import check_web_uri
from idp.protocol.registry import Registry
from idp.protocol.spec import ClientDraft, ClientMember, Spec
from idp.randomness import new_identifier
from idp.settings import Settings
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import OutboxMessage, Session

KIND = "backchannel_logout"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
TYPE = "logout+jwt"


def enqueue_notices(uow: UnitOfWork, session: Session, now: int) -> None:
    """Put one notice into the outbox for each client of the session that registered a backchannel_logout_uri."""
    for client_id in uow.grants.client_ids_of_session(session.session_id):
        enqueue_notice(uow, session, client_id, now)


def enqueue_notice(uow: UnitOfWork, session: Session, client_id: str, now: int) -> None:
    """Put the notice for one client of the session into the outbox, if it registered where to: it has nothing of the
    session any more, because that ended, or the End-User has taken the client's access away."""
    client = uow.clients.find(client_id)
    destination = client.value("backchannel_logout_uri") if client else None
    if client is None or destination is None:
        return
    uow.outbox.add(
        OutboxMessage(
            message_id=new_identifier(),
            kind=KIND,
            client_id=client_id,
            destination=destination,
            payload={"sub": subject_of(uow, client, session.account_id), "sid": session.session_id},
            created_at=now,
            next_attempt_at=now,
        )
    )


def logout_token_claims(message: OutboxMessage, settings: Settings, now: int) -> Mapping[str, Any]:
    """Return the claims of a logout token (§2.4), made anew for each attempt so that none arrives expired."""
    return {
        "iss": settings.issuer,
        "aud": message.client_id,
        "sub": message.payload["sub"],
        "sid": message.payload["sid"],
        "iat": now,
        "exp": now + settings.lifetimes.logout_token_seconds,
        "jti": new_identifier(),
        "events": {EVENT: {}},
    }


def _check_flag(value: Any, _draft: ClientDraft) -> bool:
    return value is True


def server_metadata(_registry: Registry, _settings: Settings) -> Mapping[str, Any]:
    """Return the members of §2.1; every notice carries the `sid`."""
    return {"backchannel_logout_supported": True, "backchannel_logout_session_supported": True}


SPEC = Spec(
    name="backchannel_logout",
    document="OIDC Back-Channel Logout 1.0",
    requires=("oidc_core",),
    client_metadata={
        "backchannel_logout_uri": ClientMember(check=check_web_uri("backchannel_logout_uri")),
        "backchannel_logout_session_required": ClientMember(check=_check_flag, default=False),
    },
    server_metadata=server_metadata,
    on_session_ended=(enqueue_notices,),
    on_access_withdrawn=(enqueue_notice,),
)
