"""The stores in memory: the tests' fast path, under the same contract as the databases.

State is a value: immutable tables of frozen records. A unit of work works on copies and puts them in place when it
ends, so rolling back is forgetting, and a snapshot is a reference to what was.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from idp.stores.interfaces import Duplicate, StorageUnavailable, UnitOfWork
from idp.stores.records import (
    Account,
    Artifact,
    AuditEvent,
    Client,
    Consent,
    Credential,
    Grant,
    OutboxMessage,
    RefreshToken,
    Resource,
    Session,
    SigningKey,
    Throttle,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

K = TypeVar("K")
R = TypeVar("R", bound="DataclassInstance")
DAY = 86_400

# Which records are swept, how long after which instants.
KEPT: tuple[tuple[str, int, Callable[[Any], tuple[int | None, ...]]], ...] = (
    ("artifacts", DAY, lambda r: (r.expires_at,)),
    ("refresh_tokens", DAY, lambda r: (r.expires_at,)),
    ("sessions", DAY, lambda r: (r.expires_at, r.ended_at)),
    ("grants", DAY, lambda r: (r.expires_at, r.revoked_at)),
    ("throttles", DAY, lambda r: (r.window_started_at,)),
    ("outbox", 7 * DAY, lambda r: (r.delivered_at, r.failed_at)),
    ("audit", 365 * DAY, lambda r: (r.at,)),
)


class ReadOnly(dict[Any, Any]):
    """A table in a snapshot: a change raises `StorageUnavailable`, as it does in a database."""

    def _refuse(self, *_: Any) -> NoReturn:
        raise StorageUnavailable("a snapshot is only read")

    __setitem__ = __delitem__ = __ior__ = pop = _refuse


@dataclass
class Tables:
    """All records by their keys."""

    accounts: dict[str, Account] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    credentials: dict[tuple[str, str], Credential] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    refresh_tokens: dict[str, RefreshToken] = field(default_factory=dict)
    artifacts: dict[tuple[str, str], Artifact] = field(default_factory=dict)
    signing_keys: dict[str, SigningKey] = field(default_factory=dict)
    consents: dict[tuple[str, str], Consent] = field(default_factory=dict)
    throttles: dict[str, Throttle] = field(default_factory=dict)
    outbox: dict[str, OutboxMessage] = field(default_factory=dict)
    audit: dict[str, AuditEvent] = field(default_factory=dict)

    def copy(self, kind: type[dict[Any, Any]] = dict) -> "Tables":
        """Return tables that can change without these changing."""
        return Tables(**{each.name: kind(getattr(self, each.name)) for each in fields(self)})


def kept(record: R) -> R:
    """Return a record as a database would give it back: JSON only, and nothing that the caller can change afterwards.

    Raises `UnicodeEncodeError` for text that cannot be stored.
    """
    changes: dict[str, Any] = {}
    for each in fields(record):
        value = getattr(record, each.name)
        if isinstance(value, str):
            value.encode()
        elif isinstance(value, Mapping):
            changes[each.name] = json.loads(json.dumps(dict(value)))
    return replace(record, **changes)


def insert(table: dict[K, R], key: K, field_name: str, record: R) -> None:
    """Keep a new record. Raises `Duplicate` if its key is taken."""
    if key in table:
        raise Duplicate(field_name)
    table[key] = kept(record)


def storable(text: str) -> str:
    """Return a text for people with what cannot be stored written as an escape."""
    return text.encode("utf-8", "backslashreplace").decode()


class MemoryAccounts:
    """`AccountStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, account: Account) -> None:
        """Keep a new account."""
        if account.account_id in self._t.accounts:
            raise Duplicate("account_id")
        self._require_free(account)
        self._put(account)

    def find(self, account_id: str) -> Account | None:
        """Return the account."""
        return self._t.accounts.get(account_id)

    def find_by_name(self, name: str) -> Account | None:
        """Return the account that signs in by this name."""
        return self._t.accounts.get(self._t.names.get(name, ""))

    def replace(self, account: Account) -> bool:
        """Overwrite the account, names included."""
        if account.account_id not in self._t.accounts:
            return False
        self._require_free(account)
        for name in [n for n, owner in self._t.names.items() if owner == account.account_id]:
            del self._t.names[name]
        self._put(account)
        return True

    def list(self, *, after: str = "", limit: int = 100) -> tuple[Account, ...]:
        """Return a page of accounts."""
        return tuple(self._t.accounts[key] for key in sorted(k for k in self._t.accounts if k > after)[:limit])

    def find_credential(self, account_id: str, method: str) -> Credential | None:
        """Return the credential."""
        return self._t.credentials.get((account_id, method))

    def put_credential(self, credential: Credential) -> None:
        """Set the credential."""
        self._t.credentials[credential.account_id, credential.method] = kept(credential)

    def _require_free(self, account: Account) -> None:
        taken = any(self._t.names.get(name, account.account_id) != account.account_id for name in account.names)
        if taken or len(set(account.names)) < len(account.names):
            raise Duplicate("name")

    def _put(self, account: Account) -> None:
        for name in account.names:
            name.encode()
        self._t.accounts[account.account_id] = kept(account)
        self._t.names |= dict.fromkeys(account.names, account.account_id)


class MemoryClients:
    """`ClientStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, client: Client) -> None:
        """Keep a new client."""
        insert(self._t.clients, client.client_id, "client_id", client)

    def find(self, client_id: str) -> Client | None:
        """Return the client."""
        return self._t.clients.get(client_id)

    def replace(self, client: Client) -> bool:
        """Overwrite the client."""
        known = client.client_id in self._t.clients
        if known:
            self._t.clients[client.client_id] = kept(client)
        return known

    def list(self, *, after: str = "", limit: int = 100) -> tuple[Client, ...]:
        """Return a page of clients."""
        return tuple(self._t.clients[key] for key in sorted(k for k in self._t.clients if k > after)[:limit])


