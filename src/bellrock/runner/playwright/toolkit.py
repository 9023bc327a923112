"""Playwright, and its compiler, for scripts: installed once per runner, and used offline from then on.

It is the runner's own, of one version. No code of a check takes part in the install, and none of its
variables: so all accounts can share it.
"""

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from bellrock.domain.outcomes import Outcome
from bellrock.resources import script_kit
from bellrock.runner.playwright.browsers import machine as kind_of_machine
from bellrock.runner.playwright.dependency_store import NODE_PACKAGES, Lease
from bellrock.runner.playwright.failures import RunEnded, runner_failed
from bellrock.runner.playwright.install import Installer, InstallRequest
from bellrock.runner.playwright.sandbox import Machine
from bellrock.runner.supervisor import OutputLine
from bellrock.wire.messages import Limits

_FILES = ("package.json", "package-lock.json")
_INSTALL = ("npm", "ci", "--ignore-scripts", "--prefer-offline")


@dataclass(frozen=True, slots=True)
class Toolkit:
    """The packages every script finds. ``installer`` may be shared with whoever uses the same store."""

    installer: Installer
    machine: Machine

    async def lease(self, attempt_id: UUID, limits: Limits, say: Callable[[str], None]) -> Lease:
        """The installed packages, for as long as the lease is held.

        :raises RunEnded: they are not there and cannot be installed (TOOLKIT_NOT_INSTALLED, blame runner).
        """
        key = await asyncio.to_thread(_key)
        lease = await self.installer.find(key)
        if lease is not None:
            return lease
        say("Installing Playwright for scripts: once on this runner.")
        if not self.machine.has("npm"):
            raise RunEnded(_not_installed("this runner has no npm; it comes with Node.js."))
        request = InstallRequest(
            attempt_id=attempt_id,
            fill=_fill,
            argv=_INSTALL,
            place=Path(),
            variables=(),
            limits=limits,
            search_path=self.machine.search_path,
            makes=NODE_PACKAGES,
        )
        await self._install(key, request, say)
        lease = await self.installer.find(key)
        if lease is None:
            raise RunEnded(_not_installed("it is gone again from this runner's cache."))
        return lease

    async def _install(self, key: str, request: InstallRequest, say: Callable[[str], None]) -> None:
        async def print_lines(lines: Sequence[OutputLine]) -> None:
            for line in lines:
                say(line.text)

        shared, _ = self.installer.join(key, request, print_lines)
        try:
            await shared.ended()
        except RunEnded as ended:
            raise RunEnded(_not_installed(ended.outcome.message or "no reason was given.")) from ended
        finally:
            # Also where this task is cancelled: nobody may be left then.
            await asyncio.shield(self.installer.leave(shared, print_lines))


def _fill(folder: Path) -> None:
    for name in _FILES:
        shutil.copyfile(script_kit() / "toolkit" / name, folder / name)


def _key() -> str:
    digest = hashlib.sha256(kind_of_machine().encode())
    for name in _FILES:
        digest.update((script_kit() / "toolkit" / name).read_bytes())
    return f"script-toolkit-{digest.hexdigest()[:24]}"


def _not_installed(reason: str) -> Outcome:
    message = f"Playwright for scripts could not be installed on this runner: {reason}"
    return runner_failed("TOOLKIT_NOT_INSTALLED", message)
