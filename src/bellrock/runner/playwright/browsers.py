"""How any suite gets this machine's Chromium without a file of the suite being touched.

Playwright looks for browsers below PLAYWRIGHT_BROWSERS_PATH, in folders named after the revision it
was built for. So a folder is generated that has this machine's Chromium under every such name; the
names and inner paths changed over versions, and all of them are written.
"""

import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bellrock.runner.janitor import Pruned, size_of
from bellrock.runner.playwright.failures import RunEnded, runner_failed
from bellrock.runner.supervisor import Mount

CHROME_CHANNEL = Path("/opt/google/chrome")
"""Where Playwright looks for `channel: 'chrome'`, and nowhere else."""

_USUAL_CHROMIUM = (
    Path("/usr/lib/chromium/chromium"),
    Path("/usr/lib64/chromium-browser/chromium-browser"),
    Path("/opt/google/chrome/chrome"),
)
_DOWNLOADED = (
    "chromium-*/chrome-linux*/chrome",
    "chromium_headless_shell-*/chrome-*/*headless*shell",
)
_INNER_PATHS = {
    "chromium": ("chrome-linux64/chrome", "chrome-linux/chrome", "chrome-linux-arm64/chrome"),
    "chromium-headless-shell": (
        "chrome-headless-shell-linux64/chrome-headless-shell",
        "chrome-linux/headless_shell",
        "chrome-headless-shell-linux-arm64/chrome-headless-shell",
    ),
    "ffmpeg": ("ffmpeg-linux", "ffmpeg-linux-arm64"),
}
_VALIDATED = "DEPENDENCIES_VALIDATED"
_MAKING = ".making-"
_VERSION = re.compile(r"\b(\d+)(?:\.\d+){3}\b")
_VERSION_S = 10.0
_IDLE_DAYS = 30
_HALF_MADE_DAYS = 1
_MARKERS = ("INSTALLATION_COMPLETE", _VALIDATED)

# The sandbox is ours (and Chromium's own needs rights the run's user lacks); nothing is to be
# fetched or reported by the browser itself, only by the pages under test.
_FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-pings",
    "--no-first-run",
    "--no-default-browser-check",
)


@dataclass(frozen=True, slots=True)
class Browsers:
    """A generated folder for PLAYWRIGHT_BROWSERS_PATH, and what a sandbox must let the suite see."""

    folder: Path
    mounts: tuple[Mount, ...]
    records_videos: bool


def find_chromium(chosen: Path | None) -> Path:
    """The Chromium to use: the chosen one, the distribution's, or one that Playwright downloaded.

    :raises RunEnded: there is none (NO_BROWSER, blame runner).
    """
    if chosen is not None:
        if os.access(chosen, os.X_OK):
            return chosen
        message = f"The configured Chromium {chosen} does not exist or cannot be executed."
        raise RunEnded(runner_failed("NO_BROWSER", message))
    for candidate in (*_USUAL_CHROMIUM, *_downloaded()):
        if os.access(candidate, os.X_OK):
            return candidate
    message = (
        "This runner has no Chromium: install the package chromium, or run `playwright install chromium`."
    )
    raise RunEnded(runner_failed("NO_BROWSER", message))