class MemoryResources:
    """`ResourceStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def put(self, resource: Resource) -> None:
        """Set the resource."""
        self._t.resources[resource.identifier] = kept(resource)

    def find(self, identifier: str) -> Resource | None:
        """Return the resource."""
        return self._t.resources.get(identifier)

    def list(self) -> tuple[Resource, ...]:
        """Return all resources."""
        return tuple(self._t.resources[key] for key in sorted(self._t.resources))


class MemorySessions:
    """`SessionStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, session: Session) -> None:
        """Keep a new session."""
        self._require_free(session)
        insert(self._t.sessions, session.session_id, "session_id", session)

    def find(self, session_id: str) -> Session | None:
        """Return the session."""
        return self._t.sessions.get(session_id)

    def find_by_handle(self, handle_hash: str) -> Session | None:
        """Return the session of this handle."""
        return next((s for s in self._t.sessions.values() if s.handle_hash == handle_hash), None)

    def replace(self, session: Session) -> bool:
        """Overwrite a live session."""
        known = self._t.sessions.get(session.session_id)
        if known is None or known.ended_at is not None:
            return False
        self._require_free(session)
        self._t.sessions[session.session_id] = kept(session)
        return True

    def end(self, session_id: str, ended_at: int) -> Session | None:
        """End a live session and return it as ended."""
        known = self._t.sessions.get(session_id)
        if known is None or known.ended_at is not None:
            return None
        self._t.sessions[session_id] = ended = replace(known, ended_at=ended_at)
        return ended

    def list_live(self, account_id: str, now: int) -> tuple[Session, ...]:
        """Return the account's live sessions."""
        mine = (s for s in self._t.sessions.values() if s.account_id == account_id)
        live = [s for s in mine if s.ended_at is None and s.expires_at > now]
        return tuple(sorted(live, key=lambda s: (-s.created_at, s.session_id)))

    def _require_free(self, session: Session) -> None:
        owner = self.find_by_handle(session.handle_hash)
        if owner is not None and owner.session_id != session.session_id:
            raise Duplicate("handle_hash")


class MemoryGrants:
    """`GrantStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, grant: Grant) -> None:
        """Keep a new grant."""
        insert(self._t.grants, grant.grant_id, "grant_id", grant)

    def find(self, grant_id: str) -> Grant | None:
        """Return the grant."""
        return self._t.grants.get(grant_id)

    def revoke(self, grant_id: str, revoked_at: int) -> bool:
        """Revoke one grant."""
        return self._revoke([g for g in [self.find(grant_id)] if g], revoked_at) == 1

    def revoke_of_session(self, session_id: str, revoked_at: int) -> int:
        """Revoke the session's grants that are not offline."""
        mine = [g for g in self._t.grants.values() if g.session_id == session_id and not g.offline]
        return self._revoke(mine, revoked_at)

    def revoke_of_account(self, account_id: str, revoked_at: int) -> int:
        """Revoke all grants of an account."""
        return self._revoke([g for g in self._t.grants.values() if g.account_id == account_id], revoked_at)

    def revoke_of_client(self, client_id: str, revoked_at: int) -> int:
        """Revoke all grants of a client."""
        return self._revoke([g for g in self._t.grants.values() if g.client_id == client_id], revoked_at)

    def client_ids_of_session(self, session_id: str) -> tuple[str, ...]:
        """Return the clients that were given a grant in this session."""
        return tuple(sorted({g.client_id for g in self._t.grants.values() if g.session_id == session_id}))

    def _revoke(self, found: list[Grant], revoked_at: int) -> int:
        live = [grant for grant in found if grant.revoked_at is None]
        for grant in live:
            self._t.grants[grant.grant_id] = replace(grant, revoked_at=revoked_at)
        return len(live)


