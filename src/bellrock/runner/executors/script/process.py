"""The process of a script: Playwright's command line with our configuration, in the sandbox."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bellrock.domain.specs import BrowserCheck, Spec
from bellrock.resources import script_kit
from bellrock.runner.executors.script.environment import browser_agent, script_environment
from bellrock.runner.playwright.browsers import Browsers, chromium_version, find_chromium, provide_browsers
from bellrock.runner.playwright.dependency_store import NODE_PACKAGES, Lease
from bellrock.runner.playwright.folders import RunFolders
from bellrock.runner.playwright.sandbox import Machine, bind_packages, process_limits, start
from bellrock.runner.supervisor import Mount, OutputSink, SuiteProcess
from bellrock.wire.messages import JobSpec

_COMMAND_LINE = Path("node_modules/@playwright/test/cli.js")


@dataclass(frozen=True, slots=True)
class ScriptProcess:
    """Everything the process is started with. ``browsers`` is where it finds its browsers."""

    browsers: Path
    environment: Mapping[str, str] = field(repr=False)
    script: Path
    mounts: tuple[Mount, ...]
    private: tuple[Path, ...]

    async def start(
        self, job: JobSpec, folders: RunFolders, machine: Machine, on_output: OutputSink
    ) -> SuiteProcess:
        """Start it. Raises RunEnded where the sandbox does not start."""
        config = script_kit() / "playwright.config.cjs"
        return await start(
            machine,
            str(job.attempt_id),
            argv=(
                str(machine.node),
                str(folders.suite / _COMMAND_LINE),
                "test",
                f"--config={config}",
                f"--output={folders.output}",
                *_asked_for(job.spec),
            ),
            cwd=folders.suite / "check",
            environment=self.environment,
            writable=folders.work,
            limits=process_limits(job.limits),
            on_output=on_output,
            read_only=self.mounts,
            private=self.private,
            understands_sigint=True,
        )


def _asked_for(spec: Spec) -> tuple[str, ...]:
    return ("--update-snapshots",) if isinstance(spec, BrowserCheck) and spec.update_snapshots else ()


def provide(
    job: JobSpec, folders: RunFolders, script: Path, *, lease: Lease, machine: Machine, cache: Path
) -> ScriptProcess:
    """Put together what a script will see: packages, and a browser where its type has one. Blocking.

    :raises RunEnded: this runner has no Chromium that works.
    """
    mounts, private = bind_packages(folders.suite, lease, machine.isolation)
    browsers = _browsers(job, folders, lease, machine, cache)
    environment = script_environment(
        job,
        folders,
        script,
        search_path=machine.search_path,
        browsers=browsers.folder,
        videos=folders.output / "videos" if browsers.records_videos else None,
    )
    return ScriptProcess(browsers.folder, environment, script, (*mounts, *browsers.mounts), private)


def _browsers(job: JobSpec, folders: RunFolders, lease: Lease, machine: Machine, cache: Path) -> Browsers:
    if not isinstance(job.spec, BrowserCheck):
        return Browsers(folders.work / "no-browsers", (), records_videos=False)
    chromium = find_chromium(machine.options.chromium)
    return provide_browsers(
        (lease.installed(NODE_PACKAGES) / "playwright-core",),
        cache,
        chromium=chromium,
        ffmpeg=machine.options.ffmpeg,
        flags=(f"--user-agent={browser_agent(chromium_version(chromium))}",),
    )
