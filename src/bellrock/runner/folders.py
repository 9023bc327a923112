"""How a run's folder goes away, whatever the suite did to it."""

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that lies in it. Blocking; what cannot be removed is logged."""
    if not folder.exists():
        return
    # A suite may take away its own folders' permissions, which stops anybody but root.
    for parent, folders, _ in os.walk(folder):
        for name in (".", *folders):
            path = Path(parent, name)
            with suppress(OSError):
                if not path.is_symlink():
                    path.chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        log.error("run.folder_left", folder=str(folder))
