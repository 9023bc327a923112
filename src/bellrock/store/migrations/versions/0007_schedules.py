"""Schedules: when a check was activated, who schedules and how far, and which ticks were missed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_OPEN = sa.text("state != 'final'")


def upgrade() -> None:
    op.add_column("checks", sa.Column("activated_at", sa.BigInteger()))
    op.create_index("ix_checks_updated_at", "checks", ["updated_at"])
    op.create_index("ix_checks_created_at", "checks", ["created_at"])
    op.create_index("ix_runs_open_of_check", "runs", ["check_id"], sqlite_where=_OPEN, postgresql_where=_OPEN)
    op.create_table(
        "leases",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("holder", sa.String(200), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("done_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.create_table(
        "missed_ticks",
        sa.Column("check_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("check_id", "reason", name="pk_missed_ticks"),
        sa.ForeignKeyConstraint(
            ["check_id"], ["checks.id"], name="fk_missed_ticks_check_id", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "tick_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("location", sa.String(64), nullable=False),
        sa.Column("ticks", sa.JSON(), nullable=False),
        sa.Column("offered_at", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Uuid()),
        sa.Column("runner_id", sa.String(200)),
        sa.Column("lease_until", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_tick_batches"),
    )


def downgrade() -> None:
    op.drop_table("tick_batches")
    op.drop_table("missed_ticks")
    op.drop_table("leases")
    op.drop_index("ix_runs_open_of_check", "runs")
    op.drop_index("ix_checks_created_at", "checks")
    op.drop_index("ix_checks_updated_at", "checks")
    op.drop_column("checks", "activated_at")
