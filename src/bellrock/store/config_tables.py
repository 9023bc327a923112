"""The tables of an account's configuration. A change here needs a migration, as in `store.tables`."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from bellrock.domain.checks import Subscription
from bellrock.domain.groups import ApiDefaults, GroupRetry
from bellrock.domain.kept import KeptKind
from bellrock.store.columns import Document, Instant, Words
from bellrock.store.tables import accounts, checks, metadata

__all__ = [
    "archived_error_groups",
    "archived_session_error_groups",
    "check_groups",
    "client_certificates",
    "kept_resources",
    "metadata",
    "private_location_keys",
    "private_locations",
    "snippets",
    "triggers",
    "variables",
]

variables = Table(
    "variables",
    metadata,
    Column("account_id", ForeignKey(accounts.c.id, ondelete="CASCADE"), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("sealed_value", Text, nullable=False),
    Column("locked", Boolean, nullable=False),
    Column("secret", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant),
)

snippets = Table(
    "snippets",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(255), nullable=False),
    Column("script", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant),
    sqlite_autoincrement=True,  # a check may still name the id of a snippet that is gone
)

client_certificates = Table(
    "client_certificates",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("host", String(255), nullable=False),
    Column("certificate", Text, nullable=False),
    Column("authority", Text),
    Column("sealed_key", Text),  # with its passphrase
    Column("created_at", Instant, nullable=False),
)

private_locations = Table(
    "private_locations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(255), nullable=False),
    Column("slug", String(30), nullable=False, unique=True),  # of all accounts: work is offered by it alone
    Column("icon", String(64), nullable=False),
    Column("proxy_url", Text),
    Column("project_id", String(255)),  # the project's logical id
    Column("logical_id", String(500)),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant),
)

private_location_keys = Table(
    "private_location_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("location_id", ForeignKey(private_locations.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("hash", LargeBinary(32), nullable=False, unique=True),
    Column("hint", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
)

check_groups = Table(
    "check_groups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(255), nullable=False),
    Column("activated", Boolean, nullable=False),
    Column("muted", Boolean, nullable=False),
    Column("tags", Document(tuple[str, ...]), nullable=False),
    Column("locations", Document(tuple[str, ...]), nullable=False),
    Column("private_locations", Document(tuple[str, ...]), nullable=False),
    Column("concurrency", Integer, nullable=False),
    Column("api_defaults", Document(ApiDefaults), nullable=False),
    Column("browser_check_defaults", Text),
    Column("sealed_environment", Text),
    Column("double_check", Boolean, nullable=False),
    Column("use_global_alert_settings", Boolean),
    Column("alert_settings", JSON(none_as_null=True)),
    Column("subscriptions", Document(tuple[Subscription, ...]), nullable=False),
    Column("setup_snippet_id", Integer),
    Column("teardown_snippet_id", Integer),
    Column("setup_script", Text),
    Column("teardown_script", Text),
    Column("runtime_id", String(16)),
    Column("retry", Document(GroupRetry)),
    Column("run_parallel", Boolean),
    Column("project_id", String(255)),  # the project's logical id
    Column("logical_id", String(500)),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant),
    sqlite_autoincrement=True,
)

kept_resources = Table(
    "kept_resources",
    metadata,
    Column("number", Integer, primary_key=True),  # the id of those kinds that have a numeric one
    Column("id", Uuid, nullable=False, unique=True),
    Column("account_id", ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False),
    Column("kind", Words(KeptKind), nullable=False),
    Column("project_id", String(255)),  # the project's logical id
    Column("logical_id", String(500)),
    Column("body", JSON, nullable=False),
    Column("sealed_body", Text),  # parts of the body that are secret
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant),
    UniqueConstraint("account_id", "kind", "project_id", "logical_id"),
    sqlite_autoincrement=True,
)

archived_error_groups = Table(
    "archived_error_groups",
    metadata,
    Column("check_id", ForeignKey(checks.c.id, ondelete="CASCADE"), primary_key=True),
    Column("error_hash", String(64), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("for_ever", Boolean, nullable=False),
)

archived_session_error_groups = Table(
    "archived_session_error_groups",
    metadata,
    Column("account_id", ForeignKey(accounts.c.id, ondelete="CASCADE"), primary_key=True),
    Column("owner_id", Uuid, primary_key=True),  # as in `Session.owner_of_errors`
    Column("error_hash", String(64), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("for_ever", Boolean, nullable=False),
)

triggers = Table(
    "triggers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("account_id", ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("check_id", ForeignKey(checks.c.id, ondelete="CASCADE"), unique=True),
    Column("group_id", ForeignKey(check_groups.c.id, ondelete="CASCADE"), unique=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("sealed_token", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("called_at", Instant),
    sqlite_autoincrement=True,
)
