"""Fixtures: an empty, migrated database of each kind that Bellrock supports."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

from bellrock.store.database import Database, open_database
from tests.contract.postgresql_cluster import create_database, find_binaries, postgresql_cluster

_numbers = count(1)


@pytest.fixture(scope="session")
def cluster() -> Iterator[tuple[Path, str]]:
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL binaries under /usr/lib/postgresql")
    with postgresql_cluster(binaries) as folder:
        yield binaries, folder


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bellrock.sqlite'}"
    binaries, folder = request.getfixturevalue("cluster")
    return create_database(binaries, folder, f"test_{next(_numbers)}")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(database_url)
    yield opened
    await opened.close()
