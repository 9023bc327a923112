"""The programs of the runner's machine."""

import asyncio
from pathlib import Path

import psutil
import pytest

from bellrock.runner.playwright.options import PlaywrightOptions
from bellrock.runner.playwright.sandbox import Machine
from tests.system.dev_server import until
from tests.unit.runner.agent_rig import ISOLATION


async def test_a_node_that_does_not_answer_does_not_outlive_the_cancel_of_its_run(tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    node.chmod(0o755)
    asking = asyncio.create_task(Machine(PlaywrightOptions(node=node), ISOLATION).node_version())
    await until(lambda: bool(_text(tmp_path / "pid")), timeout_s=10, what="node was asked")
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert not psutil.pid_exists(int(_text(tmp_path / "pid")))


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""
