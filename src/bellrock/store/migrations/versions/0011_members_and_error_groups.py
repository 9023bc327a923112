"""When a key's role was changed last, and which error groups somebody has put away."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_FAILING = "result_type = 'FINAL' AND verdict IN ('FAILED', 'ERRORED', 'LOST')"


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("updated_at", sa.BigInteger()))
    op.create_index(
        "ix_results_failing_of_check",
        "results",
        ["check_id", "created_at"],
        sqlite_where=sa.text(_FAILING),
        postgresql_where=sa.text(_FAILING),
    )
    op.create_table(
        "archived_error_groups",
        sa.Column("check_id", sa.Uuid(), nullable=False),
        sa.Column("error_hash", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("for_ever", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("check_id", "error_hash", name="pk_archived_error_groups"),
        sa.ForeignKeyConstraint(
            ["check_id"], ["checks.id"], name="fk_archived_error_groups_check_id", ondelete="CASCADE"
        ),
    )


def downgrade() -> None:
    op.drop_table("archived_error_groups")
    op.drop_index("ix_results_failing_of_check", "results")
    op.drop_column("api_keys", "updated_at")
