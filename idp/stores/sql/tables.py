"""The tables. Columns are named as the fields of the records; `json` columns hold what has no column type of its own.

There are no foreign keys: rows are swept table by table, in batches and by age, and every look-up already treats a
missing neighbour as a refusal.
"""

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.types import BigInteger

metadata = MetaData()


def _text(name: str, *, key: bool = False, null: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=null)


def _instant(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def _flag(name: str) -> Column[bool]:
    return Column(name, Boolean(create_constraint=False), nullable=False)


def _json(name: str, kind: str) -> Column[str]:
    """A column of JSON text: `kind` says whether it comes back as a `map`, a `shared` map or a `tuple`."""
    return Column(name, Text, nullable=False, info={"json": kind})


accounts = Table(
    "accounts",
    metadata,
    _text("account_id", key=True),
    _text("username"),
    _json("names", "tuple"),
    _json("claims", "map"),
    _json("roles", "tuple"),
    _flag("enabled"),
    _instant("created_at"),
    _instant("updated_at"),
    _instant("delete_at", null=True),
    Index("accounts_delete_at", "delete_at"),
)
account_names = Table(
    "account_names",
    metadata,
    _text("name", key=True),
    _text("account_id"),
    Index("account_names_account", "account_id"),
)
credentials = Table(
    "credentials",
    metadata,
    _text("account_id", key=True),
    _text("method", key=True),
    _text("secret"),
    _instant("created_at"),
    _instant("updated_at"),
)
authenticators = Table(
    "authenticators",
    metadata,
    _text("authenticator_id", key=True),
    _text("account_id"),
    _text("method"),
    _text("name"),
    _text("secret"),
    _instant("created_at"),
    Column("counter", BigInteger, nullable=False),
    _json("facts", "map"),
    _instant("last_used_at", null=True),
    Index("authenticators_account", "account_id"),
)
clients = Table(
    "clients",
    metadata,
    _text("client_id", key=True),
    _json("metadata", "shared"),
    _flag("enabled"),
    _flag("first_party"),
    _text("secret_hash", null=True),
    _text("previous_secret_hash", null=True),
    _instant("previous_secret_expires_at", null=True),
    _instant("created_at"),
    _instant("updated_at"),
    Column("sealed_secret", LargeBinary, nullable=True),
    Column("previous_sealed_secret", LargeBinary, nullable=True),
    _text("registration_token_hash", null=True),
)
resources = Table(
    "resources",
    metadata,
    _text("identifier", key=True),
    _text("name"),
    _json("scopes", "map"),
    _text("client_id", null=True),
)
sessions = Table(
    "sessions",
    metadata,
    _text("session_id", key=True),
    _text("handle_hash"),
    _text("account_id"),
    _text("browser_hash"),
    _instant("authenticated_at"),
    _text("acr"),
    _json("amr", "tuple"),
    _flag("remembered"),
    _instant("created_at"),
    _instant("last_seen_at"),
    _instant("expires_at"),
    _instant("ended_at", null=True),
    _text("user_agent"),
    _text("address"),
    Index("sessions_handle", "handle_hash", unique=True),
    Index("sessions_account", "account_id"),
    Index("sessions_expiry", "expires_at"),
    Index("sessions_ended", "ended_at"),
)
grants = Table(
    "grants",
    metadata,
    _text("grant_id", key=True),
    _text("client_id"),
    _text("account_id", null=True),
    _text("session_id", null=True),
    _json("scopes", "tuple"),
    _json("resources", "tuple"),
    _instant("authenticated_at", null=True),
    _text("acr", null=True),
    _json("amr", "tuple"),
    _flag("offline"),
    _instant("created_at"),
    _instant("expires_at"),
    _instant("revoked_at", null=True),
    _json("requested_claims", "map"),
    Index("grants_session", "session_id"),
    Index("grants_account", "account_id", "client_id"),
    Index("grants_client", "client_id"),
    Index("grants_expiry", "expires_at"),
    Index("grants_revoked", "revoked_at"),
)
refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    _text("token_hash", key=True),
    _text("grant_id"),
    _instant("created_at"),
    _instant("expires_at"),
    _instant("consumed_at", null=True),
    Index("refresh_tokens_grant", "grant_id"),
)
artifacts = Table(
    "artifacts",
    metadata,
    _text("kind", key=True),
    _text("handle_hash", key=True),
    _json("payload", "map"),
    _instant("created_at"),
    _instant("expires_at"),
    _text("lookup_hash", null=True),
    _text("grant_id", null=True),
    _instant("consumed_at", null=True),
    Index("artifacts_expiry", "expires_at"),
)
signing_keys = Table(
    "signing_keys",
    metadata,
    _text("kid", key=True),
    _text("alg"),
    _json("public_jwk", "map"),
    Column("sealed", LargeBinary, nullable=False),
    _instant("created_at"),
    _instant("activated_at", null=True),
    _instant("retired_at", null=True),
    _instant("remove_at", null=True),
)
consents = Table(
    "consents",
    metadata,
    _text("account_id", key=True),
    _text("client_id", key=True),
    _json("scopes", "tuple"),
    _instant("updated_at"),
    Index("consents_client", "client_id"),
)
subjects = Table(
    "subjects",
    metadata,
    _text("sector", key=True),
    _text("account_id", key=True),
    _text("subject"),
    Index("subjects_subject", "sector", "subject", unique=True),
)
throttles = Table(
    "throttles",
    metadata,
    _text("key", key=True),
    Column("count", Integer, nullable=False),
    _instant("window_started_at"),
    Index("throttles_window", "window_started_at"),
)
outbox = Table(
    "outbox",
    metadata,
    _text("message_id", key=True),
    _text("kind"),
    _text("client_id"),
    _text("destination"),
    _json("payload", "map"),
    _instant("created_at"),
    _instant("next_attempt_at"),
    Column("attempts", Integer, nullable=False),
    _instant("delivered_at", null=True),
    _instant("failed_at", null=True),
    _text("last_result"),
    Index("outbox_client", "client_id", "created_at"),
    Index("outbox_created", "created_at"),
    Index("outbox_delivered", "delivered_at"),
    Index("outbox_failed", "failed_at"),
)
audit = Table(
    "audit",
    metadata,
    _text("event_id", key=True),
    _text("name"),
    _instant("at"),
    _text("result"),
    _text("account_id", null=True),
    _text("client_id", null=True),
    _text("session_id", null=True),
    _text("address"),
    _text("request_id"),
    _json("details", "map"),
    Index("audit_at", "at"),
    Index("audit_account", "account_id", "at"),
)

_REGISTERED = clients.c.registration_token_hash.is_not(None)
Index("clients_registered", clients.c.client_id, sqlite_where=_REGISTERED, postgresql_where=_REGISTERED)
_UNDELIVERED = outbox.c.delivered_at.is_(None) & outbox.c.failed_at.is_(None)
Index("outbox_due", outbox.c.next_attempt_at, sqlite_where=_UNDELIVERED, postgresql_where=_UNDELIVERED)
