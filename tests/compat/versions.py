"""The versions of the `checkly` command that are tried, and which commands one of them does not have."""

import json
import os
import platform
from pathlib import Path

import pytest

OLDEST, USUAL, NEXT = "8.2.0", "8.23.2", "9.5.0"
EVERY_VERSION = os.environ.get("BELLROCK_TEST_CHECKLY") == "all"

COMMANDS = frozenset(
    """
    account:plan account:members account:usage:summary members
    alert-channels:get alert-channels:list alert-channels:logs api
    assets:download assets:list checks:delete checks:get checks:list checks:run checks:stats deploy destroy
    env:add env:ls env:pull env:rm env:update import:apply import:commit import:plan incidents:create
    incidents:list incidents:resolve incidents:update pw-test runtimes status-pages:get status-pages:list test
    test-sessions:get test-sessions:list trigger validate whoami
    """.split()  # noqa: SIM905 - a table is easier to read than forty quoted words
)
"""What is tried of the command."""
LEFT_OUT = {
    OLDEST: frozenset(
        """
        account:usage:summary
        alert-channels:get alert-channels:list alert-channels:logs api assets:download assets:list
        checks:delete checks:run members test-sessions:get test-sessions:list
        """.split()  # noqa: SIM905 - as above
    ),
    USUAL: frozenset({"account:usage:summary"}),
    NEXT: frozenset[str](),
}
"""What of it is not tried with a version, since that does not have it yet."""

_PARAMETERS = {
    # It wants a newer Node than ours, and brings it from the registry.
    NEXT: pytest.param(
        NEXT,
        marks=pytest.mark.skipif(platform.machine() != "x86_64", reason="its Node is one for x64"),
    ),
}


def with_versions(*by_default: str) -> pytest.MarkDecorator:
    """Run a test with these versions, and with every one if BELLROCK_TEST_CHECKLY says so."""
    chosen = LEFT_OUT if EVERY_VERSION else by_default
    return pytest.mark.parametrize("version", [_PARAMETERS.get(each, each) for each in chosen], indirect=True)


def commands_of(installed: Path) -> frozenset[str]:
    """The commands that an installed version says it has."""
    manifest = installed / "node_modules" / "checkly" / "oclif.manifest.json"
    commands = json.loads(manifest.read_text())["commands"]
    other_names = {
        name.replace(" ", ":")
        for each in commands.values()
        for name in (*each["aliases"], *each["hiddenAliases"])
    }
    return frozenset(commands) | other_names
