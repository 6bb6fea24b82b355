"""Sessions: one signed-in account in one browser, kept by us; the browser only holds a handle.

Whoever ends a session goes through `Sessions.end`, so its grants end with it and every listener is told.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from idp.accounts.audit import record
from idp.randomness import digest, new_handle, new_identifier
from idp.settings import Lifetimes
from idp.stores.interfaces import UnitOfWork
from idp.stores.records import Account, Session

SessionListener = Callable[[UnitOfWork, Session, int], None]
# A session is marked as used at most this often: reading must not become writing (R18).
TOUCH_SECONDS = 60
# More live sessions of one account than any person has devices; the oldest give way (SS-23).
MOST_SESSIONS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationEvent:
    """That someone proved to be an account: how (RFC 8176 `amr`), how strongly (`acr`), and when."""

    acr: str
    amr: tuple[str, ...]
    authenticated_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedSession:
    """A session together with its handle, which is never stored and only now known."""

    session: Session
    handle: str


class Sessions:
    """The rules of sessions."""

    def __init__(self, lifetimes: Lifetimes, listeners: Iterable[SessionListener]) -> None:
        self._lifetimes = lifetimes
        self._listeners = tuple(listeners)

    def start(
        self,
        uow: UnitOfWork,
        *,
        account: Account,
        event: AuthenticationEvent,
        browser_hash: str,
        remembered: bool,
        now: int,
        user_agent: str = "",
        address: str = "",
    ) -> StartedSession:
        """Start a session after an authentication. The handle is new whatever the browser held before (R16)."""
        lifetimes = self._lifetimes
        lifetime = lifetimes.remembered_session_seconds if remembered else lifetimes.session_seconds
        handle = new_handle()
        session = Session(
            session_id=new_identifier(),
            handle_hash=digest(handle),
            account_id=account.account_id,
            browser_hash=browser_hash,
            authenticated_at=event.authenticated_at,
            acr=event.acr,
            amr=event.amr,
            remembered=remembered,
            created_at=now,
            last_seen_at=now,
            expires_at=now + lifetime,
            user_agent=user_agent,
            address=address,
        )
        for surplus in uow.sessions.list_live(account.account_id, now)[MOST_SESSIONS - 1 :]:
            self.end(uow, surplus.session_id, now)
        uow.sessions.add(session)
        return StartedSession(session=session, handle=handle)

    def find_live(self, uow: UnitOfWork, handle: str, now: int) -> Session | None:
        """Return the session of a handle if it is live: not ended, within its absolute life and, unless remembered,
        its idle time, of an account that is open. Writes nothing."""
        session = uow.sessions.find_by_handle(digest(handle))
        if session is None or session.ended_at is not None or session.expires_at <= now:
            return None
        if self._is_idle(session, now):
            return None
        account = uow.accounts.find(session.account_id)
        return session if account is not None and account.is_open else None

    def list_live(self, uow: UnitOfWork, account_id: str, now: int) -> tuple[Session, ...]:
        """Return the live sessions of an account, newest first."""
        found = uow.sessions.list_live(account_id, now)
        return tuple(session for session in found if not self._is_idle(session, now))

    def _is_idle(self, session: Session, now: int) -> bool:
        return not session.remembered and session.last_seen_at + self._lifetimes.session_idle_seconds <= now

    def touch(self, uow: UnitOfWork, session: Session, now: int) -> None:
        """Note that a session was used."""
        if now - session.last_seen_at >= TOUCH_SECONDS:
            uow.sessions.touch(session.session_id, now)

    def reauthenticate(self, uow: UnitOfWork, session: Session, event: AuthenticationEvent, now: int) -> StartedSession:
        """Renew a session after a fresh authentication: the same `sid` for its relying parties, a new handle for its
        browser. The absolute end stays."""
        handle = new_handle()
        renewed = replace(
            session,
            handle_hash=digest(handle),
            authenticated_at=event.authenticated_at,
            acr=event.acr,
            amr=event.amr,
            last_seen_at=now,
        )
        uow.sessions.replace(renewed)
        return StartedSession(session=renewed, handle=handle)

    def end(self, uow: UnitOfWork, session_id: str, now: int) -> Session | None:
        """End a session: its grants that are not offline are revoked, the listeners told. None if it had ended."""
        ended = uow.sessions.end(session_id, now)
        if ended is None:
            return None
        uow.grants.revoke_of_session(session_id, now)
        record(uow, "session.ended", now=now, account_id=ended.account_id, session_id=session_id)
        for listener in self._listeners:
            listener(uow, ended, now)
        return ended

    def end_all(self, uow: UnitOfWork, account_id: str, now: int, *, but: str | None = None) -> int:
        """End all sessions of an account, but the one with this `sid`; return how many."""
        live = [session for session in uow.sessions.list_live(account_id, now) if session.session_id != but]
        return sum(self.end(uow, session.session_id, now) is not None for session in live)
