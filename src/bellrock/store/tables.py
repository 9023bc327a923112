"""The tables. A change here needs a migration: `tests/contract/test_store_schema.py` compares both."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from bellrock.domain.access import KeyKind, Role
from bellrock.domain.cancellation import RunSource, Via
from bellrock.domain.checks import CheckPolicy
from bellrock.domain.heartbeats import PingState
from bellrock.domain.outcomes import Blame, Verdict
from bellrock.domain.receipts import Receipt, TestCounts
from bellrock.domain.retries import RetryPolicy
from bellrock.domain.runs import RunState
from bellrock.domain.schedule import Missed
from bellrock.domain.sessions import GitMetadata, SessionKind
from bellrock.domain.specs import CheckType
from bellrock.store.columns import Document, Instant, Words
from bellrock.store.records import RunMaterial
from bellrock.wire.messages import AnySpec, Artifact, ReportedTest, Timing

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("created_at", Instant, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("name", String(200), nullable=False),
    Column("kind", Words(KeyKind), nullable=False),
    Column("role", Words(Role), nullable=False),
    Column("hash", LargeBinary(32), nullable=False, unique=True),
    Column("hint", String(16), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant),
)

bundles = Table(
    "bundles",
    metadata,
    Column("account_id", ForeignKey(accounts.c.id, ondelete="CASCADE"), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False),
    Column("logical_id", String(255), nullable=False),
    Column("name", String(255), nullable=False),
    Column("repo_url", Text),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant),
    UniqueConstraint("account_id", "logical_id"),
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("diff", JSON, nullable=False),
    Column("session_ids", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
)

import_plans = Table(
    "import_plans",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("items", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("applied_at", Instant),
    Column("committed_at", Instant),
)

checks = Table(
    "checks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False),
    Column("type", Words(CheckType), nullable=False),
    Column("name", String(255), nullable=False),
    Column("spec", Document(AnySpec), nullable=False),
    Column("activated", Boolean, nullable=False),
    Column("muted", Boolean, nullable=False),
    Column("locations", Document(tuple[str, ...]), nullable=False),
    Column("private_locations", Document(tuple[str, ...]), nullable=False),
    Column("policy", Document(CheckPolicy), nullable=False),
    Column("tags", Document(tuple[str, ...]), nullable=False),
    Column("frequency_min", Integer, nullable=False),
    Column("frequency_offset_s", Integer),
    Column("run_parallel", Boolean, nullable=False),
    Column("sealed_environment", Text),
    Column("description", Text),
    Column("group_id", Integer, index=True),  # no foreign key: who saves or deletes locks the group
    Column("group_order", Integer),
    Column("project_id", String(255)),  # the project's logical id
    Column("logical_id", String(255)),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, index=True),
    Column("activated_at", Instant),
    UniqueConstraint("account_id", "project_id", "logical_id"),
    Index(None, "account_id", "name"),
    Index(None, "created_at"),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("check_id", ForeignKey(checks.c.id, ondelete="CASCADE"), primary_key=True),
    Column("token", String(36), nullable=False, unique=True),
    Column("period_s", Integer, nullable=False),
    Column("grace_s", Integer, nullable=False),
    Column("activated", Boolean, nullable=False),
    Column("due_at", Instant),
    Column("failing", Boolean, nullable=False),
    Column("last_ping_at", Instant),
    Column("mark_at", Instant, index=True),  # of the timer, to look for
)

heartbeat_events = Table(
    "heartbeat_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("check_id", ForeignKey(heartbeats.c.check_id, ondelete="CASCADE"), nullable=False),
    Column("state", Words(PingState), nullable=False),
    Column("at", Instant, nullable=False),
    Column("source", String(200)),
    Column("user_agent", String(500)),
    Index(None, "check_id", "at", "id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("account_id", ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False),
    Column("kind", Words(SessionKind), nullable=False),
    Column("name", String(255), nullable=False),
    Column("source", Words(RunSource), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("locations", Document(tuple[str, ...]), nullable=False),
    Column("check_id", Uuid, index=True),  # no foreign key: a session outlives its check
    Column("check_type", Words(CheckType)),
    Column("stopped_at", Instant),
    Column("status", String(32)),
    Column("started_by", String(200)),
    Column("provider", String(32), nullable=False),
    Column("git", Document(GitMetadata), nullable=False),
    Column("branch", String(255)),  # of `git`, to filter by
    Column("recorded", Boolean, nullable=False),
    Column("suite_id", String(64)),
    Column("streams_logs", Boolean, nullable=False),
    Column("project_id", String(255)),  # the project's logical id
    Index(None, "account_id", "started_at", "id"),
    Index(None, "account_id", "suite_id"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("session_id", ForeignKey(sessions.c.id, ondelete="CASCADE"), nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("check_id", Uuid),
    Column("check_type", Words(CheckType), nullable=False),
    Column("source", Words(RunSource), nullable=False),
    Column("location", String(64), nullable=False),
    Column("result_id", Uuid, nullable=False, unique=True),
    Column("queued_at", Instant, nullable=False),
    Column("state", Words(RunState), nullable=False),
    Column("version", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("executions", Integer, nullable=False),
    Column("lease_token", Uuid),
    Column("lease_runner_id", String(200)),
    Column("lease_until", Instant),
    Column("started_at", Instant),
    Column("stopped_at", Instant),
    Column("cancel_at", Instant),
    Column("cancel_by", String(200)),
    Column("cancel_via", Words(Via)),
    Column("verdict", Words(Verdict)),
    Column("blame", Words(Blame)),
    Column("outcome_code", String(64)),
    Column("outcome_message", Text),
    Column("fenced", Boolean, nullable=False),
    Column("retry", Document(RetryPolicy)),
    Column("retry_at", Instant),
    Column("requeued_at", Instant),
    # beside the state machine:
    Column("position", Integer, nullable=False),
    Column("check_name", String(255), nullable=False),
    Column("logical_id", String(255)),
    Column("stage", String(32)),
    Column("offered_at", Instant, nullable=False),
    Column("material", Document(RunMaterial), nullable=False),
    Column("sealed_environment", Text),
    Index(None, "session_id", "position"),
    Index(None, "state", "lease_until"),
    # Small, and left alone by runs that are over: whether a check has an open run is asked at every tick.
    Index(
        "ix_runs_open_of_check",
        "check_id",
        sqlite_where=text("state != 'final'"),
        postgresql_where=text("state != 'final'"),
    ),
)

results = Table(
    "results",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("run_id", ForeignKey(runs.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("session_id", Uuid, nullable=False, index=True),
    Column("check_id", Uuid),
    Column("attempt", Integer, nullable=False),
    Column("result_type", String(8), nullable=False),
    Column("location", String(64), nullable=False),
    Column("token", Uuid),  # of the report it was made of
    Column("verdict", Words(Verdict), nullable=False),
    Column("blame", Words(Blame)),
    Column("outcome_code", String(64)),
    Column("outcome_message", Text),
    Column("response_time_ms", Integer),
    Column("started_at", Instant),
    Column("stopped_at", Instant),
    Column("tests", Document(TestCounts)),
    Column("test_list", Document(tuple[ReportedTest, ...]), nullable=False),
    Column("errors", Document(tuple[str, ...]), nullable=False),
    Column("timings", Document(tuple[Timing, ...]), nullable=False),
    Column("artifacts", Document(tuple[Artifact, ...]), nullable=False),
    Column("receipt", Document(Receipt)),
    Column("details", JSON, nullable=False),
    Column("evidence_complete", Boolean, nullable=False),
    Column("files_removed_at", Instant),
    Column("created_at", Instant, nullable=False),
    Index(None, "check_id", "created_at", "id"),
    # Small: results that are good, nearly all of them, are not in it.
    Index(
        "ix_results_failing_of_check",
        "check_id",
        "created_at",
        sqlite_where=text("result_type = 'FINAL' AND verdict IN ('FAILED', 'ERRORED', 'LOST')"),
        postgresql_where=text("result_type = 'FINAL' AND verdict IN ('FAILED', 'ERRORED', 'LOST')"),
    ),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("run_id", ForeignKey(runs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("name", String(1024), primary_key=True),
    Column("content_type", String(200), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("body", JSON, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due_at", Instant, nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
)

runners = Table(
    "runners",
    metadata,
    Column("runner_id", String(200), primary_key=True),
    Column("location", String(64), primary_key=True),
    Column("version", String(64), nullable=False),
    Column("slots", Integer, nullable=False),
    Column("busy_slots", Integer, nullable=False),
    Column("leftover_processes", Integer, nullable=False),
    Column("isolation", String(64), nullable=False),
    Column("guarantees", Text, nullable=False),
    Column("orphans_swept", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(200), nullable=False),
    Column("until", Instant, nullable=False),
    Column("done_until", Instant, nullable=False),  # how far the work is done, whoever did it
)

missed_ticks = Table(
    "missed_ticks",
    metadata,
    Column("check_id", ForeignKey(checks.c.id, ondelete="CASCADE"), primary_key=True),
    Column("reason", Words(Missed), primary_key=True),
    Column("first_at", Instant, nullable=False),
    Column("last_at", Instant, nullable=False),
    Column("number", BigInteger, nullable=False),
)

tick_batches = Table(
    "tick_batches",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("location", String(64), nullable=False),
    Column("ticks", JSON, nullable=False),  # check and moment (microseconds) of each
    Column("offered_at", Instant, nullable=False),
    Column("token", Uuid),
    Column("runner_id", String(200)),
    Column("lease_until", Instant),
)
