"""The cache of package managers and engines."""

import hashlib
import io
import os
import tarfile
import time
from pathlib import Path

import pytest

from bellrock.runner.playwright.failures import RunEnded
from bellrock.runner.playwright.folders import RunFolders
from bellrock.runner.playwright.tools import Tool, ToolKit, keep_archive, prune_tools

NAMES = {"tool": "bin/tool.js"}


def fetched(folder: Path, *names: str) -> tuple[RunFolders, str]:
    """Folders in which npm left an archive of these files; and its digest."""
    folders = RunFolders(folder, private_tmp=True)
    folders.create()
    archive = folders.suite / "tool-1.0.0.tgz"
    with tarfile.open(archive, mode="w:gz") as packed:
        for name in names:
            packed.addfile(tarfile.TarInfo(f"package/{name}"), io.BytesIO())
    return folders, hashlib.sha512(archive.read_bytes()).hexdigest()


def test_a_fetched_tool_is_found_by_the_names_of_its_programs(tmp_path: Path) -> None:
    folders, digest = fetched(tmp_path / "scratch", "bin/tool.js")
    keep_archive(Tool("tool", "1.0.0", NAMES, f"sha512.{digest}"), folders, tmp_path / "tool")
    kit = ToolKit((tmp_path / "tool",))
    program = kit.find("tool")
    assert program is not None
    assert os.access(program, os.X_OK)
    assert kit.search_path("/usr/bin") == f"{tmp_path}/tool/bin:/usr/bin"
    assert kit.find("other") is None


def test_an_archive_of_another_digest_is_the_checks_fault(tmp_path: Path) -> None:
    folders, _ = fetched(tmp_path / "scratch", "bin/tool.js")
    with pytest.raises(RunEnded, match="another sha512 digest") as ended:
        keep_archive(Tool("tool", "1.0.0", NAMES, "sha512.abc"), folders, tmp_path / "tool")
    assert ended.value.outcome.blame == "check"
    assert not (tmp_path / "tool").exists()


def test_a_package_without_the_program_is_not_kept(tmp_path: Path) -> None:
    folders, _ = fetched(tmp_path / "scratch", "other.js")
    with pytest.raises(RunEnded, match=r"has no bin/tool\.js"):
        keep_archive(Tool("tool", "1.0.0", NAMES), folders, tmp_path / "tool")
    assert not (tmp_path / "tool").exists()


def test_tools_that_nobody_uses_are_removed(tmp_path: Path) -> None:
    used, idle, half_made = (tmp_path / "tools" / name for name in ("used", "idle", ".making-1"))
    for folder in (used, idle, half_made):
        folder.mkdir(parents=True)
    a_while_ago = time.time() - 40 * 86_400
    for folder in (idle, half_made):
        os.utime(folder, (a_while_ago, a_while_ago))
    assert prune_tools(tmp_path).entries == 2
    assert list((tmp_path / "tools").iterdir()) == [used]
