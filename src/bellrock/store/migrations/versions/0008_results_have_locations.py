"""Where a result's attempt ran: a retry may run elsewhere than the attempt before it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("results", sa.Column("location", sa.String(64), nullable=False, server_default=""))
    op.execute(
        "UPDATE results SET location = (SELECT runs.location FROM runs WHERE runs.id = results.run_id)"
    )


def downgrade() -> None:
    op.drop_column("results", "location")
