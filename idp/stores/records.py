"""What is kept: frozen records, one per kind of thing.

Instants (`..._at`) are whole Unix seconds, digests (`..._hash`) are hexadecimal SHA-256. Mappings hold JSON only.
Bearer values (codes, refresh tokens, session handles, client secrets) are never in a record, only their digests.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person known to the provider. `account_id` is the public `sub` and is never reused.

    `names` are the canonical names by which the account signs in (user name, e-mail address), unique over all
    accounts. `claims` are OIDC Core §5.1 standard claims, without `sub`; some in several languages (§5.2). One that is
    closed has a `delete_at`, when it is removed with all that belongs to it.
    """

    account_id: str
    username: str
    names: tuple[str, ...]
    claims: Mapping[str, Any]
    roles: tuple[str, ...]
    enabled: bool
    created_at: int
    updated_at: int
    delete_at: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether sessions and grants of it count: neither disabled nor closed."""
        return self.enabled and self.delete_at is None

    def may_sign_in(self, now: int) -> bool:
        """Tell whether its owner may prove to be it: a closed one can be kept until it is due to be removed."""
        return self.enabled and (self.delete_at is None or now < self.delete_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What proves an account by one method; for `password` the `secret` is an encoded Argon2id hash."""

    account_id: str
    method: str
    secret: str
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """What an account has beside its password (NIST SP 800-63B-4 §3): a passkey, an app that makes codes, a recovery
    code, a device that is remembered. `name` is what its owner calls it; `secret` is what verifies it, sealed or a
    digest where it is one; `counter` only ever grows, so that nothing is accepted twice; `facts` are its method's."""

    authenticator_id: str
    account_id: str
    method: str
    name: str
    secret: str
    created_at: int
    counter: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    last_used_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A relying party. `metadata` holds the validated members of RFC 7591 §2, defaults filled in.

    Two secrets may live side by side while one is rotated out: `previous_secret_hash` counts until
    `previous_secret_expires_at`. Where the secret is itself a key (OIDC Core §10.1), it is kept sealed beside its
    digest. A first-party client needs no consent. One that registered itself has a `registration_token_hash` (RFC 7592
    §3).
    """

    client_id: str
    metadata: Mapping[str, Any]
    enabled: bool = True
    first_party: bool = False
    secret_hash: str | None = None
    previous_secret_hash: str | None = None
    previous_secret_expires_at: int | None = None
    created_at: int = 0
    updated_at: int = 0
    sealed_secret: bytes | None = None
    previous_sealed_secret: bytes | None = None
    registration_token_hash: str | None = None

    @property
    def name(self) -> str:
        """The human name, or the client_id when none is registered."""
        return str(self.metadata.get("client_name") or self.client_id)

    def values(self, member: str) -> tuple[str, ...]:
        """Return a metadata member that is a list of strings; empty when absent."""
        return tuple(self.metadata.get(member) or ())

    def value(self, member: str) -> str | None:
        """Return a metadata member that is a string, or None."""
        found = self.metadata.get(member)
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A protected resource (RFC 8707): its indicator, the scopes it knows with a title each, and the client
    (if any) as which the resource server itself authenticates, for introspection."""

    identifier: str
    name: str
    scopes: Mapping[str, str]
    client_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One signed-in account in one browser. `session_id` is the public `sid`; the cookie carries a handle of
    which only `handle_hash` is kept. `expires_at` is the absolute end, whatever happens."""

    session_id: str
    handle_hash: str
    account_id: str
    browser_hash: str
    authenticated_at: int
    acr: str
    amr: tuple[str, ...]
    remembered: bool
    created_at: int
    last_seen_at: int
    expires_at: int
    ended_at: int | None = None
    user_agent: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What one authorization gave: every code, access token and refresh token that came from it names it, so
    revoking it is one update. `offline` grants survive the session (OIDC Core §11). `expires_at` is the absolute
    end of its refresh tokens. `account_id` is None for a client acting for itself. `requested_claims` is the `claims`
    parameter of the request that it came from (OIDC Core §5.5), with `claims_locales` as a member beside its own."""

    grant_id: str
    client_id: str
    account_id: str | None
    session_id: str | None
    scopes: tuple[str, ...]
    resources: tuple[str, ...]
    authenticated_at: int | None
    acr: str | None
    amr: tuple[str, ...]
    offline: bool
    created_at: int
    expires_at: int
    revoked_at: int | None = None
    requested_claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A grant beside what it rests on: its client, its account and its session, as far as there are any."""

    grant: Grant
    client: Client | None
    account: Account | None
    session: Session | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """One link in a grant's chain of refresh tokens (RFC 9700 §4.14.2); at most one of a grant is unconsumed."""

    token_hash: str
    grant_id: str
    created_at: int
    expires_at: int
    consumed_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """Something short-lived: an authorization code, an interaction, a `jti` seen. It remembers being consumed, so
    that a replay is recognised (RFC 6749 §4.1.2). `lookup_hash` is a second way to find it, such as a user code."""

    kind: str
    handle_hash: str
    payload: Mapping[str, Any]
    created_at: int
    expires_at: int
    lookup_hash: str | None = None
    grant_id: str | None = None
    consumed_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key that signs, or that others encrypt to, as its `alg` says. Its state follows from its instants: next (not
    activated), active, retired (still of use until `remove_at`). `sealed` is the private key under the key-encryption
    key; `public_jwk` is what the JWKS shows."""

    kid: str
    alg: str
    public_jwk: Mapping[str, Any]
    sealed: bytes
    created_at: int
    activated_at: int | None = None
    retired_at: int | None = None
    remove_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """The scopes that an account has agreed to give a client, remembered."""

    account_id: str
    client_id: str
    scopes: tuple[str, ...]
    updated_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairwiseSubject:
    """The `sub` by which the clients of one sector know an account (OIDC Core §8.1): random, and never changed."""

    sector: str
    account_id: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """How often something was tried within the current window."""

    key: str
    count: int
    window_started_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMessage:
    """Something that must reach another party, kept until it did or was given up (`failed_at`).

    `last_result` is one short line for the delivery log, such as `204` or `connection refused`.
    """

    message_id: str
    kind: str
    client_id: str
    destination: str
    payload: Mapping[str, Any]
    created_at: int
    next_attempt_at: int
    attempts: int = 0
    delivered_at: int | None = None
    failed_at: int | None = None
    last_result: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One security event: who did what, from where, with which result. Names are dotted, stable and documented."""

    event_id: str
    name: str
    at: int
    result: str
    account_id: str | None = None
    client_id: str | None = None
    session_id: str | None = None
    address: str = ""
    request_id: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
