"""What a step of a flow may use: the server's parts, one unit of work, the request and the instant it arrived."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from typing import Any, TypeVar, cast

from idp.accounts.audit import Origin, record
from idp.accounts.mails import Notice, notify
from idp.accounts.sessions import Sessions
from idp.authentication.throttle import Throttling
from idp.clock import Clock
from idp.jose.keys import KeyRing
from idp.jose.sealing import KeyEncryptionKey
from idp.jose.signing import TokenSigner
from idp.outbound.documents import Documents
from idp.protocol.errors import ProtocolError
from idp.protocol.messages import Browser, Reader, Request
from idp.protocol.reader import language_of
from idp.protocol.registry import Registry
from idp.settings import Settings
from idp.stores.interfaces import Group, NotWritable, Storage, UnitOfWork
from idp.stores.records import Account, Session

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """The parts of a running provider, wired once by `idp.app`."""

    settings: Settings
    clock: Clock
    storage: Storage
    registry: Registry
    keys: KeyRing
    tokens: TokenSigner
    vault: KeyEncryptionKey
    documents: Documents
    sessions: Sessions
    throttle: Throttling

    def url(self, path: str) -> str:
        """Return the absolute URL of a path under the issuer; always from the configuration, never from a request."""
        return self.settings.issuer + path


@dataclass(frozen=True, kw_only=True)
class Context:
    """One request's view of the server. Lives as long as its unit of work."""

    server: Server
    uow: UnitOfWork
    request: Request
    now: int

    @property
    def settings(self) -> Settings:
        """The settings."""
        return self.server.settings

    @property
    def registry(self) -> Registry:
        """The registered specifications."""
        return self.server.registry

    @property
    def origin(self) -> Origin:
        """Where the request came from, for the audit."""
        return Origin(address=self.request.address, request_id=self.request.request_id)

    @property
    def language(self) -> str:
        """The language for whoever sent the request, as far as that alone says."""
        return self.language_for(Reader())

    def language_for(self, reader: Reader) -> str:
        """Return the language for whoever sent the request, by what is known of them beside it."""
        return language_of(self.request, self.settings.default_locale, reader)

    @cached_property
    def browser_sessions(self) -> tuple[tuple[str, Session], ...]:
        """The live sessions of the browser that sent the request, (handle, session), the active one first."""
        found = []
        for handle in self.request.browser.session_handles:
            session = self.server.sessions.find_live(self.uow, handle, self.now)
            if session is not None:
                found.append((handle, session))
        return tuple(found)

    def browser_with(self, *handles: str) -> Browser:
        """Return the browser holding exactly these of its live sessions, in this order; its cookie outlives the browser
        process when one of them is remembered."""
        live = dict(self.browser_sessions)
        remembered = any(live[handle].remembered for handle in handles)
        return replace(self.request.browser, session_handles=handles, remembered=remembered)

    def document(self, url: str, *, fresh_seconds: float, stale_seconds: float = 0) -> bytes:
        """Return the document at a URL, at most so old, or fetched for this request.

        Raises `DocumentUnavailable`; `DocumentNeeded` passes through every step, and undoes it."""
        fresh_seconds = inf if url in self.request.fetched else fresh_seconds
        return self.server.documents.find(url, fresh_seconds=fresh_seconds, stale_seconds=stale_seconds)

    def notify(self, account: Account, kind: Notice, *, at: int | None = None) -> None:
        """Let the owner of an account know of a change, where there is mail; `at` is the instant that it tells."""
        if self.settings.sends_mail:
            notify(self.uow, account, kind, self.now, language=self.language, at=at)

    def audit(self, name: str, *, result: str = "ok", **about: Any) -> None:
        """Append an audit event about this request."""
        record(self.uow, name, now=self.now, result=result, origin=self.origin, **about)


def within_unit_of_work(server: Server, request: Request, step: Callable[[Context], T], *, writes: bool = True) -> T:
    """Run one step inside one unit of work and return its result, or raise its refusal, once that is durable."""
    return _within(server.storage.begin() if writes else server.storage.snapshot(), server, request, step)


def within_group(group: Group, server: Server, request: Request, step: Callable[[Context], T]) -> T:
    """Run one step inside one unit of work of a group; what it returns or raises is to be kept back until the group has
    ended."""
    return _within(group.begin(), server, request, step)


def _within(
    opened: AbstractContextManager[UnitOfWork], server: Server, request: Request, step: Callable[[Context], T]
) -> T:
    """The unit of work commits when the step refuses (`ProtocolError`): revoking on a replay and counting a failure
    must last. It rolls back on anything else."""
    with opened as uow:
        try:
            return step(Context(server=server, uow=uow, request=request, now=server.clock.now()))
        except ProtocolError as error:
            refusal = error
    raise refusal


class ThreadNeeded(Exception):
    """What was tried on the event loop has to write after all; nothing of it was kept."""


def within_snapshot(server: Server, request: Request, step: Callable[[Context], T]) -> T:
    """Run one step that seldom writes inside a snapshot. Raises `ThreadNeeded` when it wants to."""
    try:
        return within_unit_of_work(server, request, step, writes=False)
    except NotWritable as error:
        raise ThreadNeeded from error


class _NoUnitOfWork:
    """Stands where a unit of work would, for what answers from memory alone."""

    def __getattr__(self, store: str) -> Any:
        raise LookupError(f"what answers at once has no store: {store}")


_NOTHING = cast(UnitOfWork, _NoUnitOfWork())


def without_unit_of_work(server: Server, request: Request) -> Context:
    """Return the context of a step that needs no store."""
    return Context(server=server, uow=_NOTHING, request=request, now=server.clock.now())
