"""Grants remember the claims that were asked for one by one (OIDC Core §5.5)."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; grants that are there asked for nothing."""
    op.add_column("grants", sa.Column("requested_claims", sa.Text(), nullable=False, server_default="{}"))
