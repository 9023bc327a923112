"""Fixtures: a migrated database without a row, of each kind that Bellrock supports."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from bellrock.store.database import Database, open_database
from tests.contract.postgresql_cluster import create_database, find_binaries, postgresql_cluster
from tests.support.migrated import migrate, new_sqlite

_numbers = count(1)
_TEMPLATE = "migrated"


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL of this process, with a migrated database to copy."""

    binaries: Path
    folder: str

    def new_database(self) -> str:
        """A migrated database; its URL."""
        return create_database(self.binaries, self.folder, f"test_{next(_numbers)}", template=_TEMPLATE)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL binaries under /usr/lib/postgresql")
    with postgresql_cluster(binaries) as folder:
        asyncio.run(migrate(create_database(binaries, folder, _TEMPLATE)))
        yield Cluster(binaries, folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return asyncio.run(new_sqlite(tmp_path))
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.new_database()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(database_url)
    yield opened
    await opened.close()
