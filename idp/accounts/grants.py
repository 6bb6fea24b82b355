"""Grants and consents: what a client may still do in an account's name, decided in one place (R7)."""

from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Consent, Standing


def grant_is_live(standing: Standing, now: int) -> bool:
    """Tell whether a grant still counts: not revoked, not over; client enabled, account open; and, unless it is
    offline, its session not ended. An idle session keeps its grants until its absolute end."""
    grant, client, account, session = standing.grant, standing.client, standing.account, standing.session
    if grant.revoked_at is not None or grant.expires_at <= now:
        return False
    if client is None or client.client_id != grant.client_id or not client.enabled:
        return False
    is_theirs = account is not None and account.account_id == grant.account_id and account.is_open
    if grant.account_id is not None and not is_theirs:
        return False
    if grant.offline or grant.session_id is None:
        return True
    return session is not None and session.ended_at is None and session.expires_at > now


def needed_consent(consent: Consent | None, scopes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the scopes that the account has not agreed to yet."""
    given = consent.scopes if consent else ()
    return tuple(scope for scope in scopes if scope not in given)


def remember_consent(uow: UnitOfWork, account_id: str, client_id: str, scopes: tuple[str, ...], now: int) -> None:
    """Remember scopes beside those agreed to before."""
    known = uow.consents.find(account_id, client_id)
    together = tuple(dict.fromkeys((*(known.scopes if known else ()), *scopes)))
    uow.consents.put(Consent(account_id=account_id, client_id=client_id, scopes=together, updated_at=now))
