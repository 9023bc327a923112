"""The migrations make the tables that the code has in mind."""

import json
from collections.abc import Iterator, Mapping
from uuid import UUID, uuid4

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, select, text

from bellrock.domain.specs import Assertion, HttpRequest, PlaywrightSuite, UrlMonitor
from bellrock.store.config_tables import metadata
from bellrock.store.database import Database, migration_config
from bellrock.store.records import RunMaterial
from bellrock.store.tables import checks, runs


async def test_a_migrated_database_has_exactly_the_tables_of_the_code(database: Database) -> None:
    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async with database.read() as connection:
        assert await connection.run_sync(differences) == []


async def test_checks_and_runs_of_the_second_version_are_read_by_this_one(database: Database) -> None:
    """Data of before: a URL monitor's request was not a part of its own, and no spec named its type."""
    check_id, run_id = uuid4(), uuid4()
    before = {"url": "https://shop.example", "assertions": [{"comparison": "EQUALS", "target": "200"}]}
    async with database.write() as connection:
        await connection.run_sync(lambda sync: command.downgrade(migration_config(sync), "0002"))
        for statement, values in _rows_of_before(check_id, run_id, before):
            await connection.execute(text(statement), values)
        await connection.run_sync(lambda sync: command.upgrade(migration_config(sync), "head"))
    wanted = HttpRequest("https://shop.example", assertions=(Assertion("STATUS_CODE", "EQUALS", "200"),))
    async with database.read() as connection:
        (spec,) = (await connection.execute(select(checks.c.spec))).scalars()
        (material,) = (await connection.execute(select(runs.c.material))).scalars()
    assert spec == UrlMonitor(wanted)
    assert material == RunMaterial(PlaywrightSuite("bundle"), refresh_cache=True)
    async with database.write() as connection:
        await connection.run_sync(lambda sync: command.downgrade(migration_config(sync), "0002"))
        (kept,) = (await connection.execute(text("SELECT spec FROM checks"))).scalars()
    assert (json.loads(kept) if isinstance(kept, str) else kept)["url"] == "https://shop.example"


def _rows_of_before(
    check_id: UUID, run_id: UUID, spec: Mapping[str, object]
) -> Iterator[tuple[str, dict[str, object]]]:
    account_id, session_id = uuid4().hex, uuid4().hex
    yield "INSERT INTO accounts (id, name, created_at) VALUES (:id, 'a', 0)", {"id": account_id}
    check = """
        INSERT INTO checks (id, account_id, type, name, spec, activated, muted, locations, tags,
          frequency_min, run_parallel, created_at)
        VALUES (:id, :account, 'URL', 'home', :spec, true, false, '[]', '[]', 10, false, 0)"""
    yield check, {"id": check_id.hex, "account": account_id, "spec": json.dumps(spec)}
    session = """
        INSERT INTO sessions (id, account_id, kind, name, source, started_at, locations, provider, git,
          recorded)
        VALUES (:id, :account, 'check', 's', 'TRIGGER_API', 0, '[]', 'API', '{}', true)"""
    yield session, {"id": session_id, "account": account_id}
    run = """
        INSERT INTO runs (id, session_id, account_id, check_type, source, location, result_id, queued_at,
          state,
          version, attempt, executions, fenced, position, check_name, offered_at, material)
        VALUES (:id, :session, :account, 'PLAYWRIGHT', 'TRIGGER_API', 'here', :result, 0, 'queued',
          1, 1, 0, false, 0, 'suite', 0, :material)"""
    material = json.dumps({"spec": {"bundle_key": "bundle"}, "refresh_cache": True})
    yield (
        run,
        {
            "id": run_id.hex,
            "session": session_id,
            "account": account_id,
            "result": uuid4().hex,
            "material": material,
        },
    )
