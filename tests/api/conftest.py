"""One server for all API tests of a process; each test has an account and callers of its own."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.api_client import Api
from tests.support.schemas import AnswerChecker, contract_checker, own_document
from tests.support.scripted_runner import ScriptedRunner, scripted_runner
from tests.support.server import RunningServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The server."""
    running = RunningServer(tmp_path_factory.mktemp("server"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def own_schemas() -> AnswerChecker:
    """What our own OpenAPI document declares, which is made of our models."""
    return AnswerChecker(own_document())


@pytest.fixture(scope="session")
def checkers(own_schemas: AnswerChecker) -> tuple[AnswerChecker, ...]:
    """What every answer of every test is held against: our own schemas, and the contract's if it is here."""
    contract = contract_checker()
    return (own_schemas, contract) if contract else (own_schemas,)


@pytest.fixture
async def api(server: RunningServer, checkers: tuple[AnswerChecker, ...]) -> AsyncIterator[Api]:
    """An owner of a new account."""
    caller = Api(server, await server.new_account(), checkers=checkers)
    yield caller
    await caller.close()


@pytest.fixture
async def stranger(server: RunningServer, checkers: tuple[AnswerChecker, ...]) -> AsyncIterator[Api]:
    """An owner of another new account."""
    caller = Api(server, await server.new_account(), checkers=checkers)
    yield caller
    await caller.close()


@pytest.fixture
async def nobody(server: RunningServer, checkers: tuple[AnswerChecker, ...]) -> AsyncIterator[Api]:
    """A caller without a key."""
    caller = Api(server, None, checkers=checkers)
    yield caller
    await caller.close()


@pytest.fixture
async def runner(server: RunningServer) -> AsyncIterator[ScriptedRunner]:
    """A runner in the test's hands."""
    async with scripted_runner(server) as scripted:
        yield scripted
