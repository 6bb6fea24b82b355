"""When a closed account is removed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add a column that is empty for all there are."""
    op.add_column("accounts", sa.Column("delete_at", sa.BigInteger(), nullable=True))
    op.create_index("accounts_delete_at", "accounts", ["delete_at"])
