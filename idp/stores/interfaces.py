"""The contracts of the stores. `tests/stores` runs one suite of them against every backend.

All methods run inside a unit of work and see its own writes. A method that changes one thing is one conditional
statement, so that two instances doing it at once cannot both succeed. Units of work run beside each other: what one has
read another may change, so whoever changes a record that it has read, or relies on it while it writes another, reads it
by `hold`, which lets nobody else change it before the unit of work ends. Accounts are held before sessions, so that no
two units of work wait for each other. Any method raises `StorageUnavailable`.
Listings are ordered by identifier and paged by key (`after`), never by offset. Any `add` but that of artifacts raises
`Duplicate` for a taken identifier. A look-up by a text that no database holds (NUL, lone surrogates) is a miss; writing
one raises UnicodeEncodeError, and an integer beyond 64 bits OverflowError, so what comes from outside is cleaned or
refused before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from idp.stores.records import (
    Account,
    Artifact,
    AuditEvent,
    Authenticator,
    Client,
    Consent,
    Credential,
    Grant,
    OutboxMessage,
    PairwiseSubject,
    RefreshToken,
    Resource,
    Session,
    SigningKey,
    Standing,
    Throttle,
)


class StorageUnavailable(Exception):
    """The database is away, locked or full; nothing of the unit of work was kept. Answered as 503."""


class NotWritable(StorageUnavailable):
    """Something wanted to write where that cannot be: in a snapshot, or in a database that can only be read."""


class Occupied(StorageUnavailable):
    """Whoever does not wait would have to; nothing was begun."""


class NoDatabase(StorageUnavailable):
    """There is no database at the place that `args[0]` names, and none may be made."""


class Duplicate(Exception):
    """An identifier that must be unique is taken; `args[0]` names the field."""


class AccountStore(Protocol):
    """Accounts and their credentials."""

    def add(self, account: Account) -> None:
        """Keep a new account. Raises `Duplicate` if its id or one of its names is taken."""

    def find(self, account_id: str) -> Account | None: ...

    def hold(self, account_id: str) -> Account | None:
        """Return the account, held."""

    def find_by_name(self, name: str) -> Account | None:
        """Return the account that signs in by this canonical name."""

    def replace(self, account: Account) -> bool:
        """Overwrite the account with this id, names included; False if there is none. Raises `Duplicate`."""

    def list(self, *, after: str = "", limit: int = 100) -> tuple[Account, ...]: ...

    def list_due(self, now: int, limit: int) -> tuple[Account, ...]:
        """Return closed accounts whose `delete_at` has come, the longest due first."""

    def remove(self, account_id: str) -> bool:
        """Forget the account with its names, credentials, authenticators, consents, pairwise subjects, sessions, grants
        and their refresh tokens; False if there is none. Audit events and messages on their way stay."""

    def find_credential(self, account_id: str, method: str) -> Credential | None: ...

    def put_credential(self, credential: Credential) -> None:
        """Set the account's credential of that method, replacing an older one."""


class AuthenticatorStore(Protocol):
    """What accounts have beside their passwords."""

    def add(self, authenticator: Authenticator) -> None:
        """Keep a new one. Raises `Duplicate` if its id is taken, whoever has it."""

    def find(self, authenticator_id: str) -> Authenticator | None: ...

    def list(self, account_id: str) -> tuple[Authenticator, ...]:
        """Return all of an account, the oldest first; they are few."""

    def advance(self, authenticator_id: str, counter: int, used_at: int) -> bool:
        """Note a use that its counter shows to be new; False, and nothing changes, unless the counter grows (R4)."""

    def touch(self, authenticator_id: str, used_at: int) -> bool:
        """Note a use of one that counts nothing; False if there is none."""

    def rename(self, account_id: str, authenticator_id: str, name: str) -> bool:
        """Rename one of this account; False if there is none."""

    def remove(self, account_id: str, authenticator_id: str) -> bool:
        """Forget one of this account, once; False if there is none."""

    def remove_all(self, account_id: str, method: str) -> int:
        """Forget all of a method; return how many there were."""


