"""An account's configuration: variables, snippets, client certificates, private locations, check groups."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "variables",
        _of_account(primary_key=True),
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("sealed_value", sa.Text(), nullable=False),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("secret", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger()),
    )
    op.create_table(
        "snippets",
        sa.Column("id", sa.Integer(), primary_key=True),
        _of_account(),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("script", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger()),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_snippets_account_id"), "snippets", ["account_id"])
    op.create_table(
        "client_certificates",
        sa.Column("id", sa.Uuid(), primary_key=True),
        _of_account(),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text()),
        sa.Column("sealed_key", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_index(op.f("ix_client_certificates_account_id"), "client_certificates", ["account_id"])
    op.create_table(
        "private_locations",
        sa.Column("id", sa.Uuid(), primary_key=True),
        _of_account(),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("slug", sa.String(30), nullable=False, unique=True),
        sa.Column("icon", sa.String(64), nullable=False),
        sa.Column("proxy_url", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger()),
    )
    op.create_index(op.f("ix_private_locations_account_id"), "private_locations", ["account_id"])
    location = sa.ForeignKey("private_locations.id", ondelete="CASCADE")
    op.create_table(
        "private_location_keys",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("location_id", sa.Uuid(), location, nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("hint", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
    )
    op.create_index(op.f("ix_private_location_keys_location_id"), "private_location_keys", ["location_id"])
    _create_check_groups()
    op.add_column("checks", sa.Column("group_id", sa.Integer()))
    op.add_column("checks", sa.Column("group_order", sa.Integer()))
    op.create_index(op.f("ix_checks_group_id"), "checks", ["group_id"])


def _create_check_groups() -> None:
    op.create_table(
        "check_groups",
        sa.Column("id", sa.Integer(), primary_key=True),
        _of_account(),
        sa.Column("name", sa.String(255), nullable=False),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in ("activated", "muted")),
        *(sa.Column(name, sa.JSON(), nullable=False) for name in ("tags", "locations", "private_locations")),
        sa.Column("concurrency", sa.Integer(), nullable=False),
        sa.Column("api_defaults", sa.JSON(), nullable=False),
        *(sa.Column(name, sa.Text()) for name in ("browser_check_defaults", "sealed_environment")),
        sa.Column("double_check", sa.Boolean(), nullable=False),
        sa.Column("use_global_alert_settings", sa.Boolean()),
        sa.Column("alert_settings", sa.JSON()),
        sa.Column("subscriptions", sa.JSON(), nullable=False),
        *(sa.Column(name, sa.Integer()) for name in ("setup_snippet_id", "teardown_snippet_id")),
        *(sa.Column(name, sa.Text()) for name in ("setup_script", "teardown_script")),
        sa.Column("runtime_id", sa.String(16)),
        sa.Column("retry", sa.JSON()),
        sa.Column("run_parallel", sa.Boolean()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger()),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_check_groups_account_id"), "check_groups", ["account_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_checks_group_id"), "checks")
    op.drop_column("checks", "group_order")
    op.drop_column("checks", "group_id")
    op.drop_table("check_groups")
    op.drop_table("private_location_keys")
    op.drop_table("private_locations")
    op.drop_table("client_certificates")
    op.drop_table("snippets")
    op.drop_table("variables")


def _of_account(*, primary_key: bool = False) -> sa.Column[object]:
    owner = sa.ForeignKey("accounts.id", ondelete="CASCADE")
    return sa.Column("account_id", sa.Uuid(), owner, primary_key=primary_key, nullable=False)
