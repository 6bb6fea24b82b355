"""Clients that register themselves (RFC 7592), secrets that serve as keys, pairwise subjects (OIDC Core §8.1)."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add what is new; clients and consents that are there stay as they are."""
    op.add_column("clients", sa.Column("sealed_secret", sa.LargeBinary(), nullable=True))
    op.add_column("clients", sa.Column("previous_sealed_secret", sa.LargeBinary(), nullable=True))
    op.add_column("clients", sa.Column("registration_token_hash", sa.Text(), nullable=True))
    registered = sa.text("registration_token_hash IS NOT NULL")
    op.create_index(
        "clients_registered", "clients", ["client_id"], sqlite_where=registered, postgresql_where=registered
    )
    op.create_index("consents_client", "consents", ["client_id"])
    op.create_table(
        "subjects",
        sa.Column("sector", sa.Text(), primary_key=True),
        sa.Column("account_id", sa.Text(), primary_key=True),
        sa.Column("subject", sa.Text(), nullable=False),
    )
    op.create_index("subjects_subject", "subjects", ["sector", "subject"], unique=True)
