"""Decides which files of a suite go into its bundle: .gitignore's rules, and what never goes."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pathspec import GitIgnoreSpec

from bellrock.project.errors import ProjectError
from bellrock.project.python_suites import MANIFESTS
from bellrock.project.suites import LOCK_FILES

_NEVER_FOLDERS = frozenset(
    {"node_modules", ".git", "test-results", "playwright-report", "blob-report", ".bellrock"}
    | {".venv", "__pycache__", ".pytest_cache"}
)
_ALWAYS_FILES = frozenset({"package.json", *LOCK_FILES, *MANIFESTS})


def select_files(root: Path, *, include: Sequence[str] = ()) -> list[str]:
    """Paths of the files to pack, sorted, relative to root, with forward slashes. Links count as files.

    Args:
        root: the suite's folder.
        include: patterns of files that go in although .gitignore leaves them out.

    Raises:
        ProjectError: a pattern of `include` matches nothing, or a link leads out of the suite.
    """
    chosen = set(_walk(root, "", _rules_above(root)))
    for pattern in include:
        chosen.update(_matching(root, pattern))
    for name in chosen:
        _refuse_escape(root, name)
    return sorted(chosen)


Rules = tuple[tuple[Path, GitIgnoreSpec], ...]


def _never(name: str, *, is_folder: bool) -> bool:
    if is_folder:
        return name in _NEVER_FOLDERS
    return name == ".env" or name.startswith(".env.")


def _walk(root: Path, prefix: str, rules: Rules) -> Iterator[str]:
    folder = root / prefix
    rules = (*rules, *_rules_of(folder))
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        is_folder = entry.is_dir(follow_symlinks=False)
        if _never(entry.name, is_folder=is_folder or entry.is_dir()):
            continue
        path = f"{prefix}{entry.name}"
        always = not prefix and entry.name in _ALWAYS_FILES
        if not always and _ignored(rules, Path(entry.path), is_folder=is_folder):
            continue
        if is_folder:
            yield from _walk(root, f"{path}/", rules)
        elif entry.is_file() or entry.is_symlink():
            yield path


def _rules_of(folder: Path) -> Rules:
    file = folder / ".gitignore"
    if not file.is_file():
        return ()
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return ((folder, GitIgnoreSpec.from_lines(lines)),)


def _rules_above(root: Path) -> Rules:
    """The .gitignore files between the repository's top and the suite's root, the top's first."""
    root = root.resolve()
    if (root / ".git").exists():
        return ()
    above: list[Path] = []
    for parent in root.parents:
        above.append(parent)
        if (parent / ".git").exists():
            return tuple(rule for folder in reversed(above) for rule in _rules_of(folder))
    return ()


def _ignored(rules: Rules, path: Path, *, is_folder: bool) -> bool:
    # As in git, the innermost .gitignore that says anything about a path decides.
    path = path.parent.resolve() / path.name
    for folder, spec in reversed(rules):
        relative = path.relative_to(folder.resolve()).as_posix()
        verdict = spec.check_file(relative + "/" if is_folder else relative).include
        if verdict is not None:
            return verdict
    return False


def _matching(root: Path, pattern: str) -> list[str]:
    found = [path.relative_to(root) for path in root.glob(pattern) if not path.is_dir()]
    if not found:
        raise ProjectError(f"include: no file of {root} matches {pattern!r}.")
    return [
        path.as_posix()
        for path in found
        if not any(_never(part, is_folder=True) for part in path.parts[:-1])
        and not _never(path.name, is_folder=False)
    ]


def _refuse_escape(root: Path, name: str) -> None:
    path = root / name
    if path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
        message = f"{name} is a link to {path.readlink()}, outside the suite: put a copy into {root}."
        raise ProjectError(message)
