"""The first schema. It says what the tables were at this step, so it never reads `tables.py`, which moves on."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables."""
    _account_names()
    _accounts()
    _artifacts()
    _audit()
    _clients()
    _consents()
    _credentials()
    _grants()
    _outbox()
    _refresh_tokens()
    _resources()
    _sessions()
    _signing_keys()
    _throttles()


def _text(name: str, *, key: bool = False, null: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), primary_key=key, nullable=null)


def _instant(name: str, *, null: bool = False) -> "sa.Column[int]":
    return sa.Column(name, sa.BigInteger(), nullable=null)


def _flag(name: str) -> "sa.Column[bool]":
    return sa.Column(name, sa.Boolean(create_constraint=False), nullable=False)


def _account_names() -> None:
    op.create_table(
        "account_names",
        _text("name", key=True),
        _text("account_id"),
    )
    op.create_index("account_names_account", "account_names", ["account_id"])


def _accounts() -> None:
    op.create_table(
        "accounts",
        _text("account_id", key=True),
        _text("username"),
        _text("names"),
        _text("claims"),
        _text("roles"),
        _flag("enabled"),
        _instant("created_at"),
        _instant("updated_at"),
    )


def _artifacts() -> None:
    op.create_table(
        "artifacts",
        _text("kind", key=True),
        _text("handle_hash", key=True),
        _text("payload"),
        _instant("created_at"),
        _instant("expires_at"),
        _text("lookup_hash", null=True),
        _text("grant_id", null=True),
        _instant("consumed_at", null=True),
    )
    op.create_index("artifacts_expiry", "artifacts", ["expires_at"])


def _audit() -> None:
    op.create_table(
        "audit",
        _text("event_id", key=True),
        _text("name"),
        _instant("at"),
        _text("result"),
        _text("account_id", null=True),
        _text("client_id", null=True),
        _text("session_id", null=True),
        _text("address"),
        _text("request_id"),
        _text("details"),
    )
    op.create_index("audit_at", "audit", ["at"])


def _clients() -> None:
    op.create_table(
        "clients",
        _text("client_id", key=True),
        _text("metadata"),
        _flag("enabled"),
        _flag("first_party"),
        _text("secret_hash", null=True),
        _text("previous_secret_hash", null=True),
        _instant("previous_secret_expires_at", null=True),
        _instant("created_at"),
        _instant("updated_at"),
    )


def _consents() -> None:
    op.create_table(
        "consents",
        _text("account_id", key=True),
        _text("client_id", key=True),
        _text("scopes"),
        _instant("updated_at"),
    )


def _credentials() -> None:
    op.create_table(
        "credentials",
        _text("account_id", key=True),
        _text("method", key=True),
        _text("secret"),
        _instant("created_at"),
        _instant("updated_at"),
    )


def _grants() -> None:
    op.create_table(
        "grants",
        _text("grant_id", key=True),
        _text("client_id"),
        _text("account_id", null=True),
        _text("session_id", null=True),
        _text("scopes"),
        _text("resources"),
        _instant("authenticated_at", null=True),
        _text("acr", null=True),
        _text("amr"),
        _flag("offline"),
        _instant("created_at"),
        _instant("expires_at"),
        _instant("revoked_at", null=True),
    )
    op.create_index("grants_account", "grants", ["account_id", "client_id"])
    op.create_index("grants_client", "grants", ["client_id"])
    op.create_index("grants_expiry", "grants", ["expires_at"])
    op.create_index("grants_revoked", "grants", ["revoked_at"])
    op.create_index("grants_session", "grants", ["session_id"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        _text("message_id", key=True),
        _text("kind"),
        _text("client_id"),
        _text("destination"),
        _text("payload"),
        _instant("created_at"),
        _instant("next_attempt_at"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        _instant("delivered_at", null=True),
        _instant("failed_at", null=True),
        _text("last_result"),
    )
    op.create_index("outbox_client", "outbox", ["client_id", "created_at"])
    op.create_index("outbox_created", "outbox", ["created_at"])
    op.create_index("outbox_delivered", "outbox", ["delivered_at"])
    undelivered = sa.text("delivered_at IS NULL AND failed_at IS NULL")
    op.create_index("outbox_due", "outbox", ["next_attempt_at"], sqlite_where=undelivered, postgresql_where=undelivered)
    op.create_index("outbox_failed", "outbox", ["failed_at"])


def _refresh_tokens() -> None:
    op.create_table(
        "refresh_tokens",
        _text("token_hash", key=True),
        _text("grant_id"),
        _instant("created_at"),
        _instant("expires_at"),
        _instant("consumed_at", null=True),
    )
    op.create_index("refresh_tokens_grant", "refresh_tokens", ["grant_id"])


def _resources() -> None:
    op.create_table(
        "resources",
        _text("identifier", key=True),
        _text("name"),
        _text("scopes"),
        _text("client_id", null=True),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        _text("session_id", key=True),
        _text("handle_hash"),
        _text("account_id"),
        _text("browser_hash"),
        _instant("authenticated_at"),
        _text("acr"),
        _text("amr"),
        _flag("remembered"),
        _instant("created_at"),
        _instant("last_seen_at"),
        _instant("expires_at"),
        _instant("ended_at", null=True),
        _text("user_agent"),
        _text("address"),
    )
    op.create_index("sessions_account", "sessions", ["account_id"])
    op.create_index("sessions_ended", "sessions", ["ended_at"])
    op.create_index("sessions_expiry", "sessions", ["expires_at"])
    op.create_index("sessions_handle", "sessions", ["handle_hash"], unique=True)


def _signing_keys() -> None:
    op.create_table(
        "signing_keys",
        _text("kid", key=True),
        _text("alg"),
        _text("public_jwk"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _instant("created_at"),
        _instant("activated_at", null=True),
        _instant("retired_at", null=True),
        _instant("remove_at", null=True),
    )


def _throttles() -> None:
    op.create_table(
        "throttles",
        _text("key", key=True),
        sa.Column("count", sa.Integer(), nullable=False),
        _instant("window_started_at"),
    )
    op.create_index("throttles_window", "throttles", ["window_started_at"])
