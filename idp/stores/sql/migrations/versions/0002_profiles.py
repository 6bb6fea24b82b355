"""What the wider OpenID Connect profiles keep: the claims a grant asked for, sealed client secrets, and the
registration access tokens of clients that registered themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns; what is there goes on with their empty values."""
    op.add_column("grants", sa.Column("requested_claims", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("clients", sa.Column("sealed_secret", sa.Text(), nullable=True))
    op.add_column("clients", sa.Column("registration_token_hash", sa.Text(), nullable=True))
