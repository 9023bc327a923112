"""Which package manager and which engine a suite is given."""

import json
from pathlib import Path

import pytest

from bellrock.domain.specs import PlaywrightSuite
from bellrock.runner.executors.playwright.node_suites.needed_tools import engine_tool, tools_of
from bellrock.runner.executors.playwright.node_suites.suite import LOCK_FILES, NodeFiles

NODE = "v20.20.2"


def suite(folder: Path, lock_file: str, head: str, declared: str | None = None) -> NodeFiles:
    (folder / lock_file).write_text(head)
    (folder / "package.json").write_text(json.dumps({"packageManager": declared} if declared else {}))
    return NodeFiles(folder, folder, folder / lock_file, LOCK_FILES[lock_file])


def specs(files: NodeFiles, *, has_program: bool = False, **engine: str) -> list[str]:
    spec = PlaywrightSuite(bundle_key="k", **engine)  # type: ignore[arg-type]
    return [tool.spec for tool in tools_of(files, spec, node_version=NODE, has_program=has_program)]


@pytest.mark.parametrize(
    ("lock_file", "head", "expected"),
    [
        ("package-lock.json", "{}", []),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n", ["pnpm@10"]),
        ("pnpm-lock.yaml", "lockfileVersion: '6.0'\n", ["pnpm@8"]),
        ("pnpm-lock.yaml", "lockfileVersion: 5.4\n", ["pnpm@7"]),
        ("pnpm-lock.yaml", "lockfileVersion: '12.0'\n", ["pnpm@10"]),
        ("yarn.lock", "# yarn lockfile v1\n", ["yarn@1.22.22"]),
        ("yarn.lock", "__metadata:\n  version: 6\n", ["@yarnpkg/cli-dist@3"]),
        ("yarn.lock", "__metadata:\n  version: 10\n", ["@yarnpkg/cli-dist@4"]),
    ],
)
def test_without_a_declaration_the_lock_file_says_which_manager(
    tmp_path: Path, lock_file: str, head: str, expected: list[str]
) -> None:
    assert specs(suite(tmp_path, lock_file, head)) == expected


def test_the_declared_version_wins_over_the_machines_own_program(tmp_path: Path) -> None:
    files = suite(tmp_path, "pnpm-lock.yaml", "lockfileVersion: '9.0'\n", "pnpm@9.15.4")
    assert specs(files, has_program=True) == ["pnpm@9.15.4"]


def test_a_machine_with_the_program_is_asked_for_no_other_where_none_is_declared(tmp_path: Path) -> None:
    files = suite(tmp_path, "pnpm-lock.yaml", "lockfileVersion: '9.0'\n")
    assert specs(files, has_program=True) == []


@pytest.mark.parametrize("declared", ["npm@10.0.0", "pnpm@^9", "pnpm@9.1.0; rm -rf /", "pnpm@--registry"])
def test_a_declaration_that_names_no_version_of_the_manager_is_none(tmp_path: Path, declared: str) -> None:
    files = suite(tmp_path, "pnpm-lock.yaml", "lockfileVersion: '9.0'\n", declared)
    assert specs(files) == ["pnpm@10"]


def test_a_declared_digest_is_part_of_the_tool(tmp_path: Path) -> None:
    head = "lockfileVersion: '9.0'\n"
    plain = suite(tmp_path, "pnpm-lock.yaml", head, "pnpm@9.1.0")
    (of_plain,) = tools_of(plain, PlaywrightSuite(bundle_key="k"), node_version=NODE, has_program=False)
    checked = suite(tmp_path, "pnpm-lock.yaml", head, "pnpm@9.1.0+sha512.abcdef")
    (tool,) = tools_of(checked, PlaywrightSuite(bundle_key="k"), node_version=NODE, has_program=False)
    assert tool.digest == "sha512.abcdef"
    assert tool.folder_name != of_plain.folder_name


@pytest.mark.parametrize(
    ("version", "is_fetched"), [("20", False), ("20.1", False), ("22", True), ("", False)]
)
def test_another_major_version_of_node_is_fetched(version: str, is_fetched: bool) -> None:
    spec = PlaywrightSuite(bundle_key="k", engine="node", engine_version=version)
    tool = engine_tool(spec, node_version=NODE)
    assert (tool is not None) == is_fetched
    assert tool is None or tool.spec.endswith(f"@{version}")


def test_bun_is_fetched_once_for_install_and_engine(tmp_path: Path) -> None:
    files = suite(tmp_path, "bun.lock", "{}")
    found = specs(files, engine="bun", engine_version="1.3")
    assert len(found) == 1
    assert found[0].startswith("@oven/bun-linux-")
