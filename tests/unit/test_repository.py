"""What a fresh clone relies on: locks that cover every dependency, and files that name no machine."""

import json
import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
LOCKS = sorted(REPOSITORY.glob("requirements*.lock"))
SUITES = sorted(
    (*REPOSITORY.glob("examples/*/requirements.txt"), *REPOSITORY.glob("tests/*/*/requirements.txt"))
)
NPM_LOCKS = [
    path
    for pattern in (
        "*/*/package-lock.json",
        "tests/*/*/package-lock.json",
        "src/bellrock/resources/**/package-lock.json",
    )
    for path in REPOSITORY.glob(pattern)
    if "node_modules" not in path.parts
]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


def normalised(requirement: str) -> str:
    name = re.split(r"[\[<>=;! ]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(lock: str) -> set[str]:
    return {normalised(name) for name in PIN.findall((REPOSITORY / lock).read_text("utf-8"))}


def project() -> dict[str, dict[str, list[str]]]:
    content: dict[str, dict[str, list[str]]] = tomllib.loads(
        (REPOSITORY / "pyproject.toml").read_text("utf-8")
    )
    return content


def test_the_lock_pins_every_dependency() -> None:
    missing = {normalised(name) for name in project()["project"]["dependencies"]} - pinned(
        "requirements.lock"
    )
    assert not missing


def test_the_development_lock_pins_every_tool() -> None:
    missing = {normalised(name) for name in project()["dependency-groups"]["dev"]}
    assert not missing - pinned("requirements-dev.lock")


@pytest.mark.parametrize("lock", [*LOCKS, *SUITES], ids=lambda lock: f"{lock.parent.name}-{lock.name}")
def test_a_lock_holds_a_hash_for_every_pin(lock: Path) -> None:
    blocks = re.split(r"\n(?=\S)", lock.read_text("utf-8").strip())
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize(
    "lock", [*LOCKS, *SUITES, *NPM_LOCKS], ids=lambda lock: f"{lock.parent.name}-{lock.name}"
)
def test_a_lock_names_no_registry_and_no_folder(lock: Path) -> None:
    assert not re.search(r"https?://|file:|index-url", _without_funding(lock))


def _without_funding(lock: Path) -> str:
    text = lock.read_text("utf-8")
    if lock.suffix != ".json":
        return text
    content = json.loads(text)
    for package in content["packages"].values():
        package.pop("funding", None)
    return json.dumps(content)