class ClientStore(Protocol):
    """Clients."""

    def add(self, client: Client) -> None:
        """Keep a new client. Raises `Duplicate` if its client_id is taken."""

    def find(self, client_id: str) -> Client | None: ...

    def hold(self, client_id: str) -> Client | None:
        """Return the client, held."""

    def replace(self, client: Client) -> bool:
        """Overwrite the client with this client_id; False if there is none."""

    def remove(self, client_id: str) -> bool:
        """Forget the client; False if there is none."""

    def list(self, *, after: str = "", limit: int = 100) -> tuple[Client, ...]: ...

    def count_registered(self) -> int:
        """Return how many clients registered themselves."""


class ResourceStore(Protocol):
    """Protected resources (RFC 8707)."""

    def put(self, resource: Resource) -> None:
        """Set the resource with this identifier."""

    def find(self, identifier: str) -> Resource | None: ...

    def list(self) -> tuple[Resource, ...]:
        """Return all resources; they are few."""


class SessionStore(Protocol):
    """Sessions, live and ended."""

    def add(self, session: Session) -> None: ...

    def find(self, session_id: str) -> Session | None: ...

    def hold_with_account(self, session_id: str) -> tuple[Session, Account | None] | None:
        """Return the session, held, and its account, which is not."""

    def find_by_handle(self, handle_hash: str) -> Session | None: ...

    def replace(self, session: Session) -> bool:
        """Overwrite a session that has not ended; False if it has ended or is unknown."""

    def touch(self, session_id: str, last_seen_at: int) -> None:
        """Note that a live session was used; nothing else of it changes, whatever has happened to it meanwhile."""

    def end(self, session_id: str, ended_at: int) -> Session | None:
        """End a live session and return it as ended; None if it had ended or is unknown."""

    def list_live(self, account_id: str, now: int) -> tuple[Session, ...]:
        """Return the account's sessions that have not ended nor passed their absolute end, newest first."""


class GrantStore(Protocol):
    """Grants."""

    def add(self, grant: Grant) -> None: ...

    def find(self, grant_id: str) -> Grant | None: ...

    def find_standing(self, grant_id: str) -> Standing | None:
        """Return the grant with its client, its account and its session, in one look-up."""

    def revoke(self, grant_id: str, revoked_at: int) -> bool:
        """Revoke one grant; False if it was revoked before or is unknown."""

    def revoke_of_session(self, session_id: str, revoked_at: int) -> int:
        """Revoke the session's grants that are not offline; return how many."""

    def revoke_of_account(self, account_id: str, revoked_at: int) -> int: ...

    def revoke_of_client(self, client_id: str, revoked_at: int) -> int: ...

    def revoke_of_consent(self, account_id: str, client_id: str, revoked_at: int) -> int:
        """Revoke what the account granted to the client; return how many grants there were."""

    def list_of_account(self, account_id: str, *, limit: int = 1000) -> tuple[Grant, ...]:
        """Return the account's newest grants first, revoked and expired ones too."""

    def client_ids_of_session(self, session_id: str) -> tuple[str, ...]:
        """Return the distinct client_ids that were given a grant in this session (revoked ones too), sorted."""


class RefreshTokenStore(Protocol):
    """Refresh tokens, by digest."""

    def add(self, token: RefreshToken) -> None: ...

    def find(self, token_hash: str) -> RefreshToken | None:
        """Return the token whether consumed, expired or neither."""

    def find_standing(self, token_hash: str) -> tuple[RefreshToken, Standing] | None:
        """Return such a token with its grant and what that rests on, in one look-up; None where there is no grant."""

    def consume(self, token_hash: str, now: int) -> RefreshToken | None:
        """Mark a live token consumed and return it; None if unknown, expired or consumed. Atomic: once only."""


