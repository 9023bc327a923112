"""What runners swept at their start, and when the files of a result were removed."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runners", sa.Column("orphans_swept", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("results", sa.Column("files_removed_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("results", "files_removed_at")
    op.drop_column("runners", "orphans_swept")
