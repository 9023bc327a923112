"""The world that service tests act in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.services.world import World, sqlite_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with sqlite_world(tmp_path) as made:
        yield made
