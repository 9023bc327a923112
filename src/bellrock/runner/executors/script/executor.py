"""The executor of browser and multistep checks: what lives as long as the runner does."""

from pathlib import Path

from bellrock.runner.executors.script.run import ScriptRun
from bellrock.runner.playwright.dependency_store import open_store
from bellrock.runner.playwright.install import Installer
from bellrock.runner.playwright.options import PlaywrightOptions
from bellrock.runner.playwright.sandbox import Machine
from bellrock.runner.playwright.toolkit import Toolkit
from bellrock.runner.recorder import RunContext
from bellrock.runner.supervisor import Isolation
from bellrock.wire.messages import JobSpec, Report

RUN_CAP_S = 240.0


class ScriptExecutor:
    """Carries out runs of both types, any number at the same time. ``cap_s`` bounds each script.

    ``toolkit`` is what its scripts find; other executors may lend it to theirs.

    Packages lie in the store that suites use as well: whoever tidies up that one tidies up here.
    """

    def __init__(
        self,
        options: PlaywrightOptions,
        *,
        isolation: Isolation,
        cache_folder: Path,
        cap_s: float = RUN_CAP_S,
    ) -> None:
        self._machine = Machine(options, isolation)
        self._cache_folder = cache_folder
        store = open_store(cache_folder, limit_bytes=options.dependency_cache_bytes)
        self.toolkit = Toolkit(Installer(store, self._machine), self._machine)
        self._cap_s = cap_s

    async def execute(self, job: JobSpec, context: RunContext) -> Report:
        """Carry out one run, to its end: cancels do not apply. See `recorder.Executor`."""
        run = ScriptRun(
            job,
            context,
            machine=self._machine,
            toolkit=self.toolkit,
            cache_folder=self._cache_folder,
            cap_s=self._cap_s,
        )
        return await run.carry_out()
