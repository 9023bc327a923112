"""The project of a test session, which groups of their errors were put away, and triggers."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sessions", sa.Column("project_id", sa.String(255)))
    op.create_table(
        "archived_session_error_groups",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("error_hash", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("for_ever", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint(
            "account_id", "owner_id", "error_hash", name="pk_archived_session_error_groups"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
            name="fk_archived_session_error_groups_account_id",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "triggers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("check_id", sa.Uuid(), nullable=True),
        sa.Column("group_id", sa.Integer(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("sealed_token", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("called_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_triggers")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_triggers_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["check_id"], ["checks.id"], name=op.f("fk_triggers_check_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["check_groups.id"], name=op.f("fk_triggers_group_id"), ondelete="CASCADE"
        ),
        sa.UniqueConstraint("check_id", name=op.f("uq_triggers_check_id")),
        sa.UniqueConstraint("group_id", name=op.f("uq_triggers_group_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_triggers_token_hash")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_triggers_account_id"), "triggers", ["account_id"], unique=False)


def downgrade() -> None:
    op.drop_table("triggers")
    op.drop_table("archived_session_error_groups")
    op.drop_column("sessions", "project_id")
