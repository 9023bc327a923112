from pathlib import Path

import pytest

from bellrock.project import PlaywrightCheck
from bellrock.project.errors import ProjectError
from bellrock.project.locate import locate_project, locate_suite

PYTHON = """\
from bellrock.project import PlaywrightCheck, Project

project = Project(id="shop", name="Shop", checks={"suite": PlaywrightCheck(tags=["shop"])})
"""


def test_a_python_project_has_the_same_models(tmp_path: Path) -> None:
    (tmp_path / "bellrock_project.py").write_text(PYTHON)
    located = locate_project(tmp_path)
    check = located.project.checks["suite"]
    assert isinstance(check, PlaywrightCheck)
    assert check.tags == ("shop",)
    assert located.folder == tmp_path.resolve()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (PYTHON.replace('name="Shop"', "name=''"), "bellrock_project.py:3:"),
        ("import nothing_like_this\n", "bellrock_project.py:1: No module named"),
        ("project = (\n", "bellrock_project.py:1: syntax error"),
        ("x = 1\n", "bellrock_project.py: project: must be a bellrock.project.Project"),
    ],
)
def test_a_mistake_in_a_python_project_names_file_and_line(tmp_path: Path, source: str, said: str) -> None:
    (tmp_path / "bellrock_project.py").write_text(source)
    with pytest.raises(ProjectError) as raised:
        locate_project(tmp_path)
    assert raised.value.message.startswith(said)


def test_a_folder_with_both_kinds_of_file_has_to_name_one(tmp_path: Path) -> None:
    (tmp_path / "bellrock_project.py").write_text(PYTHON)
    (tmp_path / "bellrock.yaml").write_text("project: {}\n")
    with pytest.raises(ProjectError, match="both"):
        locate_project(tmp_path)
    assert locate_project(tmp_path, file=tmp_path / "bellrock_project.py").project.id == "shop"


def test_a_folder_without_a_project_says_which_files_are_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"neither bellrock\.yaml nor bellrock_project\.py"):
        locate_project(tmp_path)


def test_a_bare_suite_is_a_project_of_one_check(tmp_path: Path) -> None:
    folder = tmp_path / "My Shop"
    folder.mkdir()
    (folder / "playwright.config.mts").write_text("")
    located = locate_suite(folder)
    assert located.project.id == "my-shop"
    (check,) = located.project.resolved_checks().values()
    assert isinstance(check, PlaywrightCheck)
    assert check.config == "playwright.config.mts"


def test_a_folder_without_playwright_config_is_no_suite(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"playwright\.config\.ts"):
        locate_suite(tmp_path)
