"""Setup and teardown scripts: JavaScript in a Node process of its own, contained as suites are."""

import asyncio
import json
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from bellrock.resources import script_runner
from bellrock.runner.node import find_node, node_mounts
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

Show = Callable[[OutputLine], None]


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
    """Runs scripts with this machine's Node. ``node`` and ``search_path`` as for suites."""

    node: Path | None = None
    search_path: str = _SEARCH_PATH
    ladder: LadderTimes = field(default_factory=LadderTimes)

    async def run(
        self, code: str, name: str, *, data: ScriptData, context: RunContext, left_s: float, show: Show
    ) -> ScriptData:
        """Run one script and return what it made of ``data``. ``name`` is unique in the run.

        Raises ScriptFailed or ScriptsUnavailable. No process is left, also where this is cancelled.
        """
        timeout_s = min(SCRIPT_S, left_s)
        if timeout_s < _LEAST_S:
            raise ScriptFailed("was not started: the run's time was over.")
        folder = context.folder / name
        private_tmp = context.isolation.private_tmp
        await asyncio.to_thread(_write_input, folder, code, name=name, data=data)
        spec = self._spec(folder, context, private_tmp=private_tmp, timeout_s=timeout_s, show=show)
        try:
            process = await launch(spec, context.isolation)
        except SupervisorError as error:
            raise ScriptsUnavailable("SANDBOX_FAILED", f"The sandbox did not start: {error}") from error
        try:
            ended = await process.wait()
        except asyncio.CancelledError:
            await asyncio.shield(process.cancel(graceful=False))
            raise
        return _outcome(ended, await asyncio.to_thread(_read_output, folder), data)

    def _spec(
        self, folder: Path, context: RunContext, *, private_tmp: bool, timeout_s: float, show: Show
    ) -> ProcessSpec:
        node = find_node(self.node, self.search_path)
        if node is None:
            raise ScriptsUnavailable("NO_NODE", "This runner has no Node.js: install Node 20 or later.")

        async def on_output(lines: Sequence[OutputLine]) -> None:
            for line in lines:
                show(line)

        runner = script_runner()
        return ProcessSpec(
            name=f"{context.job.attempt_id}-{folder.name}",
            argv=(str(node), str(runner), str(folder)),
            cwd=folder,
            environment={
                "PATH": f"{node.parent}:{self.search_path}",
                "HOME": str(folder),
                "TMPDIR": "/tmp" if private_tmp else str(folder),  # noqa: S108 - the run's own /tmp
                "LANG": "C.UTF-8",
                "TZ": "UTC",
            },
            writable=(folder,),
            read_only=(Mount(runner.parent), *node_mounts(node)),
            limits=_limits(timeout_s),
            ladder=self.ladder,
            on_output=on_output,
            main_understands_sigint=False,
        )


def _limits(timeout_s: float) -> ProcessLimits:
    return ProcessLimits(
        memory_bytes=_LIMITS.memory_bytes,
        processes=_LIMITS.processes,
        disk_bytes=_LIMITS.disk_bytes,
        output_bytes=_LIMITS.output_bytes,
        timeout_s=timeout_s,
    )


def _write_input(folder: Path, code: str, *, name: str, data: ScriptData) -> None:
    given = {"request": data.request, "response": data.response}
    size = len(json.dumps(given, ensure_ascii=False).encode())
    if size > MOST_DATA_BYTES:
        raise ScriptFailed(f"was not started: its data has {size} bytes, and {MOST_DATA_BYTES} are allowed.")
    # Variables go this way too: as environment, NODE_OPTIONS and the like would be meant for us.
    content = {**given, "code": code, "name": name, "environment": dict(data.variables)}
    folder.mkdir()
    (folder / "input.json").write_text(json.dumps(content))


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
