"""Invitations: initial access tokens, each of which lets one client register itself (RFC 7591 §1.2, §3).

A token is 256 random bits and counts once, for a while; its digest alone is kept, as an artifact of a kind of its own,
so that nothing made for another purpose passes for one.
"""

from idp.randomness import digest, new_handle, new_identifier
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Artifact

KIND = "initial_access_token"


def issue_invitation(uow: UnitOfWork, *, now: int, expires_at: int) -> tuple[str, str]:
    """Return a new initial access token, and the public identifier by which the audit names it."""
    token, invitation_id = new_handle(), new_identifier()
    payload = {"invitation_id": invitation_id}
    uow.artifacts.add(
        Artifact(kind=KIND, handle_hash=digest(token), payload=payload, created_at=now, expires_at=expires_at)
    )
    return token, invitation_id


def find_invitation(uow: UnitOfWork, token: str, now: int) -> str | None:
    """Return the identifier of the invitation behind a token; None for one that is unknown, spent or expired."""
    found = uow.artifacts.find(KIND, digest(token))
    if found is None or found.consumed_at is not None or found.expires_at <= now:
        return None
    return str(found.payload["invitation_id"])


def consume_invitation(uow: UnitOfWork, token: str, now: int) -> bool:
    """Spend an invitation; False when another request was faster (R4)."""
    return uow.artifacts.consume(KIND, digest(token), now) is not None
