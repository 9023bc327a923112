"""The executor of Playwright Check Suites: what lives as long as the runner does."""

from functools import partial
from pathlib import Path

from bellrock.runner.executors.playwright.run import PlaywrightRun
from bellrock.runner.janitor import Cache
from bellrock.runner.playwright.browsers import prune_browsers
from bellrock.runner.playwright.dependency_store import open_store, unfinished_installs
from bellrock.runner.playwright.install import Installer
from bellrock.runner.playwright.options import PlaywrightOptions
from bellrock.runner.playwright.sandbox import Machine
from bellrock.runner.playwright.tools import ToolCache, prune_tools, unfinished_fetches
from bellrock.runner.recorder import RunContext
from bellrock.runner.supervisor import Isolation
from bellrock.wire.messages import JobSpec, Report


def leftovers(cache_folder: Path) -> list[Path]:
    """Folders of installs and fetches that a runner which was killed has left in its cache."""
    return [*unfinished_installs(cache_folder), *unfinished_fetches(cache_folder)]


class PlaywrightExecutor:
    """Carries out Playwright runs, any number at the same time; they share installs and browsers."""

    def __init__(self, options: PlaywrightOptions, *, isolation: Isolation, cache_folder: Path) -> None:
        self._machine = Machine(options, isolation)
        self._cache_folder = cache_folder
        store = open_store(cache_folder, limit_bytes=options.dependency_cache_bytes)
        self._installer = Installer(store, self._machine)
        self._tools = ToolCache(cache_folder, self._machine)
        self.caches = (
            Cache("dependencies", store.prune),
            Cache("browsers", partial(prune_browsers, cache_folder)),
            Cache("tools", partial(prune_tools, cache_folder)),
        )

    async def execute(self, job: JobSpec, context: RunContext) -> Report:
        """Carry out one run, to its end or until it is cancelled. See `recorder.Executor`."""
        run = PlaywrightRun(
            job,
            context,
            machine=self._machine,
            installer=self._installer,
            tools=self._tools,
            cache_folder=self._cache_folder,
        )
        return await run.carry_out()