class MemoryRefreshTokens:
    """`RefreshTokenStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, token: RefreshToken) -> None:
        """Keep a new token."""
        insert(self._t.refresh_tokens, token.token_hash, "token_hash", token)

    def find(self, token_hash: str) -> RefreshToken | None:
        """Return the token."""
        return self._t.refresh_tokens.get(token_hash)

    def consume(self, token_hash: str, now: int) -> RefreshToken | None:
        """Consume a live token, once."""
        known = self.find(token_hash)
        if known is None or known.consumed_at is not None or known.expires_at <= now:
            return None
        self._t.refresh_tokens[token_hash] = consumed = replace(known, consumed_at=now)
        return consumed


class MemoryArtifacts:
    """`ArtifactStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, artifact: Artifact) -> bool:
        """Keep a new artifact, unless it exists."""
        key = (artifact.kind, artifact.handle_hash)
        new = key not in self._t.artifacts
        if new:
            self._t.artifacts[key] = kept(artifact)
        return new

    def find(self, kind: str, handle_hash: str) -> Artifact | None:
        """Return the artifact in whatever state."""
        return self._t.artifacts.get((kind, handle_hash))

    def consume(self, kind: str, handle_hash: str, now: int) -> Artifact | None:
        """Consume a live artifact, once."""
        return self._change(kind, handle_hash, now, consumed_at=now)

    def update(self, kind: str, handle_hash: str, payload: Mapping[str, Any], now: int) -> bool:
        """Replace the payload of a live artifact."""
        return self._change(kind, handle_hash, now, payload=payload) is not None

    def _change(self, kind: str, handle_hash: str, now: int, **changes: Any) -> Artifact | None:
        known = self.find(kind, handle_hash)
        if known is None or known.consumed_at is not None or known.expires_at <= now:
            return None
        self._t.artifacts[kind, handle_hash] = changed = kept(replace(known, **changes))
        return changed


class MemorySigningKeys:
    """`SigningKeyStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def list(self) -> tuple[SigningKey, ...]:
        """Return all keys, oldest first."""
        return tuple(sorted(self._t.signing_keys.values(), key=lambda key: (key.created_at, key.kid)))

    def add(self, key: SigningKey) -> None:
        """Keep a new key."""
        insert(self._t.signing_keys, key.kid, "kid", key)

    def activate(self, kid: str, activated_at: int) -> bool:
        """Make a next key active."""
        known = self._t.signing_keys.get(kid)
        if known is None or known.activated_at is not None:
            return False
        self._t.signing_keys[kid] = replace(known, activated_at=activated_at)
        return True

    def retire(self, kid: str, retired_at: int, remove_at: int) -> bool:
        """Retire an active key."""
        known = self._t.signing_keys.get(kid)
        if known is None or known.activated_at is None or known.retired_at is not None:
            return False
        self._t.signing_keys[kid] = replace(known, retired_at=retired_at, remove_at=remove_at)
        return True

    def remove(self, kid: str) -> bool:
        """Remove a key."""
        return self._t.signing_keys.pop(kid, None) is not None


