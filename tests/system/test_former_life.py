"""What a runner that was killed has left behind is gone once the next one has started."""

from pathlib import Path

import pytest

from tests.system.dev_server import DevServer, until

pytestmark = [pytest.mark.system]


async def test_a_runner_sweeps_unfinished_installs_and_downloads_of_its_former_life(tmp_path: Path) -> None:
    dev = DevServer(tmp_path)
    await dev.start()
    try:
        install = dev.data / "runner" / "cache" / "dependencies" / ".scratch-0123" / "work"
        install.mkdir(parents=True)
        download = dev.data / "runner" / "bundles" / "0123.4567.part"
        download.parent.mkdir(exist_ok=True)
        download.write_bytes(b"half a bundle")
        dev.child("runner").kill()
        await until(
            lambda: not (download.exists() or install.parent.exists()), timeout_s=30, what="they are swept"
        )
    finally:
        await dev.clean_up()
