"""Setup and teardown scripts: JavaScript in a Node process of its own, contained as suites are."""

import asyncio
import json
import os
import stat
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from bellrock.resources import script_runner
from bellrock.runner.executors.http.script_files import FILES, Script
from bellrock.runner.node import find_node, node_mounts
from bellrock.runner.playwright.dependency_store import Lease
from bellrock.runner.playwright.failures import RunEnded
from bellrock.runner.playwright.sandbox import bind_packages
from bellrock.runner.playwright.toolkit import Toolkit
from bellrock.runner.probing import storable
from bellrock.runner.recorder import RunContext
from bellrock.runner.supervisor import (
    Exit,
    ExitCause,
    LadderTimes,
    Mount,
    OutputLine,
    ProcessLimits,
    ProcessSpec,
    SupervisorError,
    launch,
)

SCRIPT_S = 10.0
MOST_DATA_BYTES = 256 * 1024
"""What goes into a script, and what may come out of it, as JSON."""
_SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"
_LEAST_S = 0.5
_LIMITS = ProcessLimits(
    memory_bytes=512 * 1024**2, processes=64, disk_bytes=64 * 1024**2, output_bytes=1024**2
)
_OUTPUT_FILE = "output.json"


@dataclass(frozen=True, slots=True)
class Voice:
    """Where a script's lines go, and what Bellrock itself says about it."""

    say: Callable[[str], None]
    show: Callable[[OutputLine], None]


class ScriptFailed(Exception):
    """The script did not do its part: the check's fault. The message is a sentence without its subject."""


class ScriptsUnavailable(Exception):
    """This runner cannot run scripts. ``code`` is a stable word."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class ScriptData:
    """What a script works on: `request` and `response` as JSON has them, and its variables."""

    request: Mapping[str, Any]
    variables: Mapping[str, str] = field(repr=False)
    response: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ScriptRunner:
    """Runs scripts with this machine's Node. ``node`` and ``search_path`` as for suites.

    ``toolkit`` has the compiler for scripts that need one.
    """

    node: Path | None = None
    toolkit: Toolkit | None = None
    search_path: str = _SEARCH_PATH
    ladder: LadderTimes = field(default_factory=LadderTimes)

    async def run(
        self,
        script: Script,
        name: str,
        *,
        data: ScriptData,
        context: RunContext,
        deadline: float,
        voice: Voice,
    ) -> ScriptData:
        """Run one script and return what it made of ``data``. ``name`` is unique in the run.

        ``deadline`` as of `time.monotonic`. Raises ScriptFailed or ScriptsUnavailable. No process is left,
        also where this is cancelled.
        """
        folder = context.folder / name
        await asyncio.to_thread(_write_input, folder, script, name=name, data=data)
        spec = self._spec(folder, context, voice)
        if not script.is_compiled:
            return await self._carry_out(spec, context, data, deadline)
        lease = await self._compiler(context, deadline, voice)
        try:
            mounts, private = await asyncio.to_thread(bind_packages, folder, lease, context.isolation)
            spec = replace(spec, read_only=(*spec.read_only, *mounts), private=private)
            return await self._carry_out(spec, context, data, deadline)
        finally:
            lease.release()

    async def _compiler(self, context: RunContext, deadline: float, voice: Voice) -> Lease:
        if self.toolkit is None:
            raise ScriptsUnavailable("NO_TOOLKIT", "This runner has nothing to compile scripts with.")
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await self.toolkit.lease(context.job.attempt_id, context.job.limits, voice.say)
        except RunEnded as ended:
            outcome = ended.outcome
            raise ScriptsUnavailable(outcome.code or "NO_TOOLKIT", outcome.message or "") from ended
        except TimeoutError as error:
            message = "What compiles scripts was not installed on this runner within the run's time."
            raise ScriptsUnavailable("TOOLKIT_NOT_INSTALLED", message) from error

    async def _carry_out(
        self, spec: ProcessSpec, context: RunContext, data: ScriptData, deadline: float
    ) -> ScriptData:
        timeout_s = min(SCRIPT_S, deadline - time.monotonic())
        if timeout_s < _LEAST_S:
            raise ScriptFailed("was not started: the run's time was over.")
        spec = replace(spec, limits=replace(spec.limits, timeout_s=timeout_s))
        try:
            process = await launch(spec, context.isolation)
        except SupervisorError as error:
            raise ScriptsUnavailable("SANDBOX_FAILED", f"The sandbox did not start: {error}") from error
        try:
            ended = await process.wait()
        except asyncio.CancelledError:
            await asyncio.shield(process.cancel(graceful=False))
            raise
        return _outcome(ended, await asyncio.to_thread(_read_output, spec.cwd), data)

    def _spec(self, folder: Path, context: RunContext, voice: Voice) -> ProcessSpec:
        node = find_node(self.node, self.search_path)
        if node is None:
            raise ScriptsUnavailable("NO_NODE", "This runner has no Node.js: install Node 20 or later.")

        async def on_output(lines: Sequence[OutputLine]) -> None:
            for line in lines:
                voice.show(line)

        runner = script_runner()
        return ProcessSpec(
            name=f"{context.job.attempt_id}-{folder.name}",
            argv=(str(node), str(runner), str(folder)),
            cwd=folder,
            environment={
                "PATH": f"{node.parent}:{self.search_path}",
                "HOME": str(folder),
                "TMPDIR": "/tmp" if context.isolation.private_tmp else str(folder),  # noqa: S108 - the run's own /tmp
                "LANG": "C.UTF-8",
                "TZ": "UTC",
            },
            writable=(folder,),
            read_only=(Mount(runner.parent), *node_mounts(node)),
            limits=_LIMITS,
            ladder=self.ladder,
            on_output=on_output,
            main_understands_sigint=False,
        )


def _write_input(folder: Path, script: Script, *, name: str, data: ScriptData) -> None:
    given = {"request": data.request, "response": data.response}
    size = len(json.dumps(given, ensure_ascii=False).encode())
    if size > MOST_DATA_BYTES:
        raise ScriptFailed(f"was not started: its data has {size} bytes, and {MOST_DATA_BYTES} are allowed.")
    # Variables go this way too: as environment, NODE_OPTIONS and the like would be meant for us.
    content = {
        **given,
        "code": script.code,
        "file": f"{FILES}/{script.path or f'{name}.ts'}"
        if script.path or script.is_compiled
        else f"{name}.js",
        "isCompiled": script.is_compiled,
        "environment": dict(data.variables),
    }
    folder.mkdir()
    (folder / "input.json").write_text(json.dumps(content))
    try:
        script.write_dependencies(folder)
    except RunEnded as ended:
        raise ScriptFailed(f"was not started: {ended.outcome.message}") from ended


def _read_output(folder: Path) -> bytes | None:
    """What the script left. It may have put anything there: a link, a pipe, a file without end."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        number = os.open(folder / _OUTPUT_FILE, flags)
    except OSError:
        return None
    with os.fdopen(number, "rb") as file:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            return None
        return file.read(MOST_DATA_BYTES + 1)


