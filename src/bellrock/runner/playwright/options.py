"""What an operator may decide about Playwright runs. Bootstrap fills it from the settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bellrock.runner.supervisor import LadderTimes

_DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class PlaywrightOptions:
    """Programs to use (None: the ones found on this machine), and how long things may take.

    ``cancel_report_s``: a cancelled run is reported within this time of the runner's learning of it,
    with or without its evidence. ``evidence_s``: what collecting and rebuilding evidence may take
    at all. ``install_environment``: what installs need here, such as a proxy.
    """

    chromium: Path | None = None
    ffmpeg: Path | None = None
    node: Path | None = None
    ladder: LadderTimes = field(default_factory=LadderTimes)
    cancel_report_s: float = 4.5
    evidence_s: float = 90
    dependency_cache_bytes: int = 5 * 1024**3
    install_environment: Mapping[str, str] = field(default_factory=dict)
    search_path: str = _DEFAULT_PATH