class MemoryConsents:
    """`ConsentStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def find(self, account_id: str, client_id: str) -> Consent | None:
        """Return the consent."""
        return self._t.consents.get((account_id, client_id))

    def put(self, consent: Consent) -> None:
        """Set the consent."""
        self._t.consents[consent.account_id, consent.client_id] = kept(consent)

    def remove(self, account_id: str, client_id: str) -> bool:
        """Forget the consent."""
        return self._t.consents.pop((account_id, client_id), None) is not None


class MemoryThrottles:
    """`ThrottleStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def hit(self, key: str, now: int, window_seconds: int) -> Throttle:
        """Count one try."""
        known = self._t.throttles.get(key)
        if known is None or known.window_started_at <= now - window_seconds:
            known = Throttle(key=key, count=0, window_started_at=now)
        self._t.throttles[key] = counted = replace(known, count=known.count + 1)
        return counted

    def refund(self, key: str) -> None:
        """Take one try back."""
        known = self._t.throttles.get(key)
        if known is not None:
            self._t.throttles[key] = replace(known, count=max(0, known.count - 1))

    def clear(self, key: str) -> None:
        """Forget the counter."""
        self._t.throttles.pop(key, None)


class MemoryOutbox:
    """`OutboxStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, message: OutboxMessage) -> None:
        """Keep a new message."""
        insert(self._t.outbox, message.message_id, "message_id", message)

    def claim(self, now: int, limit: int, lease_seconds: int) -> tuple[OutboxMessage, ...]:
        """Take due messages under a lease."""
        waiting = (m for m in self._t.outbox.values() if m.delivered_at is None and m.failed_at is None)
        due = sorted((m for m in waiting if m.next_attempt_at <= now), key=lambda m: m.next_attempt_at)[:limit]
        leased = tuple(replace(m, attempts=m.attempts + 1, next_attempt_at=now + lease_seconds) for m in due)
        self._t.outbox |= {message.message_id: message for message in leased}
        return leased

    def mark_delivered(self, message_id: str, at: int, result: str) -> None:
        """Note a delivery."""
        self._change(message_id, delivered_at=at, last_result=storable(result))

    def mark_failed(self, message_id: str, result: str, *, next_attempt_at: int | None, at: int) -> None:
        """Note a failure, unless another worker has delivered the message meanwhile."""
        known = self._t.outbox.get(message_id)
        if known is None or known.delivered_at is not None or known.failed_at is not None:
            return
        ends = {"failed_at": at} if next_attempt_at is None else {"next_attempt_at": next_attempt_at}
        self._change(message_id, last_result=storable(result), **ends)

    def list(self, *, client_id: str | None = None, limit: int = 100) -> tuple[OutboxMessage, ...]:
        """Return the newest messages."""
        mine = [m for m in self._t.outbox.values() if client_id in (None, m.client_id)]
        return tuple(sorted(mine, key=lambda m: (-m.created_at, m.message_id))[:limit])

    def _change(self, message_id: str, **changes: Any) -> None:
        known = self._t.outbox.get(message_id)
        if known is not None:
            self._t.outbox[message_id] = replace(known, **changes)


class MemoryAudit:
    """`AuditStore`."""

    def __init__(self, tables: Tables) -> None:
        self._t = tables

    def add(self, event: AuditEvent) -> None:
        """Append an event. It tells what was tried, so text that cannot be stored is kept as an escape."""
        texts = {each.name: getattr(event, each.name) for each in fields(event)}
        texts = {name: storable(value) for name, value in texts.items() if isinstance(value, str)}
        insert(self._t.audit, event.event_id, "event_id", replace(event, **texts))

    def list(self, *, limit: int = 100) -> tuple[AuditEvent, ...]:
        """Return the newest events."""
        return tuple(sorted(self._t.audit.values(), key=lambda e: (-e.at, e.event_id))[:limit])


class MemoryUnitOfWork:
    """The stores over one set of tables."""

    def __init__(self, tables: Tables) -> None:
        self.accounts = MemoryAccounts(tables)
        self.clients = MemoryClients(tables)
        self.resources = MemoryResources(tables)
        self.sessions = MemorySessions(tables)
        self.grants = MemoryGrants(tables)
        self.refresh_tokens = MemoryRefreshTokens(tables)
        self.artifacts = MemoryArtifacts(tables)
        self.signing_keys = MemorySigningKeys(tables)
        self.consents = MemoryConsents(tables)
        self.throttles = MemoryThrottles(tables)
        self.outbox = MemoryOutbox(tables)
        self.audit = MemoryAudit(tables)


class MemoryStorage:
    """`Storage` in memory."""

    def __init__(self) -> None:
        self._tables = Tables()
        self._writing = threading.Lock()

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Open a unit of work that may write."""
        with self._writing:
            tables = self._tables.copy()
            yield MemoryUnitOfWork(tables)
            self._tables = tables

    @contextmanager
    def snapshot(self) -> Iterator[UnitOfWork]:
        """Open a unit of work that only reads; writing in it raises `StorageUnavailable`, as in a database."""
        yield MemoryUnitOfWork(self._tables.copy(ReadOnly))

    def check(self) -> None:
        """Return: memory is always there."""

    def sweep(self, now: int, limit: int) -> int:
        """Delete what can no longer matter, up to `limit` records of each kind."""
        with self._writing:
            tables, swept = self._tables.copy(), 0
            for name, kept_seconds, ends_of in KEPT:
                table = getattr(tables, name)
                over = [key for key, record in table.items() if _ends(ends_of(record)) < now - kept_seconds][:limit]
                for key in over:
                    del table[key]
                swept += len(over)
            self._tables = tables
        return swept

    def close(self) -> None:
        """Nothing is open."""


def _ends(instants: tuple[int | None, ...]) -> float:
    """Return the first of these instants; one that has not come yet is None."""
    return min((at for at in instants if at is not None), default=float("inf"))
