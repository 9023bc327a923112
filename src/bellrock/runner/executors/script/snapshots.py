"""Pictures beside a script: put there before it runs, and collected where it was to make them anew."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from bellrock.domain.outcomes import Outcome, Verdict
from bellrock.domain.specs import BrowserCheck
from bellrock.runner.executors.script.files import ScriptSpec
from bellrock.runner.playwright.artifacts import Candidate, content_type
from bellrock.runner.playwright.brought_files import inside
from bellrock.runner.playwright.failures import RunEnded, check_failed
from bellrock.runner.playwright.untrusted import lies_in
from bellrock.runner.recorder import Bundles
from bellrock.runner.transfer import TransferFailed
from bellrock.wire.messages import SNAPSHOTS


async def put_snapshots(spec: ScriptSpec, folder: Path, bundles: Bundles) -> None:
    """Write the check's pictures to their places below its folder.

    :raises RunEnded: one could not be fetched, or its path cannot be used.
    """
    for number, snapshot in enumerate(spec.snapshots if isinstance(spec, BrowserCheck) else ()):
        field = f"snapshots[{number}].path"
        target = folder / inside(snapshot.path, field)
        try:
            source = await bundles.fetch(snapshot.key)
        except TransferFailed as error:
            message = f"A snapshot could not be fetched: {error}"
            raise RunEnded(Outcome(Verdict.ERRORED, error.blame, "SNAPSHOT_NOT_FETCHED", message)) from error
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        except OSError as error:
            message = f"{field}: {snapshot.path!r} cannot be written: {error.strerror}."
            raise RunEnded(check_failed("BAD_PATH", message)) from error


def new_snapshots(script: Path, folder: Path) -> Iterator[Candidate]:
    """The pictures of a script, named by their places in the project. Blocking.

    The script could write where they are: only files that lie in the check's folder are taken.
    """
    pictures = script.with_name(f"{script.name}-snapshots")
    if not lies_in(pictures, folder):
        return
    for place, _, names in os.walk(pictures):
        for name in sorted(names):
            file = Path(place) / name
            if file.is_file() and not file.is_symlink():
                said = f"{SNAPSHOTS}{file.relative_to(folder).as_posix()}"
                yield Candidate(file, said, "file", content_type(file))
