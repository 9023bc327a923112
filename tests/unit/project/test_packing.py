import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from bellrock.project import PlaywrightCheck
from bellrock.project.errors import ProjectError
from bellrock.project.packing import PackedSuite, pack_suite
from bellrock.wire.bundles import validate_bundle

LOCK = '{"packages": {"node_modules/@playwright/test": {"version": "1.58.2"}}}'


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    write(folder, "package.json", '{"name": "shop", "private": true}')
    write(folder, "package-lock.json", LOCK)
    write(folder, "playwright.config.ts", "export default {}")
    write(folder, "tests/cart.spec.ts", "// cart")
    return folder


def write(folder: Path, name: str, text: str = "x") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def packed(folder: Path, **fields: object) -> PackedSuite:
    return pack_suite(folder, PlaywrightCheck.model_validate(fields))


def entries(content: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        return {member.name: member for member in archive}


def test_equal_content_gives_an_equal_bundle_wherever_and_whenever_it_lies(
    suite: Path, tmp_path: Path
) -> None:
    first = packed(suite)
    moved = tmp_path / "elsewhere"
    suite.rename(moved)
    for path in moved.rglob("*"):
        os.utime(path, (1, 1))
    second = packed(moved)
    assert first.content == second.content
    write(moved, "tests/cart.spec.ts", "// another cart")
    assert packed(moved).sha256 != first.sha256


def test_a_bundle_is_one_the_server_accepts(suite: Path) -> None:
    write(suite, "run.sh").chmod(0o755)
    (suite / "tests" / "link.ts").symlink_to(suite / "tests" / "cart.spec.ts")
    result = packed(suite)
    facts = validate_bundle(io.BytesIO(result.content))
    assert facts.entries == len(result.files) == 6
    members = entries(result.content)
    assert members["run.sh"].mode == 0o755
    assert members["tests/cart.spec.ts"].mode == 0o644
    assert members["tests/link.ts"].linkname == "cart.spec.ts"
    assert {(member.mtime, member.uid, member.uname) for member in members.values()} == {(0, 0, "")}


def test_what_is_installed_secret_or_left_over_is_never_packed(suite: Path) -> None:
    left_out = (
        "node_modules/a/index.js",
        "tests/node_modules/b.js",
        ".git/config",
        "test-results/x/trace.zip",
        "playwright-report/index.html",
        ".env",
        "tests/.env.local",
        ".bellrock/credentials.json",
    )
    for name in left_out:
        write(suite, name)
    assert packed(suite, include=["**/*.ts"]).files == (
        "package-lock.json",
        "package.json",
        "playwright.config.ts",
        "tests/cart.spec.ts",
    )


def test_gitignore_files_are_obeyed_the_innermost_decides(suite: Path) -> None:
    write(suite, ".gitignore", "*.log\n/build/\ndata/*\n!data/keep.json\n")
    write(suite, "tests/.gitignore", "!wanted.log\nlocal.ts\n")
    for name in ("a.log", "build/x.js", "tests/build/y.ts", "data/a.json", "data/keep.json"):
        write(suite, name)
    for name in ("tests/wanted.log", "tests/local.ts"):
        write(suite, name)
    files = set(packed(suite).files)
    assert {"tests/build/y.ts", "data/keep.json", "tests/wanted.log"} <= files
    assert not {"a.log", "build/x.js", "data/a.json", "tests/local.ts"} & files


def test_the_selection_is_what_git_would_take(suite: Path) -> None:
    write(suite, ".gitignore", "*.log\n!keep.log\ntmp/\n/only-here.txt\ndocs/**/draft.md\n")
    write(suite, "tests/.gitignore", "*.txt\n!sub/\n")
    names = (
        "a.log", "keep.log", "tmp/a.ts", "tests/tmp/b.ts", "only-here.txt", "tests/only-here.txt",
        "docs/draft.md", "docs/a/b/draft.md", "docs/a/final.md", "tests/sub/x.txt", "tests/sub/y.ts",
    )  # fmt: skip
    for name in names:
        write(suite, name)
    run = ["git", "-C", str(suite)]
    subprocess.run([*run, "init", "-q"], check=True)
    listed = subprocess.run(
        [*run, "ls-files", "--others", "--exclude-standard"], check=True, capture_output=True, text=True
    )
    assert list(packed(suite).files) == sorted(listed.stdout.split())


def test_rules_of_the_repository_above_the_suite_count(suite: Path) -> None:
    repository = suite.parent
    (repository / ".git").mkdir()
    write(repository, ".gitignore", "suite/secret.txt\n*.tmp\n")
    write(suite, "secret.txt")
    write(suite, "a.tmp")
    assert not {"secret.txt", "a.tmp"} & set(packed(suite).files)


def test_include_brings_back_what_gitignore_leaves_out(suite: Path) -> None:
    write(suite, ".gitignore", "fixtures/\n")
    write(suite, "fixtures/a.json")
    assert "fixtures/a.json" not in packed(suite).files
    assert "fixtures/a.json" in packed(suite, include=["fixtures/*.json"]).files
    with pytest.raises(ProjectError, match=r"no file of .* matches 'nothing/\*'"):
        packed(suite, include=["nothing/*"])


def test_an_ignored_lock_file_is_packed_all_the_same(suite: Path) -> None:
    write(suite, ".gitignore", "package-lock.json\n")
    assert "package-lock.json" in packed(suite).files


def test_without_a_lock_file_the_package_managers_are_named(suite: Path) -> None:
    (suite / "package-lock.json").unlink()
    with pytest.raises(ProjectError) as raised:
        packed(suite)
    for manager in ("npm install", "pnpm install", "yarn install", "bun install"):
        assert manager in raised.value.message


def test_a_link_out_of_the_suite_is_refused(suite: Path, tmp_path: Path) -> None:
    write(tmp_path, "outside.txt")
    (suite / "link.txt").symlink_to(tmp_path / "outside.txt")
    with pytest.raises(ProjectError, match=r"link\.txt is a link to .* outside"):
        packed(suite)


def test_a_bundle_over_the_limit_names_its_largest_files(suite: Path) -> None:
    (suite / "video.bin").write_bytes(os.urandom(300_000))
    (suite / "photo.bin").write_bytes(os.urandom(100_000))
    with pytest.raises(ProjectError) as raised:
        pack_suite(suite, PlaywrightCheck(), limit_bytes=200_000)
    assert "Largest files: video.bin (0.3 MB), photo.bin (0.1 MB)" in raised.value.message


def test_the_cache_hash_follows_install_inputs_and_nothing_else(suite: Path) -> None:
    first = packed(suite).cache_hash
    write(suite, "tests/cart.spec.ts", "// changed")
    write(suite, "package.json", '{"private": true,\n  "name": "shop"}')
    assert packed(suite).cache_hash == first
    write(suite, "package-lock.json", LOCK.replace("1.58.2", "1.59.0"))
    assert packed(suite).cache_hash != first


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package-lock.json", LOCK),
        ("pnpm-lock.yaml", "packages:\n\n  '@playwright/test@1.58.2':\n    resolution: {}\n"),
        ("yarn.lock", '"@playwright/test@^1.58.0":\n  version "1.58.2"\n'),
        ("yarn.lock", '"@playwright/test@npm:^1.58.0":\n  version: 1.58.2\n'),
    ],
)
def test_the_pinned_playwright_version_is_read(suite: Path, name: str, text: str) -> None:
    (suite / "package-lock.json").unlink()
    write(suite, name, text)
    assert packed(suite).playwright_version == "1.58.2"


