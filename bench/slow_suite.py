"""The suite that benchmarks run: through Bellrock, and bare, as a person starts it in a terminal."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from bench.bellrock_process import BELLROCK, BellrockProcess

SUITE = Path(__file__).resolve().parent / "slow-suite"


def start_platform(folder: Path, slots: int = 1) -> BellrockProcess:
    """A `bellrock dev` with the suite's checks deployed, and no session yet."""
    options = ["--locations", "eu-central-1", "--concurrency", str(slots)]
    platform = BellrockProcess("dev", options, folder=folder)
    subprocess.run(
        [BELLROCK, "deploy", "--force", "--no-schedule-on-deploy"],
        cwd=SUITE,
        env=platform.environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return platform


async def start_session(platform: BellrockProcess, tag: str) -> str:
    """Trigger the check with this tag and return its session's id."""
    target = {"target": {"matchTags": [[tag]]}}
    answer = await platform.client.post("/v2/check-sessions/trigger", json=target)
    answer.raise_for_status()
    (session,) = answer.json()["sessions"]
    return str(session["checkSessionId"])


def start_bare(browsers: Mapping[str, str], **variables: str) -> subprocess.Popen[bytes]:
    """Bare Playwright as a person starts it, at the head of a process group of its own."""
    return subprocess.Popen(
        ["npx", "playwright", "test"],
        cwd=SUITE,
        env={**os.environ, **browsers, **variables},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def bare_browsers(platform: BellrockProcess) -> dict[str, str]:
    """The same browser for the baseline: the layout that the runner made for this Playwright."""
    layouts = sorted(platform.folder.glob("**/browsers/*"))
    return {"PLAYWRIGHT_BROWSERS_PATH": str(layouts[-1])} if layouts else {}
