"""Things of a project that are kept and not acted on; groups and private locations that are deployed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_DEPLOYED = ("check_groups", "private_locations")


def upgrade() -> None:
    op.create_table(
        "kept_resources",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.String(length=255), nullable=True),
        sa.Column("logical_id", sa.String(length=500), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("sealed_body", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_kept_resources_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_kept_resources")),
        sa.UniqueConstraint(
            "account_id",
            "kind",
            "project_id",
            "logical_id",
            name=op.f("uq_kept_resources_account_id_kind_project_id_logical_id"),
        ),
        sa.UniqueConstraint("id", name=op.f("uq_kept_resources_id")),
        sqlite_autoincrement=True,
    )
    for table in _DEPLOYED:
        op.add_column(table, sa.Column("project_id", sa.String(length=255), nullable=True))
        op.add_column(table, sa.Column("logical_id", sa.String(length=500), nullable=True))


def downgrade() -> None:
    for table in _DEPLOYED:
        op.drop_column(table, "logical_id")
        op.drop_column(table, "project_id")
    op.drop_table("kept_resources")
