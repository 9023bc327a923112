"""What every test shares: asyncio as the one event loop, packages, and ids that older plugins can set."""

import os
from collections.abc import Iterator

import pytest
from _pytest.nodeid import NodeId

from tests.support.kept_packages import KeptPackages


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def kept_packages(tmp_path_factory: pytest.TempPathFactory) -> KeptPackages:
    """Packages that servers and rigs of this session have installed, in whatever worker."""
    folder = tmp_path_factory.getbasetemp()
    return KeptPackages((folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "packages")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Make ids what plugins mean them to be: pytest 9.2 keeps them where they do not look for them.

    schemathesis gives each operation a name of its own, and xdist runs what has the same id but once.
    xdist notes in the id which tests must not run at the same time.

    And what takes long comes first. Among themselves tests stay in their random order.
    """
    for item in items:
        if not item.nodeid.endswith(item.name) and item.parent is not None:
            _set_id(item, f"{item.parent.nodeid}::{item.name}")
    yield
    for item in items:
        if by_xdist := vars(item).get("_nodeid"):
            _set_id(item, by_xdist)
    # Else a worker may begin with one of them when the others have nothing left to do.
    items.sort(key=_takes_long, reverse=True)


def _takes_long(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None


def _set_id(item: pytest.Item, nodeid: str) -> None:
    item._id = NodeId.parse(nodeid)
