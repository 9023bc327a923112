"""Where everything of one run lies, below the run's own folder."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RunFolders:
    """``work`` is what the suite may write to; what lies beside it is the runner's alone."""

    root: Path
    private_tmp: bool

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def suite(self) -> Path:
        return self.work / "suite"

    @property
    def home(self) -> Path:
        return self.work / "home"

    @property
    def temporary(self) -> Path:
        """Short where possible: Chromium puts sockets there, whose paths have 107 bytes at most."""
        return Path("/tmp") if self.private_tmp else self.work / "t"  # noqa: S108 - the run's own /tmp

    @property
    def transform_cache(self) -> Path:
        return self.work / "transform-cache"

    @property
    def output(self) -> Path:
        """Playwright's output folder: traces, videos, screenshots."""
        return self.work / "test-results"

    @property
    def events(self) -> Path:
        return self.work / "reporter" / "events.jsonl"

    @property
    def blob(self) -> Path:
        return self.work / "reporter" / "blob.jsonl"

    @property
    def reports(self) -> Path:
        return self.work / "reporter" / "reports"

    @property
    def rebuilt(self) -> Path:
        """Where a killed run's reports are rebuilt: the suite's processes are gone by then."""
        return self.work / "rebuilt"

    @property
    def log(self) -> Path:
        return self.root / "logs.txt"

    @property
    def rescued(self) -> Path:
        """Raw traces that were linked here before their worker was killed."""
        return self.root / "rescued"

    @property
    def kept(self) -> Path:
        """Evidence ready to be uploaded."""
        return self.root / "kept"

    def create(self) -> None:
        """Make the folders a suite finds at its start."""
        for folder in (self.suite, self.home, self.output, self.transform_cache, self.reports, self.kept):
            folder.mkdir(parents=True, exist_ok=True)
        if not self.private_tmp:
            self.temporary.mkdir(exist_ok=True)