_TOO_MUCH = {
    ExitCause.OUT_OF_MEMORY: "needed too much memory.",
    ExitCause.TOO_MANY_PROCESSES: "started too many processes.",
    ExitCause.DISK_FULL: "wrote too much to its folder.",
    ExitCause.OUTPUT_LIMIT: "printed too much.",
}


def _outcome(ended: Exit, output: bytes | None, data: ScriptData) -> ScriptData:
    if ended.cause is ExitCause.TIMED_OUT:
        raise ScriptFailed(
            f"took longer than {SCRIPT_S:g} s, or the rest of the run's time, and was stopped."
        )
    if ended.cause is not ExitCause.FINISHED:
        raise ScriptFailed(_TOO_MUCH.get(ended.cause, "was stopped."))
    if output is None:
        raise ScriptFailed(f"ended with exit code {ended.code} and left nothing.")
    if len(output) > MOST_DATA_BYTES:
        raise ScriptFailed(f"left more than {MOST_DATA_BYTES} bytes of data.")
    try:
        left = cast("dict[str, Any]", storable(json.loads(output)))
        error = left.get("error")
        if error is not None:
            raise ScriptFailed(f"failed: {error}")
        changed = {str(name): str(value) for name, value in left["environment"].items()}
        removed = frozenset(left["removed"])
        request, response = left.get("request"), left.get("response")
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError) as problem:
        raise ScriptFailed("left something else than its data.") from problem
    kept = {name: value for name, value in data.variables.items() if name not in removed}
    return ScriptData(_object(request, "request"), {**kept, **changed}, response)


def _object(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ScriptFailed(f"must leave an object in {name}.")
    return value