def chromium_version(chromium: Path) -> int:
    """The major version of a Chromium. Blocking; asked once per program, again when it was updated.

    :raises RunEnded: it does not say (BROWSER_FAILED, blame runner).
    """
    return _version_of(chromium, chromium.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _version_of(chromium: Path, _changed_at_ns: int) -> int:
    try:
        asked = subprocess.run(
            [chromium, "--version"], capture_output=True, text=True, timeout=_VERSION_S, check=False
        )
        found = _VERSION.search(asked.stdout)
    except (OSError, subprocess.TimeoutExpired):
        found = None
    if found is None:
        raise RunEnded(runner_failed("BROWSER_FAILED", f"{chromium} does not say which version it is."))
    return int(found[1])


def provide_browsers(
    cores: Iterable[Path],
    cache: Path,
    *,
    chromium: Path,
    ffmpeg: Path | None,
    flags: tuple[str, ...] = (),
) -> Browsers:
    """The browsers folder for a suite, made once per set of revisions and kept in ``cache``. Blocking.

    :param cores: the suite's own playwright-core packages.
    :param flags: what Chromium is started with besides; the suite's own flags come later, and win.
    """
    flags = (*_FLAGS, *flags)
    revisions = tuple(sorted({wanted for core in cores for wanted in _revisions(core)}))
    ffmpeg = ffmpeg or _find_ffmpeg()
    digest = hashlib.sha256(repr((revisions, str(chromium), str(ffmpeg), flags)).encode()).hexdigest()[:16]
    folder = cache / "browsers" / digest
    if not folder.is_dir():
        _generate(folder, revisions, shim=_shim(chromium, flags), ffmpeg=ffmpeg)
    for marker in folder.glob(f"*/{_VALIDATED}"):
        marker.touch()  # Playwright looks again after 30 days, at a machine that it does not know
    return Browsers(folder, tuple(_mounts(folder, chromium)), ffmpeg is not None)


def prune_browsers(cache: Path) -> Pruned:
    """Remove browsers folders that no run used for 30 days, and what a crash left half made. Blocking."""
    now = time.time()
    pruned = Pruned()
    for folder in (cache / "browsers").glob("*"):
        used_at = max(one.stat().st_mtime for one in (folder, *folder.glob(f"*/{_VALIDATED}")))
        most_idle_days = _HALF_MADE_DAYS if folder.name.startswith(_MAKING) else _IDLE_DAYS
        if used_at < now - most_idle_days * 86_400:
            pruned += Pruned(1, size_of(folder))
            shutil.rmtree(folder)
    return pruned


def _downloaded() -> Iterator[Path]:
    for place in (Path.home() / ".cache" / "ms-playwright",):
        for pattern in _DOWNLOADED:
            yield from sorted(place.glob(pattern), reverse=True)


def _find_ffmpeg() -> Path | None:
    system = shutil.which("ffmpeg")
    if system:
        return Path(system)
    downloaded = (Path.home() / ".cache" / "ms-playwright").glob("ffmpeg-*/ffmpeg-linux*")
    return max(downloaded, default=None)


def _revisions(core: Path) -> list[tuple[str, str]]:
    try:
        listed = json.loads((core / "browsers.json").read_bytes())["browsers"]
        revisions = {str(one["name"]): str(one["revision"]) for one in listed}
        # 1.49 to 1.5x start a headless shell that they do not list: same revision.
        revisions.setdefault("chromium-headless-shell", revisions["chromium"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"The suite's playwright-core does not say which browsers it wants: {error!r}."
        raise RunEnded(runner_failed("NO_BROWSER", message)) from error
    return [(name, revision) for name, revision in revisions.items() if name in _INNER_PATHS]


def _generate(folder: Path, revisions: Iterable[tuple[str, str]], *, shim: str, ffmpeg: Path | None) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=_MAKING, dir=folder.parent))
    scratch.chmod(0o755)
    for name, revision in revisions:
        browser = scratch / f"{name.replace('-', '_')}-{revision}"
        for inner in _INNER_PATHS[name]:
            program = browser / inner
            program.parent.mkdir(parents=True, exist_ok=True)
            if name != "ffmpeg":
                _write_program(program, shim)
            elif ffmpeg is not None:
                program.symlink_to(ffmpeg)
        for marker in _MARKERS:
            (browser / marker).touch()
    (scratch / "channel").mkdir()
    _write_program(scratch / "channel" / "chrome", shim)
    try:
        scratch.rename(folder)
    except OSError:  # another run was faster: its folder is the same
        shutil.rmtree(scratch)


def _shim(chromium: Path, flags: Iterable[str]) -> str:
    # `exec`, so that the browser has the process id Playwright signals, and its descriptors 3 and 4.
    # A suite that asks for a window gets a headless browser: there is no screen.
    words = shlex.join(flags)
    return (
        "#!/bin/sh\n"
        'case " $* " in\n'
        f'  *" --headless"*) exec {shlex.quote(str(chromium))} {words} "$@" ;;\n'
        f'  *) exec {shlex.quote(str(chromium))} --headless {words} "$@" ;;\n'
        "esac\n"
    )


def _write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _mounts(folder: Path, chromium: Path) -> Iterator[Mount]:
    yield Mount(folder)
    if chromium.parent != CHROME_CHANNEL:
        yield Mount(folder / "channel", CHROME_CHANNEL)
    if not chromium.is_relative_to("/usr"):
        yield Mount(chromium.parent)


def machine() -> str:
    """What a cache of installed packages depends on besides the lock file."""
    return f"{platform.system()}-{platform.machine()}"
