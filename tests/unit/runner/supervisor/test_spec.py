"""What cannot be started is refused with the field's name, and secrets are not shown."""

from pathlib import Path
from typing import Any

import pytest

from bellrock.runner.supervisor import InvalidSpec, ProcessSpec
from bellrock.runner.supervisor.bubblewrap import bubblewrap_command

VALID: dict[str, Any] = {
    "name": "run-1",
    "argv": ("node", "cli.js"),
    "cwd": Path("/work"),
    "environment": {"PASSWORD": "s3cret"},
    "writable": (Path("/work"),),
}


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", {"name": "../escape"}),
        ("name", {"name": ""}),
        ("argv", {"argv": ()}),
        ("argv", {"argv": ("node", "a\0b")}),
        ("environment", {"environment": {"NOT A NAME": ""}}),
        ("environment", {"environment": {"A": "\0"}}),
        ("paths", {"cwd": Path("relative")}),
        ("paths", {"writable": (Path("relative"),)}),
    ],
)
def test_what_cannot_be_started_is_refused(field: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidSpec) as refused:
        ProcessSpec(**{**VALID, **wrong})
    assert refused.value.field == field


def test_a_specification_does_not_show_its_secrets() -> None:
    assert "s3cret" not in repr(ProcessSpec(**VALID))


def test_the_command_line_of_the_sandbox_holds_no_secret_and_no_right() -> None:
    command = bubblewrap_command(
        "/usr/bin/bwrap", ProcessSpec(**VALID), ["true"], user=20_001, as_root=True, info=3, accounts=4
    )
    assert not any("s3cret" in word for word in command)
    assert command[command.index("--cap-drop") + 1] == "ALL"
    assert {"--unshare-pid", "--unshare-ipc", "--die-with-parent", "--new-session"} <= set(command)
