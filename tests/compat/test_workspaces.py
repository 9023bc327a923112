"""Projects that are a member of a workspace, by the `checkly` command: bundled, installed and run here.

The managers are beside the command alone: the runner has to get them by itself.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.compat.checkly_rig import HERE, Shell
from tests.compat.npm_packages import install
from tests.system.dev_server import LOCATION, PACKAGES, DevServer

pytestmark = [
    pytest.mark.system,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("checkly"),
]

WORKSPACES = PACKAGES.parent / "workspaces"
MANAGERS = HERE / "managers"
WAYS = frozenset({"NODE_EXTRA_CA_CERTS", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"})
CONFIG = """
module.exports = {{
  projectName: 'Workspace', logicalId: '{manager}-workspace', repoUrl: 'https://git.example/shop',
  checks: {{
    locations: ['{location}'], frequency: 10, checkMatch: '**/__checks__/*.check.js',
    playwrightConfigPath: './playwright.config.ts',
    playwrightChecks: [{{ name: 'Texts', logicalId: 'texts', tags: ['{manager}'] {check} }}],
  }},
  cli: {{ runLocation: '{location}' }},
  {more}
}};
"""
# The first upstream is nobody: what is embedded is asked of none.
REGISTRIES = """
  bundle: { packages: { embed: ['is-number'] } },
  runner: { registries: {
    upstreams: { nobody: { url: 'http://127.0.0.1:9/' }, npm: { url: 'REGISTRY' } },
    packages: [{ pattern: 'is-*', upstreams: ['nobody'] }, { pattern: '**', upstreams: ['npm'] }],
  } },
"""


@pytest.fixture(scope="session")
def managers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the programs of pnpm and yarn: the command prunes lock files by them."""
    folder = install(MANAGERS, tmp_path_factory.mktemp("managers") / "installed")
    return folder / "node_modules" / ".bin"


@pytest.fixture(scope="session")
def registry() -> str:
    """The one that npm asks on this machine."""
    command = ["npm", "config", "get", "registry"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def workspace(
    installed: Path, dev: DevServer, managers: Path, manager: str, *, check: str = "", more: str = ""
) -> Shell:
    """The member `e2e` of a workspace, in which packages are as a manager had installed them."""
    root = installed / f"{manager}-workspace"
    shutil.copytree(WORKSPACES / manager, root)
    packages = root / "node_modules"
    packages.mkdir()
    for name in ("@playwright", "playwright", "playwright-core"):
        (packages / name).symlink_to(installed.parent / "playwright" / "node_modules" / name)
    (packages / "@shop").mkdir()
    (packages / "@shop" / "texts").symlink_to(root / "packages" / "texts")
    shell = Shell(dev, installed / "node_modules" / ".bin" / "checkly", root / "packages" / "e2e")
    config = CONFIG.format(manager=manager, location=LOCATION, check=check, more=more)
    shell.write("checkly.config.js", config)
    # The command fetches what it embeds, and asks the managers: on this machine's way to the registry.
    ways = {name: value for name, value in os.environ.items() if name in WAYS}
    shell.variables.update(ways, PATH=f"{managers}:{os.environ['PATH']}")
    return shell


async def test_a_workspace_of_npm_installs_what_is_embedded_and_routed(
    installed: Path, dev: DevServer, managers: Path, registry: str
) -> None:
    shell = workspace(installed, dev, managers, "npm", more=REGISTRIES.replace("REGISTRY", registry))
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    assert "1 passed, 1 total" in await shell.must("trigger", "--tags", "npm")
    await shell.must("destroy", "--force")


async def test_a_workspace_of_pnpm_is_installed_by_the_declared_version_with_its_patches(
    installed: Path, dev: DevServer, managers: Path
) -> None:
    shell = workspace(installed, dev, managers, "pnpm")
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    assert "1 passed, 1 total" in await shell.must("trigger", "--tags", "pnpm")
    await shell.must("destroy", "--force")


async def test_a_workspace_of_yarn_runs_its_own_install_and_test_commands(
    installed: Path, dev: DevServer, managers: Path
) -> None:
    scripted = (
        ", installCommand: 'yarn install --immutable', testCommand: 'test -d tests && yarn playwright test'"
    )
    shell = workspace(installed, dev, managers, "yarn", check=scripted)
    await shell.must("deploy", "--force", "--no-schedule-on-deploy")
    assert "1 passed, 1 total" in await shell.must("trigger", "--tags", "yarn")
    await shell.must("destroy", "--force")
