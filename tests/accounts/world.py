"""A store with an account or two, and short ways to do what the tests need."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from idp.accounts.accounts import create_account
from idp.accounts.clients import create_client
from idp.accounts.sessions import AuthenticationEvent, Sessions, StartedSession
from idp.settings import Lifetimes
from idp.stores.interfaces import Storage, UnitOfWork
from idp.stores.records import Account, Client, Grant, Session

T = TypeVar("T")
NOW = 1_800_000_000
EVENT = AuthenticationEvent(acr="urn:signet:acr:password", amr=("pwd",), authenticated_at=NOW)
LIFETIMES = Lifetimes()


@dataclass
class World:
    """A storage, the session rules over it, and the sessions whose end a listener was told of."""

    storage: Storage
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sessions = Sessions(LIFETIMES, (self._listen,))

    def _listen(self, uow: UnitOfWork, session: Session, now: int) -> None:
        self.told.append(session.session_id)

    def account(self, username: str = "alice", **more: Any) -> Account:
        """Add an account."""
        with self.storage.begin() as uow:
            return create_account(uow, username=username, now=more.pop("now", NOW), **more)

    def client(self, client_id: str = "web", method: str = "client_secret_basic") -> tuple[Client, str | None]:
        """Add a client."""
        with self.storage.begin() as uow:
            return create_client(uow, client_id=client_id, metadata={"token_endpoint_auth_method": method}, now=NOW)

    def start(self, account: Account, *, now: int = NOW, remembered: bool = False) -> StartedSession:
        """Start a session."""
        with self.storage.begin() as uow:
            return self.sessions.start(
                uow, account=account, event=EVENT, browser_hash="b", remembered=remembered, now=now
            )

    def find_live(self, handle: str, now: int = NOW) -> Session | None:
        """Look a session up by its handle, in a unit of work that cannot write."""
        with self.storage.snapshot() as uow:
            return self.sessions.find_live(uow, handle, now)

    def touch(self, session: Session, now: int) -> None:
        """Note that a session was used."""
        self.write(lambda uow: self.sessions.touch(uow, session, now))

    def end(self, session: Session, now: int = NOW) -> Session | None:
        """End a session."""
        return self.write(lambda uow: self.sessions.end(uow, session.session_id, now))

    def revoked_at(self, grant_id: str) -> int | None:
        """Return when a grant was revoked."""
        grant = self.read(lambda uow: uow.grants.find(grant_id))
        assert grant is not None
        return grant.revoked_at

    def grant(self, grant_id: str, account: Account, session: Session | None, **more: Any) -> Grant:
        """Add a grant of client `web`."""
        grant = Grant(
            **{
                "grant_id": grant_id,
                "client_id": "web",
                "account_id": account.account_id,
                "session_id": session.session_id if session else None,
                "scopes": ("openid",),
                "resources": (),
                "authenticated_at": NOW,
                "acr": EVENT.acr,
                "amr": EVENT.amr,
                "offline": False,
                "created_at": NOW,
                "expires_at": NOW + 1_000_000,
            }
            | more
        )
        with self.storage.begin() as uow:
            uow.grants.add(grant)
        return grant

    def write(self, act: Callable[[UnitOfWork], T]) -> T:
        """Do one thing in a unit of work of its own."""
        with self.storage.begin() as uow:
            return act(uow)

    def read(self, look: Callable[[UnitOfWork], T]) -> T:
        """Look at one thing."""
        with self.storage.snapshot() as uow:
            return look(uow)


def at_once(count: int, work: Callable[[int], T]) -> list[T | Exception]:
    """Run `work(0)`, ..., `work(count - 1)` in as many threads, started together; return results or exceptions."""
    barrier, results = threading.Barrier(count), list[T | Exception]()

    def run(number: int) -> None:
        barrier.wait()
        try:
            results.append(work(number))
        except Exception as error:
            results.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
