"""The timers of heartbeat monitors, and what happened to them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "heartbeats",
        sa.Column("check_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.String(length=36), nullable=False),
        sa.Column("period_s", sa.Integer(), nullable=False),
        sa.Column("grace_s", sa.Integer(), nullable=False),
        sa.Column("activated", sa.Boolean(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("failing", sa.Boolean(), nullable=False),
        sa.Column("last_ping_at", sa.BigInteger(), nullable=True),
        sa.Column("mark_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["check_id"], ["checks.id"], name=op.f("fk_heartbeats_check_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("check_id", name=op.f("pk_heartbeats")),
        sa.UniqueConstraint("token", name=op.f("uq_heartbeats_token")),
    )
    op.create_index(op.f("ix_heartbeats_mark_at"), "heartbeats", ["mark_at"], unique=False)
    op.create_table(
        "heartbeat_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("check_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=True),
        sa.Column("user_agent", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ["check_id"],
            ["heartbeats.check_id"],
            name=op.f("fk_heartbeat_events_check_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeat_events")),
    )
    op.create_index(
        op.f("ix_heartbeat_events_check_id_at_id"),
        "heartbeat_events",
        ["check_id", "at", "id"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("heartbeat_events")
    op.drop_table("heartbeats")