def test_a_named_config_that_is_missing_is_an_error(suite: Path) -> None:
    with pytest.raises(ProjectError, match=r"no Playwright config 'other\.ts'"):
        packed(suite, config="other.ts")


def python_suite(folder: Path, **files: str) -> Path:
    write(folder, "tests/test_cart.py", "def test_a(page): pass")
    for name, text in files.items():
        write(folder, name.replace("__", "."), text)
    return folder


@pytest.mark.parametrize(
    ("files", "manager", "version"),
    [
        ({"requirements__txt": "pytest-playwright==1\nplaywright==1.58.0 \\\n  --hash=x"}, "pip", "1.58.0"),
        ({"uv__lock": '[[package]]\nname = "playwright"\nversion = "1.57.0"\n'}, "uv", "1.57.0"),
        ({"pyproject__toml": "[project]", "uv__lock": ""}, "uv", None),
        ({"pyproject__toml": "[project]"}, "pip", None),
    ],
)
def test_a_suite_of_pytest_is_packed_with_what_says_which_packages_it_needs(
    tmp_path: Path, files: dict[str, str], manager: str, version: str | None
) -> None:
    result = packed(python_suite(tmp_path, **files), test_command="pytest")
    assert (result.package_manager, result.playwright_version) == (manager, version)
    assert (result.config, result.cache_hash) == (None, None)
    assert set(result.files) == {"tests/test_cart.py", *(name.replace("__", ".") for name in files)}


def test_what_python_leaves_in_a_folder_is_not_packed(tmp_path: Path) -> None:
    python_suite(tmp_path, requirements__txt="")
    for left in (".venv/bin/python", "tests/__pycache__/test_cart.pyc", ".pytest_cache/README.md"):
        write(tmp_path, left)
    assert packed(tmp_path, test_command="pytest").files == ("requirements.txt", "tests/test_cart.py")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"config": "playwright.config.ts"}, "config: a suite of pytest has no Playwright config"),
        ({"projects": ["a"]}, "projects: a suite of pytest has no Playwright config and no projects"),
        ({}, "holds none of uv.lock, requirements.txt, pyproject.toml"),
    ],
)
def test_what_a_suite_of_pytest_does_not_have_is_said(
    tmp_path: Path, fields: dict[str, object], words: str
) -> None:
    if fields:
        write(tmp_path, "requirements.txt")
    with pytest.raises(ProjectError, match=words):
        packed(tmp_path, test_command="pytest", **fields)


def test_under_a_shell_the_files_tell_which_kind_of_suite_it_is(suite: Path, tmp_path: Path) -> None:
    python = python_suite(tmp_path / "python", requirements__txt="")
    assert packed(python, test_command="cd tests && pytest").package_manager == "pip"
    write(suite, "requirements.txt")
    assert packed(suite, test_command="sh run.sh;").package_manager == "npm"
