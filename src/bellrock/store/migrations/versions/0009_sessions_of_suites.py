"""How a command line calls the test session that it started, and whether it reads along."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("suite_id", sa.String(64)))
    op.add_column(
        "sessions", sa.Column("streams_logs", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_index("ix_sessions_account_id_suite_id", "sessions", ["account_id", "suite_id"])


def downgrade() -> None:
    op.drop_index("ix_sessions_account_id_suite_id", "sessions")
    op.drop_column("sessions", "streams_logs")
    op.drop_column("sessions", "suite_id")