class ArtifactStore(Protocol):
    """Artifacts, by kind and digest of the handle."""

    def add(self, artifact: Artifact) -> bool:
        """Keep a new artifact; False, changing nothing, if its kind and handle exist (a `jti` seen before)."""

    def find(self, kind: str, handle_hash: str) -> Artifact | None:
        """Return the artifact whether consumed, expired or neither."""

    def consume(self, kind: str, handle_hash: str, now: int) -> Artifact | None:
        """Mark a live artifact consumed and return it; None if unknown, expired or consumed. Atomic: once only."""

    def update(self, kind: str, handle_hash: str, payload: Mapping[str, Any], now: int) -> bool:
        """Replace the payload of a live artifact; False if unknown, expired or consumed."""


class SigningKeyStore(Protocol):
    """Signing keys, sealed."""

    def list(self) -> tuple[SigningKey, ...]:
        """Return all keys, oldest first."""

    def hold(self) -> tuple[SigningKey, ...]:
        """Return all keys, oldest first, held: nobody else adds one either."""

    def add(self, key: SigningKey) -> None: ...

    def activate(self, kid: str, activated_at: int) -> bool:
        """Make a next key active; False if it was not next."""

    def retire(self, kid: str, retired_at: int, remove_at: int) -> bool:
        """Retire an active key; False if it was not active."""

    def remove(self, kid: str) -> bool: ...


class ConsentStore(Protocol):
    """Remembered consents."""

    def find(self, account_id: str, client_id: str) -> Consent | None: ...

    def put(self, consent: Consent) -> None: ...

    def remove(self, account_id: str, client_id: str) -> bool: ...

    def list_of_account(self, account_id: str) -> tuple[Consent, ...]:
        """Return all of an account in the order of their client_ids."""

    def remove_of_client(self, client_id: str) -> int:
        """Forget all consents given to a client; return how many."""


class SubjectStore(Protocol):
    """Pairwise subjects."""

    def add(self, subject: PairwiseSubject) -> bool:
        """Keep a new one; False, changing nothing, if its sector knows the account already. Atomic."""

    def find(self, sector: str, account_id: str) -> PairwiseSubject | None: ...

    def find_by_subject(self, sector: str, subject: str) -> PairwiseSubject | None: ...


class ThrottleStore(Protocol):
    """Counters in fixed windows."""

    def hit(self, key: str, now: int, window_seconds: int) -> Throttle:
        """Count one try and return the counter after it; a window older than `window_seconds`, or further ahead than
        that, for the clock was put back, starts anew. Atomic."""

    def find(self, key: str) -> Throttle | None:
        """Return the counter as it is, of whatever window."""

    def refund(self, key: str) -> None:
        """Take one try back, never below zero."""

    def clear(self, key: str) -> None: ...


class OutboxStore(Protocol):
    """Messages on their way to other parties."""

    def add(self, message: OutboxMessage) -> None: ...

    def claim(self, now: int, limit: int, lease_seconds: int) -> tuple[OutboxMessage, ...]:
        """Take up to `limit` due messages: counts an attempt and puts `next_attempt_at` off by the lease, so that no
        other worker takes them and a crashed worker's come back. Atomic."""

    def mark_delivered(self, message_id: str, at: int, result: str) -> None: ...

    def mark_failed(self, message_id: str, result: str, *, next_attempt_at: int | None, at: int) -> None:
        """Note a failed attempt; without a next attempt the message is given up."""

    def list(self, *, client_id: str | None = None, limit: int = 100) -> tuple[OutboxMessage, ...]:
        """Return the newest messages first: the delivery log."""


class AuditStore(Protocol):
    """Audit events; appended, never changed."""

    def add(self, event: AuditEvent) -> None: ...

    def list(self, *, limit: int = 100) -> tuple[AuditEvent, ...]:
        """Return the newest events first."""

    def list_of_account(
        self, account_id: str, *, before: tuple[int, str] | None = None, limit: int = 100
    ) -> tuple[AuditEvent, ...]:
        """Return the newest events of an account first, from after the one that `before` names by instant and id."""


