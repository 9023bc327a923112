"""Where the code comes from, as far as git can say it. A folder outside git is no error."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

_DEADLINE_S = 5.0


def repo_info(folder: Path) -> dict[str, str] | None:
    """Commit, author, message, branch and remote of the folder's repository, or None outside one."""
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return None
    known: Mapping[str, str | None] = {
        "commitId": commit,
        "commitOwner": _git(folder, "log", "-1", "--format=%an"),
        "commitMessage": _git(folder, "log", "-1", "--format=%s"),
        "branchName": _git(folder, "rev-parse", "--abbrev-ref", "HEAD"),
        "repoUrl": _without_credentials(_git(folder, "remote", "get-url", "origin")),
    }
    return {key: value for key, value in known.items() if value}


def _without_credentials(url: str | None) -> str | None:
    if url is None or "://" not in url:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_DEADLINE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
