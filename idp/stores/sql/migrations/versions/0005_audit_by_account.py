"""What happened to an account, found by account."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add an index; nothing changes."""
    op.create_index("audit_account", "audit", ["account_id", "at"])
