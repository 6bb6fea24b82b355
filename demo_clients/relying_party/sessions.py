"""The application's own sessions, kept in the server's memory; the browser holds an opaque id and nothing else.

A session begins anonymous (a pending sign-in needs one) and is replaced by one with a new id when somebody signs in
or out. It ends by idle time, by age, by sign-out, or when the provider says so (`backchannel_logout`).
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from demo_clients.relying_party.attempt_result import AttemptResult
from demo_clients.relying_party.checks import Verdict
from demo_clients.relying_party.code_flow import PendingSignIn
from demo_clients.relying_party.timeline import MAX_STEPS, Step

IDLE_SECONDS = 1800
ABSOLUTE_SECONDS = 28_800
MAX_SESSIONS = 10_000
MAX_PENDING = 8
PENDING_SECONDS = 600
"""How long somebody may take on the provider's pages."""
MAX_REMEMBERED = 12


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """An access token for one resource. Times in Unix seconds."""

    value: str = field(repr=False)
    resource: str
    scope: tuple[str, ...]
    received_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class TokenSet:
    """The tokens of one sign-in: the current one for each resource, and some earlier ones, for the demonstration."""

    refresh_token: str | None = field(repr=False)
    current: Mapping[str, IssuedToken]
    earlier: tuple[IssuedToken, ...] = ()
    renewals: int = 0
    rotations: int = 0


@dataclass(frozen=True, slots=True)
class SpentCode:
    """A code that was redeemed, kept only so that the page can show that a second use is refused."""

    code: str = field(repr=False)
    state: str = field(repr=False)
    code_verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who signed in: the verified ID Token and the UserInfo claims, both about the same subject."""

    subject: str
    session_id: str | None
    id_token: Verdict
    userinfo: Mapping[str, Any]

    @property
    def display_name(self) -> str:
        """The best name that the provider gave, or the subject."""
        names = (self.userinfo.get(claim) for claim in ("name", "given_name", "preferred_username", "email"))
        return next((name for name in names if isinstance(name, str) and name), self.subject)


@dataclass(slots=True)
class Session:
    """All that the server knows of one browser. Mutable by its nature; `lock` is held while tokens are renewed."""

    id: str = field(repr=False)
    csrf_token: str = field(repr=False)
    started_at: int
    last_seen_at: int
    pending: dict[str, PendingSignIn] = field(default_factory=dict)
    spent_states: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_REMEMBERED))
    identity: Identity | None = None
    tokens: TokenSet | None = None
    spent_code: SpentCode | None = None
    sign_out_state: str | None = None
    notice: str = ""
    timeline: deque[Step] = field(default_factory=lambda: deque(maxlen=MAX_STEPS))
    results: deque[AttemptResult] = field(default_factory=lambda: deque(maxlen=MAX_REMEMBERED))
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def remember(self, pending: PendingSignIn) -> None:
        """Keep a pending sign-in; with too many of them the oldest goes."""
        while len(self.pending) >= MAX_PENDING:
            del self.pending[next(iter(self.pending))]
        self.pending[pending.state] = pending

    def forget_person(self, notice: str) -> None:
        """Make the session anonymous at once: identity, tokens and everything learned with them."""
        self.identity = None
        self.tokens = None
        self.spent_code = None
        self.results.clear()
        self.notice = notice


class SessionStore:
    """Sessions by id. Expired ones are never returned; when full, anonymous ones make room first."""

    def __init__(self, now: Callable[[], int], max_sessions: int = MAX_SESSIONS) -> None:
        self._now = now
        self._max_sessions = max_sessions
        self._sessions: dict[str, Session] = {}

    def open(self) -> Session:
        """A new anonymous session with an id of 256 random bits."""
        self._make_room()
        now = self._now()
        session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32), started_at=now, last_seen_at=now)
        self._sessions[session.id] = session
        return session

    def find(self, session_id: str) -> Session | None:
        """The live session of that id, marked as seen now."""
        session = self._sessions.get(session_id)
        if session is None:
            return None
        if self._has_expired(session):
            self.discard(session)
            return None
        session.last_seen_at = self._now()
        return session

    def discard(self, session: Session) -> None:
        """End a session; its id means nothing any more, and nobody is signed in with what holds it still."""
        session.forget_person("")
        self._sessions.pop(session.id, None)

    def signed_in(self, *, session_id: str | None, subject: str | None) -> list[Session]:
        """Sessions of that `sid`, that `sub`, or of both where both are given."""
        return [
            session
            for session in self._sessions.values()
            if (identity := session.identity) is not None
            and session_id in (None, identity.session_id)
            and subject in (None, identity.subject)
        ]

    def _has_expired(self, session: Session) -> bool:
        now = self._now()
        return now - session.last_seen_at > IDLE_SECONDS or now - session.started_at > ABSOLUTE_SECONDS

    def _make_room(self) -> None:
        if len(self._sessions) < self._max_sessions:
            return
        for session in [known for known in self._sessions.values() if self._has_expired(known)]:
            self.discard(session)
        while len(self._sessions) >= self._max_sessions:
            anonymous = (known for known in self._sessions.values() if known.identity is None)
            self.discard(next(anonymous, next(iter(self._sessions.values()))))