class UnitOfWork(Protocol):
    """The stores within one transaction."""

    @property
    def accounts(self) -> AccountStore: ...
    @property
    def authenticators(self) -> AuthenticatorStore: ...
    @property
    def clients(self) -> ClientStore: ...
    @property
    def resources(self) -> ResourceStore: ...
    @property
    def sessions(self) -> SessionStore: ...
    @property
    def grants(self) -> GrantStore: ...
    @property
    def refresh_tokens(self) -> RefreshTokenStore: ...
    @property
    def artifacts(self) -> ArtifactStore: ...
    @property
    def signing_keys(self) -> SigningKeyStore: ...
    @property
    def consents(self) -> ConsentStore: ...
    @property
    def subjects(self) -> SubjectStore: ...
    @property
    def throttles(self) -> ThrottleStore: ...
    @property
    def outbox(self) -> OutboxStore: ...
    @property
    def audit(self) -> AuditStore: ...


class Group(Protocol):
    """Units of work one after the other: each sees what those before it wrote, and is undone by itself if it raises."""

    def begin(self) -> AbstractContextManager[UnitOfWork]:
        """Open the next one. What it wrote is not durable before the group has ended."""


class Storage(Protocol):
    """A backend."""

    def begin(self) -> AbstractContextManager[UnitOfWork]:
        """Open a unit of work that may write: commits when the block ends, rolls back when it raises."""

    def group(self) -> AbstractContextManager["Group"]:
        """Open a group of units of work, which become durable together when the block ends. Raises `Occupied` at once
        where another one writes, and where a server would have to be waited for. `StorageUnavailable` as the block
        ends says that nothing of any of them was kept."""

    def snapshot(self) -> AbstractContextManager[UnitOfWork]:
        """Open a unit of work that only reads: one consistent view, no write lock."""

    @property
    def is_embedded(self) -> bool:
        """Whether there is no server to wait for, so that a unit of work is not worth a thread."""

    def check(self) -> None:
        """Return if the database answers and its schema is current; raise `StorageUnavailable` saying why not."""

    def check_writing(self) -> None:
        """Return if a unit of work may write now; raise `StorageUnavailable` saying why not."""

    def sweep(self, now: int, limit: int) -> int:
        """Delete up to `limit` rows of each kind that can no longer matter at `now`; return how many went."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class DumpedTable:
    """A whole table in the order of its key, in pages of rows, which are as long as `columns`."""

    name: str
    columns: tuple[str, ...]
    pages: Iterator[Sequence[Sequence[Any]]]


class Dump(Protocol):
    """All that a storage holds, at one moment."""

    @property
    def revision(self) -> str:
        """The revision of the schema that the tables are of."""

    def tables(self) -> Iterator[DumpedTable]: ...


class Load(Protocol):
    """A storage that is filled anew, all or nothing."""

    def find_rows(self) -> str | None:
        """Return the name of a table that has rows; None where nothing would be lost."""

    def begin(self, revision: str) -> None:
        """Drop what is there and make the schema of a revision."""

    def put(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write all rows of a table."""

    def finish(self) -> None:
        """Bring the schema to this program's."""


class PortableStorage(Storage, Protocol):
    """A storage whose content can be taken out and put into another one."""

    @property
    def place(self) -> str:
        """Which one it is, without a secret."""

    def knows(self, revision: str) -> bool:
        """Tell whether this program knows a revision of the schema; one that it does not is of a newer program."""

    def dump(self) -> AbstractContextManager[Dump]:
        """Open one consistent view of everything, which stops no writer."""

    def load(self) -> AbstractContextManager[tuple[Load, UnitOfWork]]:
        """Open a transaction that fills the storage: commits when the block ends, rolls back when it raises. The unit
        of work is of the same transaction, for what comes after `finish`."""
