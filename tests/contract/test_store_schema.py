"""The migrations make the tables that the code has in mind."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from bellrock.store.database import Database
from bellrock.store.tables import metadata
from tests.contract.databases import cluster, database, database_url

__all__ = ["cluster", "database", "database_url"]


async def test_a_migrated_database_has_exactly_the_tables_of_the_code(database: Database) -> None:
    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async with database.read() as connection:
        assert await connection.run_sync(differences) == []
